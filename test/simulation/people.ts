// What people do: at the doors, in Seam's console and in the lock's own app. Edits of schedules are in edits.ts.
import { newMarker } from '../../src/core/access-code.ts';
import type { Simulator } from '../../src/simulator/simulator.ts';
import type { Span } from '../support/reference-windows.ts';
import type { Chance } from './chance.ts';
import { type Door, doorOf } from './doors.ts';
import type { FaultClock } from './fault-clock.ts';
import type { PlanBook } from './plan-book.ts';
import type { Strangers } from './strangers.ts';
import type { Tally } from './tally.ts';
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
  readonly strangers: Strangers;
  readonly book: PlanBook;
  readonly deviceIds: readonly string[];
  readonly tally: Tally;
}

const hourMs = 3_600_000;
const startAheadMs = 5 * 60_000;
// The longest interval of the reconciler, and more than Seam takes.
const noticedMs = 1.1 * hourMs;
const deletedByHand = 'deleted by hand';

const acts = {
  delete_in_console: 4,
  remove_at_lock: 3,
  foreign_with_our_pin: 2,
  foreign_other: 2,
  foreign_managed: 2,
  foreign_installation: 2,
  foreign_leaves: 3,
} as const;

export const personActs: readonly string[] = Object.keys(acts);

// Not the simulation's own.
const otherInstallation = 'K4X';

export class People {
  readonly closures: Closure[] = [];
  readonly #lastActs = new Map<string, number>();
  #lastActEverywhereAt = 0;
  readonly #w: PeopleWorld;
  readonly #strangers: Strangers;
  /** Foreign codes with a PIN of ours, by id, and whom they keep out. */
  readonly #conflicts = new Map<string, Closure>();
  readonly #harmless: string[] = [];
  /** Which PIN a schedule's code had when last seen. */
  readonly #pinsSeen = new Map<Door, string>();

  constructor(world: PeopleWorld) {
    this.#w = world;
    this.#strangers = world.strangers;
  }

  act(): void {
    const { chance, tally } = this.#w;
    this.#lookAtPins();
    const what: Record<keyof typeof acts, () => boolean> = {
      delete_in_console: () => this.#deleteInConsole(),
      remove_at_lock: () => this.#removeAtLock(),
      foreign_with_our_pin: () => this.#addForeign(true),
      foreign_other: () => this.#addForeign(false),
      foreign_managed: () => this.#addManaged('Guest 7'),
      foreign_installation: () =>
        this.#addManaged(`Crew ${newMarker(otherInstallation, (below) => chance.below(below))}`),
      foreign_leaves: () => this.#foreignLeaves(),
    };
    const kind = chance.weighted(acts);
    if (what[kind]()) tally.add(kind);
  }

  /** An adopted code has a PIN of its own. */
  #lookAtPins(): void {
    for (const { code, door } of this.#codes) {
      if (code.code !== null && this.#w.watch.adoptedAt(code.access_code_id) === undefined)
        this.#pinsSeen.set(door, code.code);
    }
  }

