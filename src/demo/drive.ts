// Moves the virtual clock that the simulator and Relatch share: from one due instant to the next, and only when everything
// that the last one set off has come to rest. So weeks pass in seconds and no event meets a world later than its own.
import { setTimeout as sleep } from 'node:timers/promises';
import type { FlowDeps } from '../flows/flow-deps.ts';
import type { Relatch } from '../relatch.ts';
import type { Simulator } from '../simulator/simulator.ts';

type Driven = Pick<Relatch, 'wake'> & { readonly deps: Pick<FlowDeps, 'db' | 'now'> };

const pollMs = 8;
const restWithinMs = 60_000;
// The last instant that a Date can tell.
const endOfTimeMs = 8.64e15;

/** Moves time to `until`, stopping at every instant at which something is due. Stops early when `signal` is aborted. */
export async function driveTo(simulator: Simulator, relatch: Driven, until: Date, signal?: AbortSignal): Promise<void> {
  await atRest(simulator, relatch);
  while (signal?.aborted !== true) {
    const next = await nextInstant(simulator, relatch);
    if (next > until) break;
    await simulator.advanceTo(next);
    await atRest(simulator, relatch);
  }
  if (signal?.aborted !== true) await simulator.advanceTo(until);
}

/**
 * Waits until nothing is under way: every delivery answered, inbox, jobs and due rows empty.
 * @throws Error if that takes longer than a minute of real time
 */
export async function atRest(simulator: Simulator, relatch: Driven): Promise<void> {
  const deadlineMs = performance.now() + restWithinMs;
  for (;;) {
    await simulator.idle();
    const deliveredBefore = simulator.deliveries.length;
    const work = await workLeft(relatch);
    await simulator.idle();
    if (Object.values(work).every((count) => count === 0) && simulator.deliveries.length === deliveredBefore) return;
    if (performance.now() > deadlineMs) throw new Error(`still busy after a minute: ${JSON.stringify(work)}`);
    if (work.inbox > 0) relatch.wake('inbox');
    if (work.due > 0 && work.jobs === 0) relatch.wake('dueRows');
    if (work.dead > 0) relatch.wake('deadLetters');
    await sleep(pollMs);
  }
}

// Nothing plans a door with an open dead letter: it waits for a person.
const isWatched = `not exists (
  select 1 from dead_letters l where l.state = 'open' and l.schedule_id = c.schedule_id and l.device_id = c.device_id)`;

async function nextInstant(simulator: Simulator, { deps }: Driven): Promise<Date> {
  const { rows } = await deps.db.pool.query<{ at: Date | null }>(
    `select min(next_try_at) as at from access_codes c where ${isWatched}`,
  );
  const instants = [rows[0]?.at, simulator.nextTransitionAt()].flatMap((at) =>
    at instanceof Date ? [at.getTime()] : [],
  );
  const soonest = Math.min(...instants, endOfTimeMs);
  return new Date(Math.max(soonest, simulator.now().getTime()));
}

interface WorkLeft {
  readonly inbox: number;
  readonly jobs: number;
  readonly dead: number;
  readonly due: number;
}

async function workLeft({ deps }: Driven): Promise<WorkLeft> {
  const { rows } = await deps.db.pool.query<WorkLeft>({
    name: 'work left',
    text: `select
      (select count(*)::int from inbox where state = 'received' and due_at <= now()) as inbox,
      (select count(*)::int from pgboss.job where name in ('event', 'plan') and state in ('created', 'retry', 'active')) as jobs,
      (select count(*)::int from pgboss.job where name in ('event.dead', 'plan.dead') and state in ('created', 'retry', 'active')) as dead,
      (select count(*)::int from access_codes c where next_try_at <= $1 and ${isWatched}) as due`,
    values: [deps.now()],
  });
  const [row] = rows;
  if (row === undefined) throw new Error('a query without from answers one row');
  return row;
}
