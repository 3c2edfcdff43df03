// What goes wrong, and how it is made to: each fault strikes the ends of some doors' windows, on either side alike.

import { type Side, until } from './faults-side.ts';

export interface Fault {
  readonly name: string;
  /** Before the windows of these doors end. */
  arm?(side: Side, deviceIds: readonly string[]): void | Promise<void>;
  /** Once they have ended. */
  strike?(side: Side, deviceIds: readonly string[]): Promise<void>;
  /** The locks of its doors are offline from the start. */
  readonly isOffline?: true;
}

const removed = 'access_code.removed_from_device';
const createRoute = '/access_codes/create';
const slowMs = 1_000;

export const faults: readonly Fault[] = [
  {
    name: 'delivery lost',
    arm: ({ simulator }, { length }) =>
      simulator.faults.nextDelivery({ kind: 'lose' }, { times: length, event_type: removed }),
  },
  {
    name: 'delivery doubled',
    arm: ({ simulator }, { length }) =>
      simulator.faults.nextDelivery({ kind: 'duplicate' }, { times: length, event_type: removed }),
  },
  {
    name: 'deliveries reordered',
    arm: ({ simulator }, { length }) =>
      simulator.faults.nextDelivery({ kind: 'reorder' }, { times: length, event_type: removed }),
  },
  {
    name: 'process down during the delivery',
    arm: (side) => side.kill(),
    async strike(side, { length }) {
      await until(() => failedDeliveries(side) >= length);
      await side.start();
    },
  },
  {
    name: 'SIGKILL between create and write',
    arm: (side, deviceIds) => failCreates(side, deviceIds, { kind: 'hang', afterCommit: true }),
    async strike(side, deviceIds) {
      await until(() => doorsWithCode(side, deviceIds) >= Math.min(deviceIds.length, side.concurrency));
      await side.kill();
      side.simulator.faults.clear();
      await side.start();
    },
  },
  {
    name: 'create answered 500',
    arm: (side, deviceIds) => failCreates(side, deviceIds, { kind: 'status', status: 500 }),
  },
  {
    name: 'create refused with 429',
    arm: (side, deviceIds) => failCreates(side, deviceIds, { kind: 'status', status: 429, retryAfterSeconds: 1 }),
  },
  {
    name: 'create done, answer lost',
    arm: (side, deviceIds) => failCreates(side, deviceIds, { kind: 'answer_lost_after_commit' }),
  },
  {
    name: 'Seam hangs',
    arm: (side, deviceIds) => failCreates(side, deviceIds, { kind: 'hang' }),
  },
  {
    name: 'Postgres stopped after the call',
    arm: (side, deviceIds) => failCreates(side, deviceIds, { kind: 'slow', delayMs: slowMs }),
    async strike(side, deviceIds) {
      const under = Math.min(deviceIds.length, side.concurrency);
      await until(() => callsFor(side, deviceIds) >= under);
      await side.postgres.stop();
      await until(() => doorsWithCode(side, deviceIds) >= under);
      await side.postgres.start();
    },
  },
  { name: 'code that never reached its lock', isOffline: true },
];

type RequestFault = Parameters<Side['simulator']['faults']['next']>[1];

function failCreates({ simulator }: Side, deviceIds: readonly string[], fault: RequestFault): void {
  for (const device_id of deviceIds) simulator.faults.next(createRoute, fault, { device_id });
}

function failedDeliveries({ simulator }: Side): number {
  return simulator.deliveries.filter(({ event_type, outcome }) => event_type === removed && outcome === 'failed')
    .length;
}

function doorsWithCode({ simulator }: Side, deviceIds: readonly string[]): number {
  return deviceIds.filter((device_id) => simulator.codes({ device_id }).length > 0).length;
}

function callsFor({ simulator }: Side, deviceIds: readonly string[]): number {
  const doors = new Set<unknown>(deviceIds);
  return simulator.requests.filter(({ path, params, fault }) => {
    return path === createRoute && fault === 'slow' && doors.has(params.device_id);
  }).length;
}
