// Codes that bear our marker and have no row: after a restore from a backup every newer code is one. What fits the plan is
// adopted; the rest is reported, and deleted a day later or on command, because a database may also have been restored by mistake.
import { codeName } from '../core/access-code.ts';
import type { Drift } from '../core/drift.ts';
import { planSchedule } from '../core/plan.ts';
import type { Window } from '../core/windows.ts';
import type { StoredCode } from '../db/access-codes.ts';
import { loadDevice } from '../db/devices.ts';
import type { HistoryEntry } from '../db/history.ts';
import { loadDoorPins } from '../db/pins.ts';
import {
  adoptInto,
  anyScheduleAt,
  codesKnownAt,
  insertFound,
  type OrphanAlert,
  outOfPlan,
  resolveAlert,
  windowColumns,
} from '../db/reconcile.ts';
import type { SeamCode } from '../seam/api.ts';
import type { ListAgain } from './compare-device.ts';
import { type Door, describeWindow, entryFor, whose, windowDetail, windowOf } from './door.ts';
import type { FlowDeps } from './flow-deps.ts';
import type { Budget } from './reconcile-budget.ts';
import type { Repair } from './repair.ts';

type Orphan = Extract<Drift<StoredCode, SeamCode>, { kind: 'orphan' }>;

// From the report to the removal.
const graceMs = 24 * 3_600_000;

interface Found {
  readonly deviceId: string;
  readonly doors: readonly Door[];
  readonly orphans: readonly Orphan[];
  /** The unresolved alerts about orphans on the device. */
  readonly alerts: readonly OrphanAlert[];
  /** On command: what was reported before is removed now. */
  readonly removesOrphans: boolean;
  readonly budget: Budget;
  readonly listAgain: ListAgain;
}

/** The repairs for a device's orphans, and for alerts about those that are none any more. */
export async function judgeOrphans(deps: FlowDeps, found: Found): Promise<Repair[]> {
  const { deviceId, alerts } = found;
  const orphans = await stillOrphans(deps, found);
  // Not looked at twice: neither judged nor taken back.
  if (orphans === null) return [];
  const repairs: Repair[] = [];
  const taken = new Set<string>();
  for (const orphan of orphans) {
    const alert = alerts.find(({ accessCodeId }) => accessCodeId === orphan.listed.accessCodeId);
    const repair =
      (await adoption(deps, found.doors, orphan, taken)) ??
      (await report(deps, found, orphan, alert?.raisedAt ?? null));
    if (repair !== null) repairs.push(repair);
  }
  const gone = alerts.filter(({ accessCodeId }) => !orphans.some(({ listed }) => listed.accessCodeId === accessCodeId));
  for (const { id } of gone) {
    const settle = async (tx: Parameters<NonNullable<Repair['mark']>>[0]): Promise<null> => {
      await resolveAlert(tx, id, deps.now(), 'code.removed');
      return null;
    };
    const would = 'resolve the alert about a code that is gone';
    repairs.push({ kind: 'orphan', door: deviceId, would, plan: null, mark: settle });
  }
  return repairs;
}

/** Those that are there on a second read too, and have no row still; null when there was no second read. */
async function stillOrphans(deps: FlowDeps, { deviceId, orphans, budget, listAgain }: Found): Promise<Orphan[] | null> {
  if (orphans.length === 0) return [];
  if (budget.take(1) !== null) return null;
  const again = await listAgain();
  if (!again.ok) {
    budget.noteFailure(again.failure);
    return null;
  }
  const there = new Set(again.value.filter(({ isLeaving }) => !isLeaving).map(({ accessCodeId }) => accessCodeId));
  const known = await codesKnownAt(deps.db.prisma, deviceId, {
    accessCodeIds: orphans.map(({ listed }) => listed.accessCodeId),
    markers: orphans.map(({ marker }) => marker),
  });
  return orphans.filter(
    ({ listed, marker }) =>
      there.has(listed.accessCodeId) &&
      !known.some((code) => code.accessCodeId === listed.accessCodeId || code.marker === marker),
  );
}

/** Gives it the row of a window that has no code yet; the plan then finds it by its marker, and moves it where its times differ. */
async function adoption(
  deps: FlowDeps,
  doors: readonly Door[],
  orphan: Orphan,
  taken: Set<string>,
): Promise<Repair | null> {
  const { listed, marker } = orphan;
  for (const door of doors) {
    if (!door.isServed || !(await isOf(deps, door, orphan))) continue;
    const rows = door.input.codes.filter(({ state }) => state === 'planned');
    const meant = planSchedule(door.input).flatMap((action) => (action.kind === 'intend' ? [action.window] : []));
    const places = [
      ...rows.map((row) => ({ row, window: windowOf(row) })),
      ...meant.map((window) => ({ row: null, window })),
    ];
    const place = places.find(({ window }) => fits(listed, window, door) && !taken.has(nameOf(door, window)));
    if (place === undefined) continue;
    const { row, window } = place;
    taken.add(nameOf(door, window));
    const { now, generation } = door.input;
    const what = describeWindow(door, window);
    const told = (codeId: string): HistoryEntry =>
      entryFor(door, 'code.drifted', `At Seam without a row, and fits: it is adopted for ${what}.`, {
        codeId,
        detail: { drift: 'orphan', access_code_id: listed.accessCodeId, ...windowDetail(window) },
      });
    return {
      kind: 'orphan',
      door: whose(door),
      would: `adopt for ${what} a code of ours at Seam that no row explains`,
      plan: door.key,
      mark: async (tx) => {
        if (row !== null) return (await adoptInto(tx, row, marker, now)) ? told(row.id) : null;
        const id = await insertFound(tx, {
          ...door.key,
          ...windowColumns(window),
          generation,
          marker,
          state: 'unknown',
          accessCodeId: null,
          reason: 'found at Seam without a row',
          nextTryAt: now,
        });
        return id === null ? null : told(id);
      },
    };
  }
  return null;
}

