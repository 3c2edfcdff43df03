// What is heard of codes from outside goes into their rows, whoever has claimed them; and what the rows tell of the time between two codes.
import type { AccessCode } from '../core/access-code.ts';
import type { Tx } from './client.ts';
import type { PlanKey } from './queue.ts';

/** What an event tells of a code, beside that it is gone; a row that is final stays as it is. */
export interface CodeReport {
  readonly readyAt?: Date | null;
  readonly changedSignalAt?: Date;
  readonly backupAccessCodeId?: string;
}

// How far our clock may be behind Seam's, and how long a verdict may take.
const skewMs = 60_000;

/** Notes what Seam said of an open code, whoever has claimed it. */
export async function noteReport(tx: Tx, code: AccessCode, report: CodeReport): Promise<void> {
  await tx.accessCode.updateMany({
    where: { id: code.id, nextTryAt: { not: null } },
    data: { ...report, updatedAt: new Date() },
  });
}

/** Whether Seam told one of these types of a code, whenever it came, as later than this. */
export async function isToldSince(tx: Tx, accessCodeId: string, at: Date, types: readonly string[]): Promise<boolean> {
  const where = { accessCodeId, eventType: { in: [...types] }, occurredAt: { gt: at } };
  return (await tx.inboxEvent.count({ where })) > 0;
}

/**
 * Notes that these devices were gone at an instant, and what was on them probably too: whoever plans their doors asks Seam, and
 * takes no code for deleted by somebody, even if its device is back by then.
 */
export async function noteDevicesGone(tx: Tx, deviceIds: readonly string[], at: Date): Promise<void> {
  await tx.$executeRaw`
    update access_codes
       set gone_signal_at = coalesce(gone_signal_at, ${at}), updated_at = now(),
           -- A code that somebody had deleted before did not go with its device.
           device_away_since = case when exists (select 1 from inbox i
                                                  where i.access_code_id = access_codes.access_code_id
                                                    and i.event_type = 'access_code.deleted' and i.occurred_at < ${at})
                                    then device_away_since else coalesce(device_away_since, ${at}) end
     where device_id = any(${[...deviceIds]}::text[]) and state = 'created' and coalesce(made_at, created_at) < ${at}`;
}

/**
 * Takes back that somebody deleted codes of these devices, where that was found after the devices were gone, no event tells of it,
 * and their windows have not ended. Answers the ids of those codes.
 */
export async function takeBackDeletions(
  tx: Tx,
  deviceIds: readonly string[],
  { goneAt, now }: { goneAt: Date; now: Date },
): Promise<string[]> {
  const rows = await tx.$queryRaw<{ id: string }[]>`
    update access_codes c set reason = 'device_back', updated_at = now()
     where c.device_id = any(${[...deviceIds]}::text[]) and c.state = 'closed' and c.reason = 'taken_away'
       and coalesce(c.made_at, c.created_at) < ${goneAt} and c.window_ends_at > ${now}
       and exists (select 1 from history h where h.code_id = c.id and h.kind = 'window.closed' and h.at >= ${new Date(goneAt.getTime() - skewMs)})
       and not exists (select 1 from inbox i
                        where i.access_code_id = c.access_code_id and i.event_type = 'access_code.deleted')
    returning c.id`;
  return rows.map(({ id }) => id);
}

/** Ends the waiting for these devices: they are back. */
export async function noteDevicesBack(tx: Tx, deviceIds: readonly string[]): Promise<void> {
  await tx.accessCode.updateMany({
    where: {
      deviceId: { in: [...deviceIds] },
      quietUntil: { not: null },
      OR: [{ state: 'planned' }, { state: 'created', deviceAwaySince: { not: null } }],
    },
    data: { quietUntil: null, updatedAt: new Date() },
  });
}

/** When the last window of a door before now ended that kept its PIN to the end; null when there was none. */
export async function lastEndedAt(tx: Tx, { scheduleId, deviceId }: PlanKey, now: Date): Promise<Date | null> {
  const row = await tx.accessCode.findFirst({
    where: {
      scheduleId,
      deviceId,
      windowEndsAt: { lte: now },
      OR: [{ reason: null }, { reason: { not: 'not_planned' } }],
    },
    orderBy: { windowEndsAt: 'desc' },
    select: { windowEndsAt: true },
  });
  return row?.windowEndsAt ?? null;
}

/** When the last code before this one left the door; null when none did, and `undefined` when none was there. */
export async function removedBefore(tx: Tx, code: AccessCode): Promise<Date | null | undefined> {
  const before = await tx.accessCode.findFirst({
    where: {
      scheduleId: code.scheduleId,
      deviceId: code.deviceId,
      windowEndsAt: { lte: code.windowStartsAt },
      generation: { gte: 0 },
      accessCodeId: { not: null },
    },
    orderBy: { windowEndsAt: 'desc' },
    select: { removedAt: true },
  });
  return before === null ? undefined : before.removedAt;
}

/** Whether a change of this code at Seam was asked back of late. */
export async function wasAskedBack(tx: Tx, codeId: string, since: Date): Promise<boolean> {
  const [row] = await tx.$queryRaw<{ is_asked: boolean }[]>`
    select exists (select 1 from history
                    where code_id = ${codeId}::uuid and kind = 'code.changed_elsewhere' and at >= ${since}
                      and detail ? 'asked_back') as is_asked`;
  return row?.is_asked === true;
}
