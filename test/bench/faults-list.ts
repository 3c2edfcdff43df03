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
  /** Its codes stay on their locks beyond their ends: the next windows begin before that. */
  readonly isRemovedLate?: true;
}

const removed = 'access_code.removed_from_device';
const createRoute = '/access_codes/create';
// What either side asks. That the windows end is no doing of a side: it is asked for while Seam is out, too.
const askedRoutes = [
  createRoute,
  '/access_codes/get',
  '/access_codes/list',
  '/access_codes/unmanaged/list',
  '/access_codes/delete',
  '/devices/get',
  '/devices/list',
  '/events/list',
];
const slowMs = 1_000;
// Later than the answer that never comes, sooner than the recipe is told again.
const landsMs = 1_500;
// Longer than until the recipe is told again.
const outageMs = 6_000;

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
    name: 'delivery sent again later',
    async strike(side, deviceIds) {
      await side.finish(deviceIds);
      for (const eventId of removals(side, deviceIds)) side.simulator.resend(eventId);
      await side.simulator.idle();
    },
  },
  {
    name: 'process down during the delivery',
    arm: (side) => side.kill(),
    async strike(side, deviceIds) {
      await until(() => failedDeliveries(side, deviceIds) === deviceIds.length);
      await side.start();
    },
  },
  {
    name: 'process down until Seam gave up',
    async arm(side, { length }) {
      await side.kill();
      side.simulator.faults.nextDelivery({ kind: 'lose' }, { times: length, event_type: removed });
    },
    strike: (side) => side.start(),
  },
  {
    name: 'Postgres down during the delivery',
    // Held back until it is down, because one more than there will be is waited for.
    arm: ({ simulator }, { length }) =>
      simulator.faults.nextDelivery({ kind: 'reorder' }, { times: length + 1, event_type: removed }),
    async strike(side, deviceIds) {
      await side.postgres.stop();
      side.simulator.releaseHeld();
      await until(() => failedDeliveries(side, deviceIds) === deviceIds.length);
      await side.postgres.start();
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
    name: 'create done, answer garbled',
    arm: (side, deviceIds) =>
      failCreates(side, deviceIds, { kind: 'status', status: 200, body: '<html>It works</html>', afterCommit: true }),
  },
  {
    name: 'create cut off, done later',
    arm: (side, deviceIds) => failCreates(side, deviceIds, { kind: 'commit_late', delayMs: landsMs }),
  },
  {
    name: 'Seam hangs',
    arm: (side, deviceIds) => failCreates(side, deviceIds, { kind: 'hang' }),
  },
  {
    name: 'Seam is out for six seconds',
    arm({ simulator }) {
      for (const route of askedRoutes)
        simulator.faults.next(route, { kind: 'reset_before_commit' }, { times: Number.POSITIVE_INFINITY });
    },
    async strike({ simulator }) {
      const overMs = simulator.now().getTime() + outageMs;
      await until(() => simulator.now().getTime() >= overMs);
      simulator.faults.clear();
    },
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
  {
    name: 'removed late, the next window begun',
    isRemovedLate: true,
    arm({ simulator }, deviceIds) {
      for (const deviceId of deviceIds) simulator.device(deviceId).goOffline();
    },
    async strike({ simulator }, deviceIds) {
      const ends = deviceIds.flatMap((device_id) => simulator.codes({ device_id }).map(({ ends_at }) => ends_at));
      await until(() => ends.every((at) => at !== undefined && at !== null && new Date(at) <= simulator.now()));
      for (const deviceId of deviceIds) simulator.device(deviceId).goOnline();
    },
  },
];

type RequestFault = Parameters<Side['simulator']['faults']['next']>[1];

function failCreates({ simulator }: Side, deviceIds: readonly string[], fault: RequestFault): void {
  for (const device_id of deviceIds) simulator.faults.next(createRoute, fault, { device_id });
}

/** The events that told of the ends of these doors' codes. */
function removals({ simulator }: Side, deviceIds: readonly string[]): string[] {
  return simulator.events.flatMap((event) => {
    return event.event_type === removed && deviceIds.includes(event.device_id) ? [event.event_id] : [];
  });
}

/** How many of these were not acknowledged at first. */
function failedDeliveries(side: Side, deviceIds: readonly string[]): number {
  const told = removals(side, deviceIds);
  const failed = side.simulator.deliveries.filter(({ event_id, outcome }) => {
    return outcome === 'failed' && told.includes(event_id);
  });
  return new Set(failed.map(({ event_id }) => event_id)).size;
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
