// A code that somebody made in Seam becomes the code of a window: its row is written as if Relatch had made it, and the plan moves
// it to its window. Its name and PIN stay as they are.
import { bearsMarker, bearsPrefix, isOpen, newMarker } from '../core/access-code.ts';
import { noSchedule, opensNoDoor } from '../core/ways-out.ts';
import type { Window } from '../core/windows.ts';
import {
  awaitedCodes,
  changeCode,
  findByAccessCodeId,
  holdSchedule,
  insertIntent,
  type StoredCode,
} from '../db/access-codes.ts';
import type { Tx } from '../db/client.ts';
import { type HistoryEntry, insertHistory } from '../db/history.ts';
import { reopenIgnored } from '../db/inbox-jobs.ts';
import { columnsOfPin, loadDoorPins } from '../db/pins.ts';
import { loadSchedulesByKeys } from '../db/schedules.ts';
import type { SeamCode } from '../seam/api.ts';
import { ActionRefused } from './act-on-schedule.ts';
import { ScheduleConflict } from './change-schedules.ts';
import { type Door, describeWindow, entryFor, readDoor, windowDetail } from './door.ts';
import type { FlowDeps } from './flow-deps.ts';
import { logEntry } from './record.ts';
import { requestPlans } from './request-plans.ts';

const looks = 3;

/** What was adopted, and for when. */
export interface Adopted {
  readonly codeId: string;
  readonly window: Window;
  readonly message: string;
}

/**
 * Takes a code of Seam's into the schedule's window in progress or next, in which it must lie.
 * @param by who does it, for the history
 * @param along writes along, in the same transaction
 * @throws ScheduleConflict where there is no such schedule; ActionRefused where it cannot be done: nothing was written
 */
export async function adoptCode(
  deps: FlowDeps,
  scheduleKey: string,
  deviceId: string,
  accessCodeId: string,
  by: string,
  along?: (tx: Tx, adopted: Adopted) => Promise<void>,
): Promise<Adopted> {
  // A plan of the same door may change the row between the look and the write: then it is looked at once more.
  for (let look = 1; look <= looks; look += 1) {
    const adopted = await tryToAdopt(deps, { scheduleKey, deviceId, accessCodeId, by }, along);
    if (adopted !== null) return adopted;
  }
  throw new ActionRefused('window_has_code', 'The door is being worked on. Try again in a moment.');
}

interface Wish {
  readonly scheduleKey: string;
  readonly deviceId: string;
  readonly accessCodeId: string;
  readonly by: string;
}

/** Null where something else changed the row meanwhile; nothing was written then. */
async function tryToAdopt(
  deps: FlowDeps,
  { scheduleKey, deviceId, accessCodeId, by }: Wish,
  along: ((tx: Tx, adopted: Adopted) => Promise<void>) | undefined,
): Promise<Adopted | null> {
  const [schedule] = await loadSchedulesByKeys(deps.db.prisma, [scheduleKey]);
  if (schedule === undefined) throw new ScheduleConflict('schedule_unknown', noSchedule(scheduleKey), null);
  const door = await readDoor(deps, { scheduleId: schedule.id, deviceId });
  if (door === null || !door.isServed) throw notServed(schedule, deviceId);
  const found = await findAtSeam(deps, door, accessCodeId);
  const window = windowFor(door, found);
  const row = rowFor(door, window);
  const awaited = await awaitedCodes(deps.db.prisma, deviceId);
  // Whoever asked for it would find it by its marker, and two rows cannot have it.
  if (awaited.some(({ id, marker }) => id !== row?.id && bearsMarker(found.name, marker)))
    throw new ActionRefused(
      'code_known',
      `Relatch asked for the code ${accessCodeId} itself: see the codes of the door.`,
    );
  const pin = await pinOf(deps, door, found);
  const done = await deps.db.prisma.$transaction(async (tx) => {
    if ((await holdSchedule(tx, schedule.id)) !== schedule.version) return null;
    const id = await takeIn(deps, tx, { door, window, row, found, pin });
    if (id === null) return null;
    const told = toldOf(door, window, found, by, id);
    await insertHistory(tx, told);
    await reopenIgnored(tx, accessCodeId);
    await requestPlans(deps, tx, [door.key]);
    const adopted = { codeId: id, window, message: told.message };
    await along?.(tx, adopted);
    return { adopted, entry: told };
  });
  if (done === null) return null;
  logEntry(deps.log, done.entry);
  return done.adopted;
}

function notServed({ key, status }: { key: string; status: string }, deviceId: string): ActionRefused {
  return status === 'active'
    ? new ActionRefused('device_not_of_schedule', `The schedule is not on device ${deviceId}: add it there first.`)
    : new ActionRefused(`schedule_${status}`, opensNoDoor(key, status));
}

