// What people do: at the doors, in Seam's console and in the lock's own app. Edits of schedules are in edits.ts.
import type { Simulator } from '../../src/simulator/simulator.ts';
import type { Chance } from './chance.ts';
import type { Door } from './doors.ts';
import type { FaultClock } from './fault-clock.ts';
import type { PlanBook } from './plan-book.ts';
import type { Trace } from './trace.ts';
import { isLeaving, type Watch } from './watch.ts';

/** A span in which somebody closed a door to a schedule: nobody has to open it again. */
export interface Closure {
  readonly door: Door;
  readonly from: number;
  until: number;
  readonly why: string;
  /** Relatch does nothing at all there. */
  readonly isLeftAlone?: boolean;
}

export interface PeopleWorld {
  readonly simulator: Simulator;
  readonly chance: Chance;
  readonly faults: FaultClock;
  readonly trace: Trace;
  readonly watch: Watch;
  readonly book: PlanBook;
  readonly deviceIds: readonly string[];
}

const acts = {
  delete_in_console: 4,
  remove_at_lock: 3,
  foreign_with_our_pin: 2,
  foreign_other: 2,
  foreign_leaves: 3,
} as const;

export class People {
  readonly closures: Closure[] = [];
  lastActAt = 0;
  readonly #w: PeopleWorld;
  /** Foreign codes with a PIN of ours, by id, and whom they keep out. */
  readonly #conflicts = new Map<string, Closure>();
  readonly #strangers: string[] = [];

  constructor(world: PeopleWorld) {
    this.#w = world;
  }

  act(): void {
    const { chance, simulator } = this.#w;
    this.lastActAt = simulator.now().getTime();
    const what: Record<keyof typeof acts, () => void> = {
      delete_in_console: () => this.#deleteInConsole(),
      remove_at_lock: () => this.#removeAtLock(),
      foreign_with_our_pin: () => this.#addForeign(true),
      foreign_other: () => this.#addForeign(false),
      foreign_leaves: () => this.#foreignLeaves(),
    };
    what[chance.weighted(acts)]();
  }

  /** Whether a person keeps this door closed at some instant of the span. */
  isClosed(door: Door, from: number, until: number): boolean {
    return this.closures.some((one) => one.door === door && one.from < until && one.until > from);
  }

  isLeftAlone(door: Door, at: number): boolean {
    return this.closures.some(
      (one) => one.isLeftAlone === true && one.door === door && one.from <= at && one.until > at,
    );
  }

  get #anyCode() {
    const { watch, chance, deviceIds } = this.#w;
    const codes = deviceIds.flatMap((id) => watch.ours(id)).filter(({ code }) => !isLeaving(code));
    codes.sort((a, b) => (a.code.access_code_id < b.code.access_code_id ? -1 : 1));
    return chance.pick(codes);
  }

  #deleteInConsole(): void {
    const { simulator, trace } = this.#w;
    const found = this.#anyCode;
    if (found === undefined) return;
    const { code, door } = found;
    trace.add(`somebody deletes the code ${code.starts_at}/${code.ends_at} in Seam's console`, door);
    const [from, until] = [Date.parse(code.starts_at ?? ''), Date.parse(code.ends_at ?? '')];
    this.closures.push({ door, from, until, why: 'deleted by hand' });
    simulator.deleteByHand(code.access_code_id);
  }

  #removeAtLock(): void {
    const { simulator, trace, faults } = this.#w;
    const found = this.#anyCode;
    if (found === undefined) return;
    trace.add('somebody takes the code off in the app of the lock', found.door);
    simulator.removeAtLock(found.code.access_code_id);
    // Seam mends it by itself, a minute later.
    faults.strike('person.remove_at_lock', simulator.now().getTime() + 90_000);
  }

  #addForeign(hasOurPin: boolean): void {
    const { simulator, trace, chance, watch, deviceIds } = this.#w;
    const found = hasOurPin ? this.#anyCode : undefined;
    const pin = found?.code.code ?? String(chance.between(100_000, 999_999));
    const deviceId = found?.code.device_id ?? chance.pick(deviceIds) ?? '';
    const id = simulator.addForeignCode({ device_id: deviceId, name: 'Neighbour', code: pin, managed: false });
    watch.noteForeign(id);
    trace.add(`somebody adds a code at ${deviceId}${hasOurPin ? ' with a PIN of ours' : ''}`, found?.door);
    if (found === undefined) {
      this.#strangers.push(id);
      return;
    }
    const now = simulator.now().getTime();
    const closure = { door: found.door, from: now, until: Number.POSITIVE_INFINITY, why: 'a foreign code has the PIN' };
    this.closures.push(closure);
    this.#conflicts.set(id, closure);
  }

  #foreignLeaves(): void {
    const { simulator, trace, book } = this.#w;
    const [conflict] = this.#conflicts;
    const id = conflict?.[0] ?? this.#strangers.shift();
    if (id === undefined) return;
    // It may have gone with its lock.
    if (simulator.unmanagedCodes().some(({ access_code_id }) => access_code_id === id)) simulator.removeAtLock(id);
    trace.add('a foreign code is taken away', conflict?.[1].door);
    if (conflict === undefined) return;
    this.#conflicts.delete(id);
    // What was refused meanwhile stays refused until the schedule is changed or its window has passed.
    const now = simulator.now().getTime();
    const [first, second] = book.windows(conflict[1].door).filter(({ endAt }) => endAt > now);
    conflict[1].until = (second ?? first)?.endAt ?? now;
  }
}
