// The real SDK against the simulator, over real HTTP, with what may go wrong with a call. Every call is also a place where the
// job waits, so that others run meanwhile, and a point at which its process may die.
import { AsyncLocalStorage } from 'node:async_hooks';
import type { SeamApi } from '../../src/seam/api.ts';
import type { RequestFault } from '../../src/simulator/faults.ts';
import type { Simulator } from '../../src/simulator/simulator.ts';
import type { Chance } from './chance.ts';
import type { CrashPoints } from './crash-points.ts';
import type { Door } from './doors.ts';
import type { FaultClock } from './fault-clock.ts';
import type { Fiber } from './fiber.ts';
import type { Trace } from './trace.ts';
import type { Watch } from './watch.ts';

export interface SeamWorld {
  readonly api: SeamApi;
  readonly simulator: Simulator;
  readonly chance: Chance;
  readonly faults: FaultClock;
  readonly trace: Trace;
  readonly watch: Watch;
  /** Which types of events there are at all. */
  readonly tells: (eventType: string) => boolean;
  /** Whether calls of all doors go through: what befalls one call then concerns its door alone. */
  readonly isLineClear: () => Promise<boolean>;
  /** How likely a single call goes wrong; 0 in good times. */
  readonly faultRate: () => number;
}

const secondMs = 1_000;
// As long as the service's own time limit of a call.
const hangMs = 8 * secondMs;

const strokes = {
  answer_lost: 4,
  reset: 2,
  late: 2,
  hang_before: 1,
  hang_after: 2,
  status_500: 3,
  status_500_after: 2,
  status_429: 3,
  status_401: 1,
  no_json: 1,
} as const;
type Stroke = keyof typeof strokes;

export const strokeNames: readonly string[] = Object.keys(strokes);

/** What a process is at when it calls: a job about a door, or a pass about all of them. */
export interface Work {
  readonly fiber: Fiber;
  readonly door: Door;
}

/** Whose work runs now: jobs of one process share its gate, and so its way to Seam. */
export const atWork = new AsyncLocalStorage<Work>();

/** Seam as one process sees it. */
export function faultySeam(world: SeamWorld, points: CrashPoints): SeamApi {
  const { api, watch, trace } = world;
  const call = <T>(name: string, write: { deviceId: string } | null, run: () => Promise<T>): Promise<T> => {
    const work = workNow();
    return points.pass(`seam.${name}`, 'seam', () => suffer({ world, ...work, name, write }, run));
  };
  return {
    createCode: (request) => {
      const { door } = workNow();
      trace.add(`asks for a code ${span(request)}`, door);
      watch.askedToCreate(door, request);
      return call('create', request, () => api.createCode(request));
    },
    updateCode: (request) => {
      const { door } = workNow();
      trace.add(`asks to move a code to ${span(request)}`, door);
      watch.askedToUpdate(door, request);
      return call('update', request, () => api.updateCode(request));
    },
    deleteCode: (code) => {
      const { door } = workNow();
      trace.add('asks to delete a code', door);
      watch.askedToDelete(door, code.accessCodeId);
      return call('delete', code, () => api.deleteCode(code));
    },
    pullBackupCode: (code) => {
      const { door } = workNow();
      trace.add('asks for a backup code', door);
      watch.askedForBackup(door, code.accessCodeId);
      return call('backup', code, () => api.pullBackupCode(code));
    },
    getCode: (code) => call('get', null, () => api.getCode(code)),
    listCodes: (deviceId) => call('list', null, () => api.listCodes(deviceId)),
    listManagedCodes: (deviceId) => call('list managed', null, () => api.listManagedCodes(deviceId)),
    listEvents: (request) =>
      call('events', null, () => api.listEvents({ ...request, types: request.types.filter(world.tells) })),
    getDevice: (deviceId) => call('device', null, () => api.getDevice(deviceId)),
    listDevices: () => call('devices', null, () => api.listDevices()),
  };
}

function workNow(): Work {
  const work = atWork.getStore();
  if (work === undefined) throw new Error('Seam is asked by something that no scheduler runs');
  return work;
}

interface Context extends Work {
  readonly world: SeamWorld;
  readonly name: string;
  /** The device that is written to, if any is. */
  readonly write: { readonly deviceId: string } | null;
}

async function suffer<T>(context: Context, run: () => Promise<T>): Promise<T> {
  const { world, fiber, door, name, write } = context;
  const { chance, simulator, faults, trace, watch } = world;
  const now = (): number => simulator.now().getTime();
  const stroke = drawStroke(world);
  // Answers take a moment; other jobs and deliveries come in between.
  if (chance.hits(0.2)) await fiber.pause(now() + (chance.hits(0.5) ? 0 : chance.between(20, 2_000)));
  if (stroke !== null) {
    trace.add(`Seam: ${name} ${stroke}`, door);
    const lateMs = chance.between(1, 55) * secondMs;
    const deviceId = (await concernsAll(world, stroke, door)) ? undefined : door.deviceId;
    faults.strike(`seam.${stroke}`, deviceId, stroke === 'late' ? now() + lateMs : now());
    // Two, because a list is two requests.
    simulator.faults.next('*', faultOf(stroke, lateMs, write !== null), { times: 2 });
    if (stroke === 'late' && write !== null) watch.expectLate(now() + lateMs, write.deviceId);
  }
  const isOut = faults.isOn('seam.outage');
  if (isOut) simulator.faults.next('*', { kind: 'status', status: 503 }, { times: 2 });
  if (faults.isOn('seam.key')) simulator.faults.next('*', { kind: 'status', status: 401 }, { times: 2 });
  const result = await run();
  simulator.faults.clear();
  if (write !== null) watch.written(write.deviceId);
  if (stroke === 'hang_before' || stroke === 'hang_after') await fiber.pause(now() + hangMs);
  else if (chance.hits(0.1)) await fiber.pause(now() + (chance.hits(0.5) ? 0 : chance.between(20, 2_000)));
  return result;
}

function drawStroke({ chance, faultRate }: SeamWorld): Stroke | null {
  return chance.hits(faultRate()) ? chance.weighted(strokes) : null;
}

/** A refused key holds back the calls of all doors, and so does whatever befalls the call that tries a line which is held back. */
async function concernsAll({ simulator, isLineClear }: SeamWorld, stroke: Stroke, door: Door): Promise<boolean> {
  return stroke === 'status_401' || !simulator.deviceIds.includes(door.deviceId) || !(await isLineClear());
}

/** A call that hangs is one that is cut off: that eight seconds went by is the scheduler's part. */
function faultOf(stroke: Stroke, lateMs: number, isWrite: boolean): RequestFault {
  switch (stroke) {
    case 'answer_lost':
    case 'hang_after':
      return { kind: 'answer_lost_after_commit' };
    case 'reset':
    case 'hang_before':
      return { kind: 'reset_before_commit' };
    case 'late':
      return isWrite ? { kind: 'commit_late', delayMs: lateMs } : { kind: 'reset_before_commit' };
    case 'status_500':
      return { kind: 'status', status: 500 };
    case 'status_500_after':
      return { kind: 'status', status: 500, afterCommit: true };
    case 'status_429':
      return { kind: 'status', status: 429, retryAfterSeconds: 20 };
    case 'status_401':
      return { kind: 'status', status: 401 };
    case 'no_json':
      return { kind: 'status', status: 200, body: '<html>', afterCommit: true };
  }
}

function span({ startsAt, endsAt }: { startsAt: Date; endsAt: Date }): string {
  return `${startsAt.toISOString().slice(5, 19)}/${endsAt.toISOString().slice(5, 19)}`;
}