  /** Makes a code in Seam that is to become a schedule's. @returns its id; null where none can be made */
  addToBeAdopted(door: Door, { startAt, endAt }: Span): string | null {
    const { chance, faults } = this.#w;
    const { deviceId } = door;
    this.#lookAtPins();
    const seen = chance.hits(0.3) ? this.#pinsSeen.get(door) : undefined;
    const ours = seen !== undefined && this.#isFree(seen, deviceId) ? seen : undefined;
    const code = ours ?? String(chance.between(100_000, 999_999));
    if (faults.isOn(`door.gone ${deviceId}`) || !this.#isFree(code, deviceId)) return null;
    const times = { starts_at: new Date(startAt), ends_at: new Date(endAt) };
    const id = this.#strangers.add({ device_id: deviceId, name: 'Plumber', code, managed: true, ...times });
    this.#settleIn(id, deviceId, ours === undefined ? undefined : door);
    return id;
  }

  /** It is a schedule's now, and none that its own people take away. */
  adopted(id: string, { deviceId }: Door): void {
    this.#actsAt(deviceId);
    const at = this.#harmless.indexOf(id);
    if (at >= 0) this.#harmless.splice(at, 1);
    this.#endConflict(id);
  }

  /** When somebody last did something at this device. */
  lastActAt(deviceId: string): number {
    return Math.max(this.#lastActEverywhereAt, this.#lastActs.get(deviceId) ?? 0);
  }

  /** Somebody did something that may concern any door. @returns when: now */
  actsEverywhere(): number {
    this.#lastActEverywhereAt = this.#w.simulator.now().getTime();
    return this.#lastActEverywhereAt;
  }

  #actsAt(deviceId: string): void {
    this.#lastActs.set(deviceId, this.#w.simulator.now().getTime());
  }

  /** Whether a person keeps this door closed at some instant of the span. */
  isClosed(door: Door, from: number, until: number): boolean {
    return this.closures.some((one) => one.door === door && one.from < until && one.until > from);
  }

  /** Somebody gave a schedule another PIN: whose code has the old one keeps nobody out any more. */
  pinTakenBack(key: string): void {
    const { simulator, watch } = this.#w;
    watch.pinTakenBack(key);
    for (const [id, closure] of [...this.#conflicts]) {
      if (closure.door.key !== key) continue;
      closure.until = simulator.now().getTime();
      this.#conflicts.delete(id);
      this.#harmless.push(id);
    }
  }

  /** Somebody had the windows of a door opened again that were closed by hand. Of what Relatch had not seen by then nothing is said. */
  reopened(door: Door): void {
    const { simulator, faults } = this.#w;
    const now = simulator.now().getTime();
    const seenBy = now - noticedMs;
    if (Math.max(faults.calmSinceAt(door.deviceId), this.lastActAt(door.deviceId)) > seenBy) return;
    for (const closure of this.closures) {
      if (closure.door !== door || closure.why !== deletedByHand || closure.until <= now) continue;
      closure.until = Math.max(now, closure.from);
    }
  }

  isLeftAlone(door: Door, at: number): boolean {
    return this.closures.some(
      (one) => one.isLeftAlone === true && one.door === door && one.from <= at && one.until > at,
    );
  }

  get #codes() {
    const { watch, deviceIds } = this.#w;
    const codes = deviceIds.flatMap((id) => watch.ours(id)).filter(({ code }) => !isLeaving(code));
    return codes.sort((a, b) => (a.code.access_code_id < b.code.access_code_id ? -1 : 1));
  }

  get #anyCode() {
    return this.#w.chance.pick(this.#codes);
  }

