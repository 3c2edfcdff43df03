// Somebody makes a code in Seam and gives it to a schedule, as the command line does: a process of its own, which asks Seam while
// others work at the same door, and may die at any of its awaits.
import type pg from 'pg';
import { ActionRefused } from '../../src/flows/act-on-schedule.ts';
import { adoptCode } from '../../src/flows/adopt-code.ts';
import type { Simulator } from '../../src/simulator/simulator.ts';
import type { Span } from '../support/reference-windows.ts';
import type { Chance } from './chance.ts';
import { Crash, DatabaseLost } from './crash-points.ts';
import type { Door } from './doors.ts';
import { withDrawnIds } from './drawn-ids.ts';
import type { FaultClock } from './fault-clock.ts';
import type { People } from './people.ts';
import type { PlanBook } from './plan-book.ts';
import type { Replica } from './replica.ts';
import type { Staff } from './staff.ts';
import type { Strangers } from './strangers.ts';
import type { Tally } from './tally.ts';
import type { Tasks } from './tasks.ts';
import { type Trace, Violation } from './trace.ts';
import { isLeaving, type Watch } from './watch.ts';

export interface AdopterWorld {
  readonly process: Replica;
  readonly staff: Staff;
  readonly pool: pg.Pool;
  readonly simulator: Simulator;
  readonly book: PlanBook;
  readonly people: People;
  readonly strangers: Strangers;
  readonly watch: Watch;
  readonly faults: FaultClock;
  readonly trace: Trace;
  readonly tasks: Tasks;
  readonly chance: Chance;
  readonly tally: Tally;
  /** Changes this schedule in some way. */
  readonly edit: (key: string) => Promise<void>;
}

interface Wish {
  readonly door: Door;
  readonly id: string;
  readonly span: Span;
  /** Somebody else changes the schedule at the same moment. */
  readonly isContended: boolean;
}

const minuteMs = 60_000;
// Some locks take no code that begins at once.
const startAheadMs = 5 * minuteMs;
const runMaxMs = 31 * 24 * 60 * minuteMs;
const shortestMs = 20 * minuteMs;
const triesMax = 3;
/** What says nothing of the schedule, but of codes and of Seam at that instant. */
const refusedForCodes: ReadonlySet<string> = new Set([
  'code_known',
  'code_unknown',
  'seam_unavailable',
  'window_has_code',
  'window_closed',
]);

export class Adopter {
  readonly #w: AdopterWorld;
  readonly #forBadTimes: Wish[] = [];

  constructor(world: AdopterWorld) {
    this.#w = world;
  }

  /** Makes a code at some door, mostly where a window has none, and some time later, or when something goes wrong, has it adopted. */
  begin(): void {
    const { chance, people, trace } = this.#w;
    const places = this.#places();
    const free = places.filter(({ hasCode }) => !hasCode);
    const place = chance.pick(free.length > 0 && chance.hits(0.8) ? free : places);
    if (place === undefined) return;
    const { door, window } = place;
    const span = this.#spanIn(window);
    const id = people.addToBeAdopted(door, span);
    if (id === null) return;
    trace.add(`somebody makes a code ${told(span)} in Seam`, door);
    const wish: Wish = { door, id, span, isContended: chance.hits(0.5) };
    if (chance.hits(0.5)) this.#forBadTimes.push(wish);
    else this.#adoptSoon(wish);
  }

  /** What was put off until then is adopted now, if it can be any more. */
  badTimesBegin(): void {
    for (const wish of this.#forBadTimes.splice(0)) this.#adoptSoon(wish);
  }

  #adoptSoon(wish: Wish): void {
    const { tasks, chance } = this.#w;
    tasks.in(chance.below(20) * minuteMs, () => this.#adopt(wish, triesMax));
  }

  #places(): { door: Door; window: Span; hasCode: boolean }[] {
    const { book, watch } = this.#w;
    const { now } = this;
    return book.doors().flatMap((door) => {
      const ours = watch.ours(door.deviceId).filter((one) => one.door === door && !isLeaving(one.code));
      return this.#nowAndNext(door)
        .filter(({ startAt, endAt }) => endAt - Math.max(startAt, now + startAheadMs) >= shortestMs)
        .map((window) => ({
          door,
          window,
          hasCode: ours.some(
            ({ code }) =>
              Date.parse(code.starts_at ?? '') < window.endAt && Date.parse(code.ends_at ?? '') > window.startAt,
          ),
        }));
    });
  }

