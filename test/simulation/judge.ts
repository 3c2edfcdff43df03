// Holds what is at Seam and at the doors against what was planned. It knows when something was wrong, and what people closed.
import type { AccessCode } from 'seam';
import type { Simulator } from '../../src/simulator/simulator.ts';
import type { Span } from '../support/reference-windows.ts';
import type { Door } from './doors.ts';
import type { FaultClock } from './fault-clock.ts';
import type { People } from './people.ts';
import type { PlanBook } from './plan-book.ts';
import { Violation } from './trace.ts';
import { isLeaving, type Watch } from './watch.ts';

export interface JudgeWorld {
  readonly simulator: Simulator;
  readonly book: PlanBook;
  readonly faults: FaultClock;
  readonly people: People;
  readonly watch: Watch;
  /** One reconcile interval, and what Seam takes. */
  readonly boundMs: number;
  /** A row of this door whose last call's outcome is not known, or calls are still held back. */
  readonly isUnsettled: (door: Door) => Promise<boolean>;
}

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
// The service's own limits: less is not worth a code, and later windows wait.
const tooLateMs = 5 * minuteMs;
const aheadMs = 14 * 24 * hourMs;
const startAheadMs = 3 * minuteMs;
/** What Seam takes for what the reconciler finds: the settle time and the lock's lags. */
export const seamTakesMs = 75_000;

export class Judge {
  readonly #w: JudgeWorld;

  constructor(world: JudgeWorld) {
    this.#w = world;
  }

  /** Once the last fault that concerns a door is over, within one reconcile interval every open or coming window that nobody closed has its code. */
  assertConverged(): void {
    const { book, faults, simulator, people, watch, boundMs } = this.#w;
    const now = simulator.now().getTime();
    for (const door of book.doors()) {
      const windows = book.windows(door);
      // With a new PIN each window, the next code is made when a window begins; with one for all, when it ends.
      const boundaries = windows.flatMap(({ startAt, endAt }) => [startAt, endAt]).filter((at) => at <= now);
      const since = Math.max(
        faults.calmSinceAt(door.deviceId),
        book.changedAt(door.key),
        people.lastActAt(door.deviceId),
        ...boundaries,
      );
      if (now - since < boundMs) continue;
      const codes = watch.ours(door.deviceId).filter((one) => one.door === door && !isLeaving(one.code));
      for (const window of this.#wanted(door, now)) {
        if (codes.some(({ code }) => watch.takenBackAt(code) === undefined && serves(code, window, now))) continue;
        const text = `${new Date(window.startAt).toISOString()}/${new Date(window.endAt).toISOString()}`;
        const calm = Math.round((now - since) / 1_000);
        throw new Violation('every window has its code', `no code for ${text}, ${calm} s after the last fault`, door);
      }
      if (people.isLeftAlone(door, now)) continue;
      // An ended code may stay at Seam as an object; it opens nothing.
      const stray = codes.find(({ code }) => Date.parse(code.ends_at ?? '') > now && !this.#isToBe(code, windows, now));
      if (stray !== undefined) {
        const { starts_at, ends_at } = stray.code;
        throw new Violation('no code outside the plan', `Seam still has a code for ${starts_at}/${ends_at}`, door);
      }
    }
  }

  /** After a change, removal is asked within one job: one that ran wholly after it, and was disturbed by nothing. */
  async assertAsked(door: Door, startedAt: number): Promise<void> {
    const { book, simulator, watch } = this.#w;
    const changedAt = book.changedAt(door.key);
    if (startedAt <= changedAt) return;
    const now = simulator.now().getTime();
    const windows = book.windows(door);
    for (const { code, door: owner } of watch.ours(door.deviceId)) {
      if (owner !== door || isLeaving(code) || watch.wasAskedSince(code.access_code_id, changedAt)) continue;
      // The job may have looked before it was ours; another one was sent for.
      if ((watch.adoptedAt(code.access_code_id) ?? 0) >= startedAt) continue;
      if (Date.parse(code.ends_at ?? '') <= now + watch.skewMs) continue;
      if (this.#isToBe(code, windows, now) || (await this.#w.isUnsettled(door))) continue;
      const text = `the code of ${code.starts_at}/${code.ends_at} is outside the plan, and was not asked away`;
      throw new Violation('removal is asked within one job', text, door);
    }
  }

  #isToBe(code: AccessCode, windows: readonly Span[], now: number): boolean {
    const { watch } = this.#w;
    return watch.takenBackAt(code) === undefined && windows.some((window) => isWithin(code, window, now));
  }

  /**
   * Windows that must have a code now. With one PIN for all, the next code waits for the last one to be gone; one that was adopted
   * does not.
   */
  #wanted(door: Door, now: number): Span[] {
    const { book, people, watch, boundMs } = this.#w;
    const windows = book.windows(door);
    const rotates = book.text(door.key).pin === 'rotate';
    const current = windows.find(({ startAt, endAt }) => startAt <= now && endAt > now);
    const next = windows.find(({ startAt }) => startAt > now);
    const isClosed = (window: Span): boolean => people.isClosed(door, window.startAt, window.endAt);
    const isNextAdopted = watch
      .ours(door.deviceId)
      .some(
        ({ code, door: owner }) =>
          owner === door &&
          !isLeaving(code) &&
          watch.adoptedAt(code.access_code_id) !== undefined &&
          Date.parse(code.ends_at ?? '') > (next?.startAt ?? Number.POSITIVE_INFINITY),
      );
    const wanted = current === undefined || rotates || isNextAdopted ? [current, next] : [current];
    return wanted.flatMap((window) => {
      if (window === undefined || window.startAt - now > aheadMs || isClosed(window)) return [];
      if (current !== undefined && window === next && isClosed(current)) return [];
      return window.endAt - Math.max(now, window.startAt) < tooLateMs + boundMs ? [] : [window];
    });
  }
}

/** Whether a code opens the door for all that is left of a window. An endless one is cut by months. */
function serves(code: AccessCode, { startAt, endAt }: Span, now: number): boolean {
  const [from, until] = [Date.parse(code.starts_at ?? ''), Date.parse(code.ends_at ?? '')];
  // Its code is carried over the next cut a day before that, once it is live.
  const isCarried = startAt > now ? until > startAt : until - now > 20 * hourMs;
  const isEndServed = until === endAt || (endAt - startAt > 31 * 24 * hourMs && isCarried);
  // A live code keeps a start that an edit has moved: what has passed opens nothing.
  return (from >= startAt || from <= now) && from <= Math.max(startAt, now + startAheadMs) && isEndServed;
}

function isWithin(code: AccessCode, { startAt, endAt }: Span, now: number): boolean {
  const [from, until] = [Date.parse(code.starts_at ?? ''), Date.parse(code.ends_at ?? '')];
  // What is over at Seam is taken off by Seam.
  return until <= now || (Math.max(from, now) >= startAt && until <= endAt);
}
