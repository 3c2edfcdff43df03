// Whether the doors can serve schedules that are about to be written. What can never work is refused where it is new; what was
// stored already, works at times, or is adapted, is noted.
import type { Blackout } from '../core/blackouts.ts';
import { lockProblem, shortName, windowProblem } from '../core/device-fit.ts';
import { calendarOfDraft } from '../core/schedule.ts';
import { isReopening } from '../core/schedules-file-merge.ts';
import { windowsFrom } from '../core/windows.ts';
import type { Tx } from '../db/client.ts';
import { countSchedulesOn, type KnownDevice, loadDevices } from '../db/devices.ts';
import { loadDoorBlackouts } from '../db/door-blackouts.ts';
import { scheduleOf, type Target } from './change-schedules.ts';
import { hoursOf } from './door.ts';

const windowsChecked = 20;

interface Finding {
  readonly message: string;
  /** It cannot work at all. */
  readonly isFatal: boolean;
}

/** Refuses what no door can serve, and answers the notes on the rest. */
export async function checkDoors(
  tx: Tx,
  targets: readonly Target[],
  context: {
    readonly unknown: ReadonlySet<string>;
    readonly changedDoors: ReadonlyMap<string, readonly Blackout[]>;
    readonly now: Date;
  },
): Promise<string[]> {
  const { unknown, changedDoors, now } = context;
  const changed = targets.filter(
    ({ draft, stored, changes }) => draft.status === 'active' && (stored === null || changes.length > 0),
  );
  const deviceIds = [...new Set(changed.flatMap(({ draft }) => draft.deviceIds))];
  if (deviceIds.length === 0) return [];
  const devices = await loadDevices(tx, deviceIds);
  const blackouts = new Map([...(await loadDoorBlackouts(tx, deviceIds)), ...changedDoors]);
  const held = await schedulesOn(tx, targets, deviceIds);
  const notes: string[] = [];
  for (const target of changed) {
    const before = new Set(target.stored?.schedule.devices.map(({ deviceId }) => deviceId));
    for (const deviceId of target.draft.deviceIds) {
      const isNew = !before.has(deviceId) || isReopening(target.changes);
      const device = devices.get(deviceId);
      const findings = unknown.has(deviceId)
        ? [fatal(`Seam does not know device ${deviceId}: see the Seam Console, Devices, for its id.`)]
        : device === undefined
          ? []
          : [
              ...lockFindings(target, device, held.get(deviceId) ?? 0, before.has(deviceId)),
              ...windowFindings(target, device, blackouts.get(deviceId) ?? [], now),
            ];
      for (const { message, isFatal } of findings) {
        if (isFatal && isNew && target.refuseDoor !== undefined) target.refuseDoor(message);
        else notes.push(`${target.draft.key}: ${message}`);
      }
    }
  }
  return notes;
}

function fatal(message: string): Finding {
  return { message, isFatal: true };
}

function lockFindings({ draft }: Target, device: KnownDevice, schedules: number, isStored: boolean): Finding[] {
  const { name, codesMax, constraints } = device;
  const problem = lockProblem(device);
  if (problem !== null) return [fatal(`${name} ${problem}.`)];
  const findings: Finding[] = [];
  if (codesMax !== null && schedules > codesMax) {
    const message = `${name} holds ${codesMax} codes, and ${schedules} schedules would have one there: take it out of one of them.`;
    findings.push(fatal(message));
  }
  if (isStored) return findings;
  const cut = shortName(draft.name, device);
  if (cut !== null) {
    const call = cut === '' ? 'by their mark alone' : `"${cut}" and their mark`;
    findings.push({
      message: `${name} has no room for the whole name: codes are called ${call} there.`,
      isFatal: false,
    });
  }
  if (constraints.includes('cannot_specify_pin_code') && draft.pinPolicy !== 'given') {
    const message = `${name} draws its PINs itself: there each window has another, whatever "pin" says.`;
    findings.push({ message, isFatal: false });
  }
  return findings;
}

function windowFindings(target: Target, device: KnownDevice, blackouts: readonly Blackout[], now: Date): Finding[] {
  if (device.timeFrames === null) return [];
  const { timezone } = target.draft;
  const windows = windowsFrom(calendarOfDraft(scheduleOf(target, new Map()), blackouts), now, windowsChecked);
  const misfits = windows.flatMap((window) => {
    const problem = windowProblem(window, device, timezone);
    return problem === null ? [] : [{ window, problem }];
  });
  const [first] = misfits;
  if (first === undefined) return [];
  const others = misfits.length === 1 ? '' : ` (and ${misfits.length - 1} more of the next ${windows.length})`;
  const message = `${device.name} ${first.problem}: it cannot serve ${hoursOf(timezone, first.window)}${others}.`;
  return [{ message, isFatal: misfits.length === windows.length }];
}

/** How many active schedules will have codes on each device. */
async function schedulesOn(
  tx: Tx,
  targets: readonly Target[],
  deviceIds: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const ids = targets.map(({ id }) => id);
  const counts = new Map(await countSchedulesOn(tx, deviceIds, ids));
  for (const { draft } of targets) {
    if (draft.status !== 'active') continue;
    for (const deviceId of draft.deviceIds) counts.set(deviceId, (counts.get(deviceId) ?? 0) + 1);
  }
  return counts;
}