  #nowAndNext(door: Door): Span[] {
    return this.#w.book
      .windows(door)
      .filter(({ endAt }) => endAt > this.now)
      .slice(0, 2);
  }

  get now(): number {
    return this.#w.simulator.now().getTime();
  }

  /** In the window; once in a while it reaches out of it, and is not to be adopted. */
  #spanIn({ startAt, endAt }: Span): Span {
    const { chance } = this.#w;
    const earliest = Math.max(startAt, this.now + startAheadMs);
    const spare = Math.min(endAt - earliest - shortestMs, 24 * 60 * minuteMs);
    const from = earliest + (chance.hits(0.5) ? 0 : chance.below(spare));
    const left = Math.min(endAt - from - shortestMs, 24 * 60 * minuteMs);
    const until = chance.hits(0.5) ? endAt : from + shortestMs + chance.below(left + 1);
    return { startAt: from, endAt: until + (chance.hits(0.1) ? endAt - until + minuteMs : 0) };
  }

  async #adopt(wish: Wish, triesLeft: number): Promise<void> {
    const { process, staff, tasks, edit } = this.#w;
    const again = (left: number): void => tasks.in(minuteMs, () => this.#adopt(wish, left));
    if (process.fibers.size > 0 || process.points.isDatabaseDown) return again(triesLeft);
    await staff.errand(process, 'adoption', wish.door, async () => {
      const isToTryAgain = await this.#tryToAdopt(wish);
      if (isToTryAgain && triesLeft > 1) again(triesLeft - 1);
    });
    if (wish.isContended && triesLeft === triesMax) await edit(wish.door.key);
  }

  /** Whether it is worth another try: the process died, or the database or Seam could not be asked. */
  async #tryToAdopt({ door, id, span }: Wish): Promise<boolean> {
    const { process, trace, chance, book, people, strangers, watch, tally } = this.#w;
    const startedAt = this.now;
    let how: string;
    let refusal: string | null = null;
    let isLost = false;
    try {
      const adopted = withDrawnIds(chance, () => adoptCode(process.deps, door.key, door.deviceId, id, 'somebody'));
      how = (await adopted).message;
    } catch (error) {
      isLost = error instanceof Crash || error instanceof DatabaseLost;
      if (!isLost && !(error instanceof ActionRefused)) throw error;
      if (error instanceof ActionRefused) refusal = error.code;
      how = refusal ?? String((error as Error).name);
      if (isLost) process.begin();
    }
    const isAdopted = await this.#isAdopted(id);
    trace.add(`adoption of ${told(span)}: ${how}, ${isAdopted ? 'committed' : 'no change'}`, door);
    // What the plan was when it was looked at cannot be said where it was changed meanwhile.
    const isPlanKnown = book.changedAt(door.key) < startedAt;
    const around = this.#nowAndNext(door).filter(
      ({ startAt, endAt }) => startAt <= span.startAt && span.endAt <= endAt,
    );
    const isWrong =
      (isAdopted && refusal !== null) ||
      (isPlanKnown && isAdopted && around.length === 0) ||
      (isPlanKnown && around.some(isUncut) && refusal !== null && !refusedForCodes.has(refusal));
    if (isWrong) throw new Violation('an action does what it says', `adopt ${told(span)}: ${how}`, door);
    if (!isAdopted) return isLost || refusal === 'seam_unavailable';
    strangers.adopted(id);
    watch.adopted(id, door);
    people.adopted(id, door);
    tally.add('adopt');
    return false;
  }

  /** Asked of the database, because the answer may be lost. */
  async #isAdopted(id: string): Promise<boolean> {
    const { rows } = await this.#w.pool.query('select 1 from access_codes where access_code_id = $1', [id]);
    return rows.length > 0;
  }
}

/** A longer one is cut at the first of each month, which the reference does not do: a code may reach over the cut. */
function isUncut({ startAt, endAt }: Span): boolean {
  return endAt - startAt <= runMaxMs;
}

function told({ startAt, endAt }: Span): string {
  return `${new Date(startAt).toISOString()}/${new Date(endAt).toISOString()}`;
}