async function findAtSeam(deps: FlowDeps, door: Door, accessCodeId: string): Promise<SeamCode> {
  const owner = await findByAccessCodeId(deps.db.prisma, accessCodeId);
  if (owner !== null)
    throw new ActionRefused('code_known', `Relatch has the code ${accessCodeId} already: see the codes of the door.`);
  const listed = await deps.seam.listCodes(door.key.deviceId);
  if (!listed.ok)
    throw new ActionRefused('seam_unavailable', `Seam could not be asked: ${listed.failure.message}. Try again later.`);
  const found = listed.value.find((code) => code.accessCodeId === accessCodeId);
  if (found === undefined || found.isLeaving)
    throw new ActionRefused(
      'code_unknown',
      `Seam has no code ${accessCodeId} on this device, or is removing it: look it up in Seam.`,
    );
  if (!found.isManaged)
    throw new ActionRefused(
      'code_unmanaged',
      'The code was made in the lock’s own app. Convert it to a managed one in Seam first.',
    );
  // Every installation's markers look alike.
  if (bearsPrefix(found.name, '') && !bearsPrefix(found.name, deps.markerPrefix))
    throw new ActionRefused(
      'code_of_other_installation',
      'The name of the code says that another installation of Relatch made it, which would go on changing it.',
    );
  return found;
}

/** The window in progress or next in which the code lies. */
function windowFor(door: Door, { startsAt, endsAt }: SeamCode): Window {
  const { windows } = door.input;
  const window = windows.find(
    (one) => startsAt !== null && endsAt !== null && startsAt >= one.startsAt && endsAt <= one.endsAt,
  );
  if (window !== undefined) return window;
  const hours = windows.map((one) => describeWindow(door, one)).join('; ');
  throw new ActionRefused(
    'outside_windows',
    `The code is valid from ${startsAt?.toISOString() ?? 'ever'} to ${endsAt?.toISOString() ?? 'ever'}, which lies in no window of now or next (${hours || 'none is coming'}). Change its times in Seam, or the schedule.`,
  );
}

/** The row that waits for a code; null where none is written yet. A window has one code, and one that is closed gets none. */
function rowFor({ input }: Door, window: Window): StoredCode | null {
  const rows = input.codes.filter(
    (code) => code.windowStartsAt < window.endsAt && window.startsAt < code.windowEndsAt && code.generation >= 0,
  );
  const open = rows.find(isOpen);
  if (open !== undefined && open.state !== 'planned' && open.state !== 'rejected')
    throw new ActionRefused('window_has_code', 'The window has a code already: remove that one first, or let it be.');
  if (open === undefined && rows.some((code) => code.generation >= input.generation))
    throw new ActionRefused('window_closed', 'The window was served or closed. Reopen it first.');
  const isMoved = input.codes.some(
    ({ state, confirmedStartsAt, confirmedEndsAt }) =>
      (state === 'created' || state === 'removing') &&
      (confirmedStartsAt ?? window.endsAt) < window.endsAt &&
      (confirmedEndsAt ?? window.startsAt) > window.startsAt,
  );
  if (isMoved)
    throw new ActionRefused('window_has_code', 'Seam still has another code for the window. Try again in a moment.');
  return open ?? null;
}

/** The PIN as it is to be stored, and whether it is another than the schedule's. */
async function pinOf(deps: FlowDeps, { key, schedule }: Door, { pin }: SeamCode) {
  if (pin === null) return { columns: columnsOfPin(null), isOther: schedule.pinPolicy !== 'rotate' };
  const { doorPin, schedulePin } = await loadDoorPins(deps.db.prisma, key);
  const stored = doorPin ?? schedulePin;
  const isOther = stored !== null && deps.vault.decrypt(stored, schedule.id) !== pin;
  return { columns: columnsOfPin(deps.vault.encrypt(pin, schedule.id)), isOther };
}

interface Taking {
  readonly door: Door;
  readonly window: Window;
  readonly row: StoredCode | null;
  readonly found: SeamCode;
  readonly pin: Awaited<ReturnType<typeof pinOf>>;
}

async function takeIn(deps: FlowDeps, tx: Tx, { door, window, row, found, pin }: Taking): Promise<string | null> {
  const { now, generation } = door.input;
  const target = row ?? (await newRow(deps, tx, door, window, generation));
  const { startsAt, endsAt, accessCodeId, createdAt } = found;
  const isTaken =
    target !== null &&
    (await changeCode(tx, target, {
      state: 'created',
      accessCodeId,
      madeAt: createdAt,
      confirmedStartsAt: startsAt,
      confirmedEndsAt: endsAt,
      askedStartsAt: startsAt,
      askedEndsAt: endsAt,
      ...pin.columns,
      hasOtherPin: pin.isOther,
      // What was revoked is the PIN that the row had before.
      pinRevoked: false,
      adopted: true,
      attempts: 0,
      reason: null,
      quietUntil: null,
      nextTryAt: now,
    }));
  return isTaken ? target.id : null;
}

async function newRow(
  deps: FlowDeps,
  tx: Tx,
  { key, input }: Door,
  window: Window,
  generation: number,
): Promise<StoredCode | null> {
  const marker = newMarker(deps.markerPrefix, deps.random);
  if (!(await insertIntent(tx, { ...key, window, generation, marker, now: input.now }))) return null;
  return tx.accessCode.findFirst({ where: { deviceId: key.deviceId, marker } });
}

function toldOf(door: Door, window: Window, found: SeamCode, by: string, codeId: string): HistoryEntry {
  const message = `Adopted by ${by}, as it was at Seam: the code of ${describeWindow(door, window)}.`;
  const detail = {
    by,
    access_code_id: found.accessCodeId,
    starts_at: found.startsAt?.toISOString() ?? null,
    ends_at: found.endsAt?.toISOString() ?? null,
    ...windowDetail(window),
  };
  return entryFor(door, 'code.adopted', message, { codeId, detail });
}
