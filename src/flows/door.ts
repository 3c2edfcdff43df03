// One schedule on one door: what a plan is made from, and the sentences in which people are told of it.
import { formatInTimeZone } from 'date-fns-tz';
import { earlyRemovalMs, type PlanInput, tooLateMs } from '../core/plan.ts';
import { calendarOf, type Schedule } from '../core/schedule.ts';
import { type Blackout, localDateOf, type Window, windowsFrom } from '../core/windows.ts';
import { type CodeChange, loadCodes, type StoredCode } from '../db/access-codes.ts';
import type { Tx } from '../db/client.ts';
import { type KnownDevice, loadDevice } from '../db/devices.ts';
import { loadDoorBlackouts } from '../db/door-blackouts.ts';
import type { HistoryEntry, HistoryKind } from '../db/history.ts';
import type { PlanKey } from '../db/queue.ts';
import { loadSchedule } from '../db/schedules.ts';
import type { CodeRef } from '../seam/api.ts';
import type { FlowDeps } from './flow-deps.ts';

export interface Door {
  readonly key: PlanKey;
  readonly schedule: Schedule;
  readonly device: KnownDevice | null;
  /** Blackouts that hold for every schedule on this door. */
  readonly blackouts: readonly Blackout[];
  readonly input: PlanInput<StoredCode>;
  /** Whether this door is to have codes at all: the schedule is active and the door is one of its. */
  readonly isServed: boolean;
}

/**
 * Reads the state that a plan is made from; null when there is no such schedule.
 * @param known the door as this job has read it before, where nothing can have changed since but its codes
 */
export async function readDoor(deps: FlowDeps, key: PlanKey, known: Door | null = null): Promise<Door | null> {
  const now = deps.now();
  const { prisma } = deps.db;
  const [schedule, device, blackouts] = await Promise.all([
    known?.schedule ?? loadSchedule(prisma, key.scheduleId),
    known?.device ?? loadDevice(prisma, key.deviceId),
    known?.blackouts ?? loadDoorBlackouts(prisma, [key.deviceId]).then((all) => all.get(key.deviceId) ?? []),
  ]);
  if (schedule === null) return null;
  return withCodes(prisma, { key, schedule, device, blackouts }, calendarOf, now);
}

/**
 * A door with what its plan is made from, and its codes as they are stored.
 * @param calendar by which the schedule's windows are found, if it is to have any here
 */
export async function withCodes(
  tx: Tx,
  facts: Pick<Door, 'key' | 'schedule' | 'device' | 'blackouts'>,
  calendar: typeof calendarOf,
  now: Date,
): Promise<Door> {
  const { key, schedule } = facts;
  const membership = schedule.devices.find(({ deviceId }) => deviceId === key.deviceId);
  const isServed = schedule.status === 'active' && membership !== undefined;
  const windows = isServed ? windowsFrom(calendar(schedule, facts.blackouts), now, 2) : [];
  const [first] = windows;
  // What ended within the window in progress, which goes on for longer, still has its place.
  const codes = await loadCodes(tx, key, first !== undefined && first.startsAt < now ? first.startsAt : now);
  const generation = membership?.generation ?? 0;
  const rotates = schedule.pinPolicy === 'rotate';
  return { ...facts, isServed, input: { windows, codes, generation, rotates, now } };
}

/** A history entry about this door. */
export function entryFor(
  door: Door,
  kind: HistoryKind,
  message: string,
  more: Partial<Pick<HistoryEntry, 'alert' | 'aspect' | 'codeId' | 'detail'>> = {},
): HistoryEntry {
  const { scheduleId, deviceId } = door.key;
  const detail = {
    schedule_key: door.schedule.key,
    schedule_name: door.schedule.name,
    device_name: door.device?.name ?? null,
    ...more.detail,
  };
  return { at: door.input.now, kind, message, scheduleId, deviceId, holder: door.schedule.holder, ...more, detail };
}

/** "Cleaning crew at Front door, Mon 9 Mar 09:00–17:00": whose code where and for when, in the schedule's own time. */
export function describeWindow(door: Door, window: { startsAt: Date; endsAt: Date }): string {
  return `${whose(door)}, ${hoursOf(door.schedule.timezone, window)}`;
}

