// What a schedules file does to the blackouts of doors, which close every schedule there.
import { areSameBlackouts, type Blackout } from '../core/blackouts.ts';
import type { SchedulesFile } from '../core/schedules-file.ts';
import { nearest } from '../core/schedules-file-nearest.ts';
import type { Tx } from '../db/client.ts';
import { devicesOfSchedules, devicesWithSchedules, loadDoorBlackouts } from '../db/door-blackouts.ts';

/**
 * The blackouts of doors that the file changes. A file that speaks of them at all speaks for the doors of its schedules and for
 * those that it names; other doors keep theirs.
 */
export async function changedBlackouts(tx: Tx, file: SchedulesFile): Promise<Map<string, readonly Blackout[]>> {
  const { doorBlackouts } = file;
  if (doorBlackouts === null) return new Map();
  const given = file.schedules.flatMap((entry) => entry.given.devices ?? []);
  const kept = await devicesOfSchedules(
    tx,
    file.schedules.map(({ key }) => key),
  );
  const deviceIds = [...new Set([...doorBlackouts.keys(), ...given, ...kept])];
  const stored = await loadDoorBlackouts(tx, deviceIds);
  return new Map(
    deviceIds
      .map((deviceId) => [deviceId, doorBlackouts.get(deviceId) ?? []] as const)
      .filter(([deviceId, blackouts]) => !areSameBlackouts(blackouts, stored.get(deviceId) ?? [])),
  );
}

/** What was closed or opened by door; and doors that nobody has, because a mistyped one stays open. */
export async function notesOnDoors(
  tx: Tx,
  { doorBlackouts }: SchedulesFile,
  changedDoors: ReadonlyMap<string, readonly Blackout[]>,
): Promise<string[]> {
  const named = [...(doorBlackouts?.keys() ?? [])];
  if (named.length + changedDoors.size === 0) return [];
  const known = await devicesWithSchedules(tx);
  const strangers = named.filter((deviceId) => !known.includes(deviceId));
  return [
    ...(changedDoors.size > 0 ? [`The blackouts of doors were changed: ${[...changedDoors.keys()].join(', ')}.`] : []),
    ...strangers.map((deviceId) => {
      const near = nearest(deviceId, known);
      const remedy = near === null ? 'Check the device id.' : `Did you mean "${near}"?`;
      return `No schedule is on device ${deviceId}, so its blackouts close nothing. ${remedy}`;
    }),
  ];
}
