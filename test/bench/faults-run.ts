// Ends the windows of all doors, a fault at a time, and counts at Seam what became of the next ones.

import { randomUUID } from 'node:crypto';
import type { Fault } from './faults-list.ts';
import { type FaultDoor, type Side, startOurs, startRecipe, until } from './faults-side.ts';
import { seeded } from './figures.ts';

/** What became of the windows whose beginning a fault was to spoil. */
export interface FaultOutcome {
  readonly fault: string;
  readonly events: number;
  /** Doors whose next window, to its very end, has no code when all is over. */
  readonly lost: number;
  /** Doors for which more than one was ever made. */
  readonly doubled: number;
  /** Doors with a code that the program does not know: at its end nothing will follow. */
  readonly unknown: number;
  /** From each window's end to its successor's code, in milliseconds. */
  readonly recoveriesMs: readonly number[];
}

export interface FaultRun {
  readonly recipe: readonly FaultOutcome[];
  readonly relatch: readonly FaultOutcome[];
}

interface Strike {
  readonly fault: Fault;
  readonly doors: readonly FaultDoor[];
}

const hourMs = 3_600_000;
const minuteMs = 60_000;

/** Both sides at once, each with the same faults at the same doors. Which door meets which fault is drawn from the seed. */
export async function runFaults(options: {
  faults: readonly Fault[];
  events: number;
  seed: number;
}): Promise<FaultRun> {
  const { faults, events, seed } = options;
  const order = shuffled(
    Array.from({ length: events }, (_, at) => faults[at % faults.length]!),
    seeded(seed),
  );
  const doors = order.map((fault) => {
    const isOnline = fault.isOffline !== true;
    return { fault, deviceId: randomUUID(), isOnline, ...todaysWindow(fault.isRemovedLate === true) };
  });
  const strikes = faults.map((fault) => ({ fault, doors: doors.filter((door) => door.fault === fault) }));
  const [recipe, relatch] = await Promise.all([
    runSide(startRecipe, doors, strikes),
    runSide(startOurs, doors, strikes),
  ]);
  return { recipe, relatch };
}

async function runSide(
  startSide: (doors: readonly FaultDoor[]) => Promise<Side>,
  doors: readonly FaultDoor[],
  strikes: readonly Strike[],
): Promise<FaultOutcome[]> {
  await using side = await startSide(doors);
  const endings = new Map<string, Ending>();
  for (const { fault, doors: struck } of strikes) {
    const deviceIds = struck.map(({ deviceId }) => deviceId);
    await fault.arm?.(side, deviceIds);
    for (const [door, ending] of await endWindows(side, deviceIds)) endings.set(door, ending);
    if (fault.isRemovedLate !== true) await untilGone(side, endings);
    await fault.strike?.(side, deviceIds);
    await untilGone(side, endings);
    await side.finish(deviceIds);
    side.simulator.faults.clear();
  }
  await side.end();
  const known = await side.knownCodes();
  return strikes.map(({ fault, doors: struck }) => outcomeOf(side, fault, struck, endings, known));
}

/** Of one hour, to the minute: in three hours, or begun an hour ago and still open for long. */
function todaysWindow(hasBegun: boolean): { startsAt: Date; endsAt: Date } {
  const startsMs = Math.floor((Date.now() + (hasBegun ? -1 : 3) * hourMs) / minuteMs) * minuteMs;
  return { startsAt: new Date(startsMs), endsAt: new Date(startsMs + (hasBegun ? 4 : 1) * hourMs) };
}

interface Ending {
  readonly accessCodeId: string;
  readonly atMs: number;
}

/** Seam comes to the end of these doors' codes now: what follows is its own doing. */
async function endWindows(side: Side, deviceIds: readonly string[]): Promise<Map<string, Ending>> {
  const endings = await Promise.all(
    deviceIds.map(async (door): Promise<[string, Ending]> => [door, await endWindow(side, door)]),
  );
  await side.becomeYesterday(deviceIds);
  return new Map(endings);
}

async function endWindow({ simulator }: Side, device_id: string): Promise<Ending> {
  const [code] = simulator.codes({ device_id });
  if (code === undefined) throw new Error('a door has no code to end');
  const { access_code_id } = code;
  for (let attempt = 1; ; attempt += 1) {
    const atMs = simulator.now().getTime() + 500;
    const times = { starts_at: new Date(atMs - hourMs), ends_at: new Date(atMs) };
    const answer = await fetch(`${simulator.endpoint}/access_codes/update`, {
      method: 'PATCH',
      headers: { authorization: `Bearer ${simulator.apiKey}`, 'content-type': 'application/json' },
      body: JSON.stringify({ access_code_id, ...times }),
    });
    if (answer.ok) return { accessCodeId: access_code_id, atMs };
    // On a busy machine that instant may have passed before Seam was asked.
    if (answer.status !== 400 || attempt === 5)
      throw new Error(`a window cannot be ended: ${answer.status} ${await answer.text()}`);
  }
}

async function untilGone({ simulator }: Side, endings: ReadonlyMap<string, Ending>): Promise<void> {
  const ended = new Set([...endings.values()].map(({ accessCodeId }) => accessCodeId));
  await until(() => simulator.codes().every(({ access_code_id }) => !ended.has(access_code_id)));
}

function outcomeOf(
  { simulator }: Side,
  { name }: Fault,
  doors: readonly FaultDoor[],
  endings: ReadonlyMap<string, Ending>,
  known: ReadonlyMap<string, readonly string[]>,
): FaultOutcome {
  let [lost, doubled, unknown] = [0, 0, 0];
  const recoveriesMs: number[] = [];
  for (const { deviceId: device_id, endsAt } of doors) {
    const ending = endings.get(device_id);
    const next = simulator.codes({ device_id }).filter(({ access_code_id }) => access_code_id !== ending?.accessCodeId);
    const isServed = next.some(({ ends_at }) => Date.parse(ends_at ?? '') === endsAt.getTime());
    const madeAtMs = creations(simulator, device_id).filter(({ id }) => id !== ending?.accessCodeId);
    const [first] = madeAtMs;
    if (!isServed) lost += 1;
    else if (first !== undefined && ending !== undefined) recoveriesMs.push(Math.max(0, first.atMs - ending.atMs));
    if (madeAtMs.length > 1) doubled += 1;
    if (next.some(({ access_code_id }) => known.get(device_id)?.includes(access_code_id) !== true)) unknown += 1;
  }
  return { fault: name, events: doors.length, lost, doubled, unknown, recoveriesMs };
}

/** Every code that Seam ever made for a door, oldest first. */
function creations({ events }: Side['simulator'], deviceId: string): { id: string; atMs: number }[] {
  return events.flatMap((event) => {
    if (event.event_type !== 'access_code.created' || event.device_id !== deviceId) return [];
    return [{ id: event.access_code_id, atMs: Date.parse(event.created_at) }];
  });
}

function shuffled<Item>(items: readonly Item[], random: () => number): Item[] {
  const drawn = items.map((item) => ({ item, rank: random() }));
  return drawn.sort((a, b) => a.rank - b.rank).map(({ item }) => item);
}