/** "Mon 9 Mar 09:00–17:00" in this zone. */
export function hoursOf(timezone: string, window: { startsAt: Date; endsAt: Date }): string {
  const starts = formatInTimeZone(window.startsAt, timezone, 'EEE d MMM HH:mm');
  const isSameDay = localDateOf(timezone, window.startsAt) === localDateOf(timezone, window.endsAt);
  const ends = formatInTimeZone(window.endsAt, timezone, isSameDay ? 'HH:mm' : 'EEE d MMM HH:mm');
  return `${starts}–${ends}`;
}

/** "Mon 9 Mar 09:00" in the schedule's own time. */
export function momentOf({ schedule }: Door, at: Date): string {
  return formatInTimeZone(at, schedule.timezone, 'EEE d MMM HH:mm');
}

/** "Cleaning crew at Front door". Who carries the PIN is not kept in the history, which outlives the person's data. */
export function whose({ schedule, device, key }: Door): string {
  return `${schedule.name} at ${device?.name ?? `device ${key.deviceId}`}`;
}

export function windowOf(code: { windowStartsAt: Date; windowEndsAt: Date }): Window {
  return { startsAt: code.windowStartsAt, endsAt: code.windowEndsAt };
}

/**
 * The change that ends a row's life: nothing wakes it any more. It ends under the generation of now, so that its window is not
 * taken for one that a later reopening gave free. It keeps its own where it must not stand for windows of now: its window is no
 * longer planned, or may have been reopened since we had it removed, or is over, or goes on without it.
 */
export function ending(door: Door, code: StoredCode, state: 'removed' | 'closed', reason: string): CodeChange {
  const keepsOwn =
    reason === 'not_planned' || code.state === 'removing' || code.windowEndsAt <= door.input.now || goesOn(door, code);
  const own = keepsOwn ? code.generation : Math.max(code.generation, door.input.generation);
  // Below zero it spends no window. A window may see several such rows, each with a number of its own.
  const isReplaced = reason === 'replaced' ? -2 - code.generation : own;
  // The column has 31 bits, which seconds since 1970 outgrow in 2038.
  const generation = code.pinRevoked ? -(Math.floor(door.input.now.getTime() / 1_000) % 2 ** 31) : isReplaced;
  const removedAt = code.accessCodeId === null ? null : (code.goneSignalAt ?? door.input.now);
  return { state, reason, generation, removedAt, nextTryAt: null, quietUntil: null, goneSignalAt: null };
}

/**
 * Until when a create of this code may still land that was repeated, or given up, before it had settled; null when none may.
 * While the code is on the lock its PIN keeps the other away; once it is gone, nothing does but to look again.
 */
export function unsettledUntil(settleMs: number, { input: { now } }: Door, code: StoredCode): Date | null {
  const isRepeated = code.fence > (code.state === 'planned' ? 0 : 1);
  if (!isRepeated || code.calledAt === null) return null;
  const settledAt = new Date(code.calledAt.getTime() + settleMs);
  return settledAt > now ? settledAt : null;
}

/** Whether Seam ended a code while its window goes on, because its end could not be moved or was never as asked. */
export function goesOn({ input: { now } }: Door, code: StoredCode): boolean {
  const endedAt = code.state === 'created' ? code.confirmedEndsAt : null;
  return (
    endedAt !== null &&
    endedAt.getTime() - now.getTime() <= earlyRemovalMs &&
    code.windowEndsAt.getTime() - now.getTime() >= tooLateMs
  );
}

/** A window as programs read it in an entry. */
export function windowDetail({ startsAt, endsAt }: Window): { window_starts_at: string; window_ends_at: string } {
  return { window_starts_at: startsAt.toISOString(), window_ends_at: endsAt.toISOString() };
}

/** The code at Seam; a row without its id is never in a state that asks for it. */
export function seamRefOf(code: StoredCode): CodeRef {
  return { deviceId: code.deviceId, accessCodeId: seamIdOf(code) };
}

export function seamIdOf(code: StoredCode): string {
  if (code.accessCodeId === null) throw new Error(`code ${code.id} is ${code.state} and has no id at Seam`);
  return code.accessCodeId;
}