  #deleteInConsole(): boolean {
    const { simulator, trace } = this.#w;
    const found = this.#anyCode;
    if (found === undefined) return false;
    const { code, door } = found;
    trace.add(`somebody deletes the code ${code.starts_at}/${code.ends_at} in Seam's console`, door);
    const [from, until] = [Date.parse(code.starts_at ?? ''), Date.parse(code.ends_at ?? '')];
    this.closures.push({ door, from, until, why: deletedByHand });
    simulator.deleteByHand(code.access_code_id);
    this.#actsAt(door.deviceId);
    return true;
  }

  #removeAtLock(): boolean {
    const { simulator, trace, faults } = this.#w;
    const found = this.#anyCode;
    if (found === undefined) return false;
    trace.add('somebody takes the code off in the app of the lock', found.door);
    simulator.removeAtLock(found.code.access_code_id);
    // Seam mends it by itself, a minute later.
    const { deviceId } = found.door;
    faults.strike('person.remove_at_lock', deviceId, simulator.now().getTime() + 90_000);
    this.#actsAt(deviceId);
    return true;
  }

  #addForeign(hasOurPin: boolean): boolean {
    const { trace, chance, faults, deviceIds } = this.#w;
    const found = hasOurPin ? this.#anyCode : undefined;
    const pin = found?.code.code ?? String(chance.between(100_000, 999_999));
    const deviceId = found?.code.device_id ?? chance.pick(deviceIds) ?? '';
    if (faults.isOn(`door.gone ${deviceId}`)) return false;
    const id = this.#strangers.add({ device_id: deviceId, name: 'Neighbour', code: pin, managed: false });
    trace.add(`somebody adds a code at ${deviceId}${hasOurPin ? ' with a PIN of ours' : ''}`, found?.door);
    this.#settleIn(id, deviceId, found?.door);
    return !hasOurPin || found !== undefined;
  }

  /** Other software's code, or that of another installation. Seam lets it have a PIN of ours only where ours is not. */
  #addManaged(name: string): boolean {
    const { simulator, trace, chance, deviceIds, faults } = this.#w;
    const free = [...this.#pinsSeen].filter(([door, pin]) => this.#isFree(pin, door.deviceId));
    const elsewhere = [...this.#pinsSeen].flatMap(([door, pin]) =>
      deviceIds.filter((id) => this.#isFree(pin, id)).map((id) => [doorOf(door.key, id), pin] as const),
    );
    const [door, ours] = (chance.hits(0.6) ? chance.pick(free.length > 0 ? free : elsewhere) : undefined) ?? [];
    const deviceId = door?.deviceId ?? chance.pick(deviceIds) ?? '';
    const code = ours ?? String(chance.between(100_000, 999_999));
    if (faults.isOn(`door.gone ${deviceId}`) || !this.#isFree(code, deviceId)) return false;
    const now = simulator.now().getTime();
    // Some locks take no code that begins at once.
    const startsAt = new Date(now + startAheadMs);
    const endsAt = new Date(now + chance.between(1, 96) * hourMs);
    const isEndless = door !== undefined || chance.hits(0.5);
    const times = { starts_at: startsAt, ...(isEndless ? {} : { ends_at: endsAt }) };
    const id = this.#strangers.add({ device_id: deviceId, name, code, managed: true, ...times });
    trace.add(`other software adds a code at ${deviceId}${door === undefined ? '' : ' with a PIN of ours'}`, door);
    this.#settleIn(id, deviceId, door);
    return true;
  }

  #isFree(pin: string, deviceId: string): boolean {
    const { simulator } = this.#w;
    const all = [...simulator.codes({ device_id: deviceId }), ...simulator.unmanagedCodes({ device_id: deviceId })];
    return all.every(({ code }) => code !== pin);
  }

  /** @param door whom its PIN keeps out */
  #settleIn(id: string, deviceId: string, door: Door | undefined): void {
    this.#actsAt(deviceId);
    if (door === undefined) {
      this.#harmless.push(id);
      return;
    }
    const now = this.#w.simulator.now().getTime();
    const closure = { door, from: now, until: Number.POSITIVE_INFINITY, why: 'a foreign code has the PIN' };
    this.closures.push(closure);
    this.#conflicts.set(id, closure);
  }

  #foreignLeaves(): boolean {
    const { trace } = this.#w;
    const [conflict] = this.#conflicts;
    const id = conflict?.[0] ?? this.#harmless.shift();
    if (id === undefined) return false;
    this.#actsAt(this.#strangers.takeAway(id));
    trace.add('a foreign code is taken away', conflict?.[1].door);
    this.#endConflict(id);
    return true;
  }

  /** What was refused meanwhile stays refused until the schedule is changed or its window has passed. */
  #endConflict(id: string): void {
    const { simulator, book } = this.#w;
    const closure = this.#conflicts.get(id);
    if (closure === undefined) return;
    this.#conflicts.delete(id);
    const now = simulator.now().getTime();
    const [first, second] = book.windows(closure.door).filter(({ endAt }) => endAt > now);
    closure.until = (second ?? first)?.endAt ?? now;
  }
}
