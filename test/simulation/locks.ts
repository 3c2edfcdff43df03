import type { DeviceSpec } from '../../src/simulator/device.ts';
import type { Chance } from './chance.ts';

const kinds: readonly [Partial<DeviceSpec>, ...Partial<DeviceSpec>[]] = [
  { native_scheduling: true },
  { native_scheduling: true, backup_access_code_pool: true },
  { native_scheduling: false },
  { native_scheduling: true, code_constraints: [{ constraint_type: 'start_date_in_future' }] },
  {
    native_scheduling: false,
    code_constraints: [{ constraint_type: 'name_length', min_length: 2, max_length: 14 }],
  },
];

/** Locks of several kinds; some doors have more than one schedule. */
export function drawDevices(chance: Chance, schedules: number): DeviceSpec[] {
  return Array.from({ length: Math.max(2, Math.ceil(schedules * 0.6)) }, (_, index) => ({
    device_id: `door-${index}`,
    name: `Door ${index}`,
    ...chance.pick(kinds),
  }));
}
