// Gathers what is known of a door at an instant, and has it explained. Reads only, and asks nothing of Seam.
import { plannedAt } from '../core/closed-because.ts';
import { UserError } from '../core/errors.ts';
import { type DoorFacts, type Explanation, explainDoor } from '../core/explain.ts';
import { calendarOf } from '../core/schedule.ts';
import { noSchedule, severalDevices } from '../core/ways-out.ts';
import { causesOf, describeCauses } from '../core/window-causes.ts';
import { type Calendar, type Window, windowsFrom } from '../core/windows.ts';
import { findDeviceIds, loadDevice } from '../db/devices.ts';
import { loadDoorBlackouts } from '../db/door-blackouts.ts';
import {
  codesToExplain,
  doorsOfSchedule,
  failedJobOf,
  historyOfWindow,
  lineSince,
  schedulesAtDevice,
  statusSetAt,
} from '../db/explain.ts';
import type { PlanKey } from '../db/queue.ts';
import { loadSchedule, loadSchedulesByKeys } from '../db/schedules.ts';
import { ScheduleConflict } from './change-schedules.ts';
import type { FlowDeps } from './flow-deps.ts';

/** What is asked: a schedule, at all its doors or one; or a device, for all schedules there. */
export interface Question {
  readonly about: { readonly key: string; readonly deviceId?: string | undefined } | { readonly deviceId: string };
  /** Now, if not given. */
  readonly at?: Date | undefined;
}

/** An explanation and whose it is. */
export interface DoorExplanation extends Explanation {
  readonly scheduleKey: string;
  readonly deviceId: string;
  readonly deviceName: string | null;
  readonly at: Date;
  /** The zone in which people read the times. */
  readonly timezone: string;
  /** The window that it is about: the open one, or the one that is closed. */
  readonly window: Window | null;
}

type ExplainDeps = Pick<FlowDeps, 'db' | 'now'>;

const hourMs = 3_600_000;
// So long after its end a window may still be what somebody asks about.
const justOverMs = 12 * hourMs;
const doorsMax = 200;

/** @throws ScheduleConflict `schedule_unknown`, UserError `device_unknown` */
export async function explain(deps: ExplainDeps, { about, at }: Question): Promise<DoorExplanation[]> {
  const doors = await doorsAsked(deps, about);
  const now = deps.now();
  const explanations: DoorExplanation[] = [];
  for (const door of doors.slice(0, doorsMax)) {
    const explained = await explainOne(deps, door, at ?? now, now);
    if (explained !== null) explanations.push(explained);
  }
  return explanations;
}

/** A schedule where one has this key, or else a device of a schedule. @throws UserError `nothing_known` */
export async function explainWord(
  deps: ExplainDeps,
  word: string,
  options: { deviceId?: string | undefined; at?: Date | undefined },
): Promise<DoorExplanation[]> {
  const { deviceId, at } = options;
  const [schedule] = await loadSchedulesByKeys(deps.db.prisma, [word]);
  if (schedule !== undefined) return explain(deps, { about: { key: word, deviceId }, at });
  const [id, ...more] = await findDeviceIds(deps.db.prisma, word);
  if (more.length > 0) throw new UserError('device_ambiguous', severalDevices(word, [id, ...more]));
  if (id !== undefined && (await schedulesAtDevice(deps.db.prisma, id)).length > 0)
    return explain(deps, { about: { deviceId: id }, at });
  throw new UserError(
    'nothing_known',
    `No schedule has the key ${word}, and no schedule is on a device of this id or name: see relatch schedules list.`,
  );
}

async function doorsAsked({ db }: ExplainDeps, about: Question['about']): Promise<PlanKey[]> {
  if (!('key' in about)) {
    const doors = await schedulesAtDevice(db.prisma, about.deviceId);
    if (doors.length > 0) return doors;
    throw new UserError('device_unknown', `No schedule is on the device ${about.deviceId}.`);
  }
  const [schedule] = await loadSchedulesByKeys(db.prisma, [about.key]);
  if (schedule === undefined) throw new ScheduleConflict('schedule_unknown', noSchedule(about.key), null);
  const { deviceId } = about;
  return deviceId === undefined ? doorsOfSchedule(db.prisma, schedule.id) : [{ scheduleId: schedule.id, deviceId }];
}

async function explainOne({ db }: ExplainDeps, key: PlanKey, at: Date, now: Date): Promise<DoorExplanation | null> {
  const { prisma } = db;
  const { deviceId, scheduleId } = key;
  const schedule = await loadSchedule(prisma, scheduleId);
  if (schedule === null) return null;
  const blackouts = (await loadDoorBlackouts(prisma, [deviceId])).get(deviceId) ?? [];
  const calendar = calendarOf(schedule, blackouts);
  const planned = plannedAt(schedule, blackouts, at);
  const nextWindow = windowsFrom(calendar, at, 2).find(({ startsAt }) => startsAt > at) ?? null;
  // Where nothing is planned, what became of the window before is what people are after.
  const before = planned.window === null ? lastBefore(calendar, at) : null;
  const told = planned.window ?? before;
  const windows = [told, nextWindow].filter((window) => window !== null);
  const codes = await codesToExplain(prisma, key, windows);
  const device = await loadDevice(prisma, deviceId);
  const entries = await historyOfWindow(prisma, key, {
    ...spanOf(told, at, now),
    window: told,
    codeIds: codes.filter((code) => told !== null && isAbout(code, told)).map(({ id }) => id),
  });
  const facts: DoorFacts = {
    schedule,
    deviceId,
    deviceName: device?.name ?? null,
    away: device?.awaySince == null ? null : { since: device.awaySince, because: device.awayBecause },
    at,
    now,
    planned: { ...planned, why: planned.isOpen ? whyOf(calendar, planned.window) : '' },
    nextWindow,
    before,
    statusSet: schedule.status === 'active' ? null : await statusSetAt(prisma, scheduleId),
    codes,
    entries,
    line: await lineSince(prisma),
    failedJob: await failedJobOf(prisma, key),
  };
  const { timezone } = schedule;
  const whose = { scheduleKey: schedule.key, deviceId, deviceName: facts.deviceName, at, timezone };
  return { ...explainDoor(facts), ...whose, window: planned.window };
}

function lastBefore(calendar: Calendar, at: Date): Window | null {
  const recent = windowsFrom(calendar, new Date(at.getTime() - justOverMs), 50);
  return recent.findLast(({ endsAt }) => endsAt <= at) ?? null;
}

function isAbout(code: { windowStartsAt: Date; windowEndsAt: Date }, { startsAt, endsAt }: Window): boolean {
  return code.windowStartsAt < endsAt && startsAt < code.windowEndsAt;
}

/** When what befell schedule, device and Seam concerns the window: from a day before its start to an hour after its end. */
function spanOf(window: Window | null, at: Date, now: Date): { from: Date; to: Date } {
  const from = new Date((window?.startsAt ?? at).getTime() - 24 * hourMs);
  const to = new Date((window?.endsAt ?? at).getTime() + hourMs);
  return { from, to: to < now ? to : now };
}

function whyOf(calendar: Calendar, window: Window | null): string {
  return window === null ? '' : describeCauses(causesOf(calendar, window));
}
