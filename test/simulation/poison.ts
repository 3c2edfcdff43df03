// Jobs that fail however often they are tried: a bug that only they meet. The queue gives them up, Relatch sets them aside as dead
// letters, and some time later a person, who has mended the bug, has them tried again or drops them.
import { dropDeadLetter, retryDeadLetter } from '../../src/flows/settle-dead-letter.ts';
import type { Chance } from './chance.ts';
import { Crash, DatabaseLost } from './crash-points.ts';
import type { Door } from './doors.ts';
import type { FaultClock } from './fault-clock.ts';
import type { Job } from './jobs.ts';
import type { Closure, People } from './people.ts';
import type { Replica } from './replica.ts';
import type { Store } from './store.ts';
import type { Tally } from './tally.ts';
import type { Tasks } from './tasks.ts';
import type { Trace } from './trace.ts';

/** What a poisoned job throws. */
export class Poison extends Error {
  override readonly name = 'Poison';
}

export interface PoisonWorld {
  readonly chance: Chance;
  readonly faults: FaultClock;
  readonly trace: Trace;
  readonly tasks: Tasks;
  readonly people: People;
  readonly tally: Tally;
  readonly isBad: () => boolean;
  /** The command line: a process of its own. */
  readonly process: Replica;
  readonly pool: Store['pool'];
}

const minuteMs = 60_000;
// A job is tried for eight and a half minutes.
const eventRate = 0.02;
const dropRate = 0.4;

export class Poisons {
  readonly #w: PoisonWorld;
  readonly #jobs = new Set<string>();
  readonly #cured = new Set<string>();
  /** Doors whose plans fail: nobody else can open them. */
  readonly #closures = new Map<string, Closure>();
  #isCaretakerDue = false;

  constructor(world: PoisonWorld) {
    this.#w = world;
  }

  /** From now on each plan of this door fails. */
  poisonDoor(door: Door, from: number): void {
    if (this.#jobs.has(String(door))) return;
    const closure = { door, from, until: Number.POSITIVE_INFINITY, why: 'its plans fail', isLeftAlone: true };
    this.#w.people.closures.push(closure);
    this.#closures.set(String(door), closure);
    this.#poison(String(door), door);
  }

  of({ queue, label, retryCount }: Job): Error | null {
    const { chance, isBad } = this.#w;
    if (queue === 'event' && retryCount === 0 && isBad() && !this.#cured.has(label) && chance.hits(eventRate)) {
      this.#poison(label);
    }
    return this.#jobs.has(label) ? new Poison('a bug that only this job meets') : null;
  }

  #poison(label: string, door?: Door): void {
    const { faults, trace, tasks, chance } = this.#w;
    this.#jobs.add(label);
    faults.count('job.poisoned');
    trace.add(`jobs of ${label.slice(0, 4)} fail from now on`, door);
    if (this.#isCaretakerDue) return;
    this.#isCaretakerDue = true;
    tasks.in(chance.between(5, 120) * minuteMs, () => this.#mend());
  }

  /** A new release: what failed before does not fail any more. */
  async #mend(): Promise<void> {
    const { tasks, trace } = this.#w;
    this.#isCaretakerDue = false;
    for (const label of this.#jobs) this.#cured.add(label);
    this.#jobs.clear();
    trace.add('what made jobs fail is mended');
    tasks.in(minuteMs, () => this.#settle());
  }

  /** What the queue gave up is tried again, or dropped. */
  async #settle(): Promise<void> {
    const { process, tasks, trace, chance, people, tally } = this.#w;
    const again = (): void => tasks.in(minuteMs, () => this.#settle());
    if (process.points.isDatabaseDown || (await this.#isAnyDeadInQueue())) return again();
    try {
      for (const { id, key, door } of await this.#letters()) {
        const isDropped = key !== null && chance.hits(dropRate);
        trace.add(`a dead letter is ${isDropped ? 'dropped' : 'tried again'}: ${key?.slice(0, 4) ?? door}`);
        if (isDropped) await dropDeadLetter(process.deps, id, 'it tells nothing that is not known');
        else await retryDeadLetter(process.deps, id);
        tally.add(isDropped ? 'drop_dead_letter' : 'retry_dead_letter');
      }
    } catch (error) {
      if (!(error instanceof Crash || error instanceof DatabaseLost)) throw error;
      process.begin();
      return again();
    }
    const now = people.actsEverywhere();
    for (const [label, closure] of [...this.#closures]) {
      if (this.#jobs.has(label)) continue;
      closure.until = now;
      this.#closures.delete(label);
    }
  }

  async #isAnyDeadInQueue(): Promise<boolean> {
    const { rows } = await this.#w.pool.query(
      `select 1 from pgboss.job where name in ('event.dead', 'plan.dead') limit 1`,
    );
    return rows.length > 0;
  }

  async #letters(): Promise<{ id: string; key: string | null; door: string | null }[]> {
    const { rows } = await this.#w.pool.query<{ id: string; key: string | null; door: string | null }>(
      `select l.id, l.event_key as key, s.key || '@' || l.device_id as door
         from dead_letters l left join schedules s on s.id = l.schedule_id
        where l.state = 'open' order by 2, 3`,
    );
    return rows;
  }
}
