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
  | 'seam.resumed'
  | 'code.observed'
  | 'job.set_aside'
  | 'job.retried'
  | 'job.recovered'
  | 'job.dropped'
  | 'holder.erased';

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

const troubleBefore: readonly HistoryKind[] = ['code.postponed', 'code.refused', 'code.unsettled'];
const troubleWith: readonly HistoryKind[] = [
  ...troubleBefore,
  'code.created',
  'code.deleting',
  'code.reported',
  'code.drifted',
];

/** Kinds of alerts about a code that an entry of this kind about it settles, or about none where neither is about one. A missed window stays until a person has seen it. */
export const resolvedBy: Readonly<Partial<Record<HistoryKind, readonly HistoryKind[]>>> = {
  'code.created': troubleBefore,
  'code.adopted': troubleBefore,
  'code.updated': troubleBefore,
  'code.removed': troubleWith,
  'window.closed': troubleWith,
  'window.moved': ['code.refused'],
  'window.reopened': [...troubleWith, 'window.closed'],
  'seam.resumed': ['seam.paused'],
};
