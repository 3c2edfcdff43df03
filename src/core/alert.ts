// Which entries of the history raise an alert for which cause, and which tell that a cause is gone. Pure.

/** What happened, from a fixed list: the kinds of history entries. */
export type HistoryKind =
  | 'schedule.created'
  | 'schedule.changed'
  | 'schedule.ended'
  | 'window.planned'
  | 'window.moved'
  | 'window.missed'
  | 'window.closed'
  | 'window.reopened'
  | 'code.created'
  | 'code.adopted'
  | 'code.unsettled'
  | 'code.postponed'
  | 'code.refused'
  | 'code.updated'
  | 'code.deleting'
  | 'code.removed'
  | 'code.watched'
  | 'code.reported'
  | 'code.drifted'
  | 'code.orphaned'
  | 'seam.paused'
  | 'seam.awaited'
  | 'seam.resumed'
  | 'code.observed'
  | 'job.set_aside'
  | 'job.retried'
  | 'job.recovered'
  | 'job.dropped'
  | 'event.replayed'
  | 'holder.erased'
  | 'pin.revealed'
  | 'feed.created'
  | 'feed.renewed'
  | 'feed.revoked'
  | 'code.ready'
  | 'code.not_ready'
  | 'code.removing_late'
  | 'code.given_up'
  | 'code.changed_elsewhere'
  | 'code.other_pin'
  | 'code.backup_pulled'
  | 'device.away'
  | 'device.back'
  | 'clock.skewed'
  | 'clock.agrees'
  | 'clock.forgotten'
  | 'endpoint.changed'
  | 'endpoint.disabled'
  | 'endpoint.enabled';

/** What an entry is about, as far as it says so. */
export interface Subject {
  readonly scheduleId?: string | undefined;
  readonly deviceId?: string | undefined;
  readonly codeId?: string | undefined;
}

/**
 * The key of a cause: the same thing seen again is the same alert.
 * @param aspect tells causes of one kind about one subject from each other, such as the event type that reported it
 */
export function causeOf(kind: HistoryKind, { scheduleId, deviceId, codeId }: Subject, aspect = ''): string {
  const subject = codeId ?? [scheduleId ?? '', deviceId ?? ''].join(':');
  return [kind, subject, aspect].filter((part) => part !== '').join(' ');
}

const troubleAsking: readonly HistoryKind[] = ['code.postponed', 'code.refused', 'code.unsettled'];
const troubleBefore: readonly HistoryKind[] = [...troubleAsking, 'code.not_ready'];
const troubleWith: readonly HistoryKind[] = [
  ...troubleBefore,
  'code.created',
  'code.deleting',
  'code.removing_late',
  'code.given_up',
  'code.reported',
  'code.changed_elsewhere',
  'code.other_pin',
  'code.backup_pulled',
];

/**
 * Kinds of alerts that an entry of this kind settles, about the same code or, where it is about none, the same device. A missed window stays until a
 * person has seen it; what the ladder says of a code takes the place of what was said before, so that one cause is one alert.
 */
export const resolvedBy: Readonly<Partial<Record<HistoryKind, readonly HistoryKind[]>>> = {
  'code.created': troubleBefore,
  'code.adopted': troubleBefore,
  'code.updated': troubleAsking,
  'code.ready': ['code.not_ready'],
  'code.not_ready': troubleAsking,
  'code.other_pin': troubleBefore,
  'code.backup_pulled': troubleBefore,
  'code.removed': troubleWith,
  'code.given_up': troubleWith,
  'code.watched': ['code.changed_elsewhere'],
  'window.closed': troubleWith,
  'window.missed': troubleBefore,
  'window.moved': ['code.refused', 'code.not_ready'],
  'window.reopened': [...troubleWith, 'window.closed'],
  'seam.resumed': ['seam.paused', 'seam.awaited'],
  'device.back': ['device.away'],
};
