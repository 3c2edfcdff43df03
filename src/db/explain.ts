// What an explanation of one door is read from.
import type { ExplainedCode, ToldEntry } from '../core/explain.ts';
import type { SeamLine } from '../core/seam-line.ts';
import type { Window } from '../core/windows.ts';
import type { Tx } from './client.ts';
import type { PlanKey } from './queue.ts';
import { readLine } from './seam-line.ts';

const toldMax = 200;

/** Rows of a door that are open, or whose window overlaps one of these; oldest first. */
export async function codesToExplain(
  tx: Tx,
  { scheduleId, deviceId }: PlanKey,
  windows: readonly Window[],
): Promise<ExplainedCode[]> {
  const within = windows.map(({ startsAt, endsAt }) => ({
    windowStartsAt: { lt: endsAt },
    windowEndsAt: { gt: startsAt },
  }));
  return tx.accessCode.findMany({
    where: { scheduleId, deviceId, OR: [{ nextTryAt: { not: null } }, ...within] },
    orderBy: [{ createdAt: 'asc' }, { id: 'asc' }],
  });
}

/** The history of a window of a door: its codes, its plan, and within a span what befell schedule, device and Seam; oldest first. */
export async function historyOfWindow(
  tx: Tx,
  { scheduleId, deviceId }: PlanKey,
  about: { codeIds: readonly string[]; window: Window | null; from: Date; to: Date },
): Promise<ToldEntry[]> {
  const { codeIds, window, from, to } = about;
  const at = { gte: from, lte: to };
  const ofWindow =
    window === null
      ? []
      : [
          {
            scheduleId,
            deviceId,
            codeId: null,
            detail: { path: ['window_starts_at'], equals: window.startsAt.toISOString() },
          },
        ];
  const rows = await tx.historyEntry.findMany({
    where: {
      OR: [
        { codeId: { in: [...codeIds] } },
        ...ofWindow,
        { scheduleId, deviceId: null, at },
        { scheduleId: null, deviceId, kind: { in: ['device.away', 'device.back'] }, at },
        { scheduleId: null, deviceId: null, kind: { in: ['seam.paused', 'seam.resumed'] }, at },
      ],
    },
    select: { at: true, kind: true, message: true, detail: true },
    orderBy: { id: 'desc' },
    take: toldMax,
  });
  return rows.reverse().map(({ detail, ...row }) => ({ ...row, detail: factsOf(detail) }));
}

function factsOf(detail: unknown): Readonly<Record<string, unknown>> {
  return typeof detail === 'object' && detail !== null && !Array.isArray(detail) ? { ...detail } : {};
}

/** When a schedule got the status that it has, and by whom; null when the history no longer says so. */
export async function statusSetAt(tx: Tx, scheduleId: string): Promise<{ at: Date; by: string | null } | null> {
  const [row] = await tx.$queryRaw<{ at: Date; by: string | null }[]>`
    select at, detail ->> 'by' as by from history
     where schedule_id = ${scheduleId}::uuid
       and (kind = 'schedule.ended' or detail -> 'changes' @> '[{"field": "status"}]')
     order by id desc limit 1`;
  return row ?? null;
}

/** Whether Seam can be asked, and since when not. */
export async function lineSince(tx: Tx): Promise<{ state: SeamLine['state']; since: Date | null }> {
  const { state } = await readLine(tx);
  if (state === 'clear') return { state, since: null };
  const told = await tx.historyEntry.findFirst({
    where: { kind: 'seam.paused' },
    select: { at: true },
    orderBy: { id: 'desc' },
  });
  return { state, since: told?.at ?? null };
}

/** The job of a door that failed for good and waits for a person. */
export async function failedJobOf(
  tx: Tx,
  { scheduleId, deviceId }: PlanKey,
): Promise<{ message: string; at: Date } | null> {
  const letter = await tx.deadLetter.findFirst({
    where: { state: 'open', scheduleId, deviceId },
    select: { errorMessage: true, diedAt: true },
  });
  return letter === null ? null : { message: letter.errorMessage, at: letter.diedAt };
}

/** Doors of a schedule, and those where a code of it is not gone yet. */
export async function doorsOfSchedule(tx: Tx, scheduleId: string): Promise<PlanKey[]> {
  return doorsWhere(tx, { scheduleId });
}

/** Schedules at a device, and those with a code there that is not gone yet. */
export async function schedulesAtDevice(tx: Tx, deviceId: string): Promise<PlanKey[]> {
  return doorsWhere(tx, { deviceId });
}

async function doorsWhere(tx: Tx, where: Partial<PlanKey>): Promise<PlanKey[]> {
  const select = { scheduleId: true, deviceId: true };
  const members = await tx.scheduleDevice.findMany({ where, select });
  const leaving = await tx.accessCode.findMany({ where: { ...where, nextTryAt: { not: null } }, select });
  const doors = new Map([...members, ...leaving].map((door) => [`${door.scheduleId} ${door.deviceId}`, door]));
  return [...doors.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, door]) => door);
}