function nameOf({ key }: Door, window: Window): string {
  return `${key.scheduleId} ${window.startsAt.toISOString()}`;
}

/** In the window's time; or not open yet, where the schedule's one PIN must be in one code only: the plan moves it. */
function fits({ startsAt, endsAt }: SeamCode, window: Window, { input, schedule }: Door): boolean {
  if (startsAt === null || endsAt === null) return false;
  const isUpcoming = startsAt > input.now;
  return (startsAt < window.endsAt && window.startsAt < endsAt) || (isUpcoming && schedule.pinPolicy !== 'rotate');
}

/** Whose it is: told by the PIN where that is the schedule's own, by the label where each window has another. */
async function isOf(deps: FlowDeps, { schedule, device, key }: Door, { listed, marker }: Orphan): Promise<boolean> {
  const drawsItself = device?.constraints.includes('cannot_specify_pin_code') === true;
  if (schedule.pinPolicy === 'rotate' || listed.pin === null || drawsItself) {
    return listed.name === codeName(schedule.name, marker, device?.nameLengthMax ?? null);
  }
  const { doorPin, schedulePin } = await loadDoorPins(deps.db.prisma, key);
  const stored = doorPin ?? schedulePin;
  return stored !== null && deps.vault.decrypt(stored, schedule.id) === listed.pin;
}

async function report(
  deps: FlowDeps,
  { deviceId, doors, removesOrphans }: Found,
  { listed, marker }: Orphan,
  reportedAt: Date | null,
): Promise<Repair | null> {
  const now = deps.now();
  const { accessCodeId, startsAt, endsAt, createdAt } = listed;
  const device = doors[0]?.device ?? (await loadDevice(deps.db.prisma, deviceId));
  const place = device?.name ?? `device ${deviceId}`;
  const times = `${startsAt?.toISOString() ?? 'ever'} to ${endsAt?.toISOString() ?? 'ever'}`;
  const what = `a code of ours on ${place}, valid from ${times}, that no row explains and no window needs`;
  const detail = { drift: 'orphan', access_code_id: accessCodeId, device_name: device?.name ?? null };
  if (reportedAt === null) {
    const fate =
      deps.mode === 'observe'
        ? 'It is left there while Relatch only observes; with MODE=active it would be deleted, in 24 hours at the earliest.'
        : 'It is deleted in 24 hours, or sooner by reconcile --remove-orphans, with all others that were reported.';
    const message =
      `Found at Seam: ${what}. ${fate} Was the database restored from a backup? ` +
      'If the code is needed, make a schedule for it; to be rid of it now, delete it in Seam.';
    const entry = {
      at: now,
      kind: 'code.orphaned',
      message,
      alert: true,
      aspect: accessCodeId,
      deviceId,
      detail,
    } as const;
    const then = deps.mode === 'observe' ? '' : '; reconcile --remove-orphans has it removed once it is reported';
    return { kind: 'orphan', door: place, would: `report ${what}${then}`, plan: null, mark: async () => entry };
  }
  // An observer claims nothing: the report is all that there is to say.
  if (deps.mode === 'observe') return null;
  const isDue = now.getTime() - reportedAt.getTime() >= graceMs;
  if (!isDue && !removesOrphans) return null;
  const scheduleId = doors[0]?.key.scheduleId ?? (await anyScheduleAt(deps.db.prisma, deviceId));
  if (scheduleId === null) return null;
  const plan = { scheduleId, deviceId };
  return {
    kind: 'orphan',
    door: place,
    would: `have Seam remove ${what}`,
    plan,
    mark: async (tx) => {
      const row = { ...plan, ...outOfPlan(createdAt), marker, accessCodeId, confirmedEndsAt: endsAt, nextTryAt: now };
      const id = await insertFound(tx, { ...row, state: 'removing', reason: 'no row explained it' });
      if (id === null) return null;
      const message = `Removing ${what}, because it was ${isDue ? 'reported a day ago' : 'asked for'}.`;
      return { at: now, kind: 'code.deleting', message, ...plan, codeId: id, detail };
    },
  };
}
