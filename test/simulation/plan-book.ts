// What was planned when: every version of every schedule's text, and its windows by the reference calculator, which shares
// nothing with the service's own.
import { referenceWindows, type Span } from '../support/reference-windows.ts';
import { type Door, doorOf } from './doors.ts';
import { calendarInputOf, type ScheduleText } from './schedule-text.ts';

export interface Version {
  readonly from: number;
  until: number;
  readonly text: ScheduleText;
  readonly windows: readonly Span[];
}

const dayMs = 86_400_000;
// So far ahead codes are asked for; those of an endless run reach to the end of the next month.
const aheadDays = 17;
const endlessAheadDays = 70;

export class PlanBook {
  readonly #versions = new Map<string, Version[]>();
  readonly #firstDay: number;
  readonly #days: number;
  readonly #now: () => number;

  constructor(now: () => number, days: number) {
    this.#now = now;
    this.#firstDay = now() - 3 * dayMs;
    this.#days = days + 3;
  }

  /** The text as of now. */
  put(text: ScheduleText): void {
    const versions = this.#versions.get(text.key) ?? [];
    const last = versions.at(-1);
    if (last !== undefined) last.until = this.#now();
    versions.push({ from: this.#now(), until: Number.POSITIVE_INFINITY, text, windows: this.windowsOf(text) });
    this.#versions.set(text.key, versions);
  }

  /** The windows of a text, whether it is anybody's plan and active or not. */
  windowsOf(text: ScheduleText): readonly Span[] {
    const last = this.#versions.get(text.key)?.at(-1);
    if (last?.text === text) return last.windows;
    const date = (at: number): string => new Date(at).toISOString().slice(0, 10);
    const windowsFor = (days: number): Span[] =>
      referenceWindows(calendarInputOf(text), date(this.#firstDay), date(this.#firstDay + (this.#days + days) * dayMs));
    const near = windowsFor(aheadDays);
    const isEndless = near.some(({ startAt, endAt }) => endAt - startAt > 3 * dayMs);
    return isEndless ? windowsFor(endlessAheadDays) : near;
  }

  text(key: string): ScheduleText {
    return this.#last(key).text;
  }

  /** When the schedule last changed. */
  changedAt(key: string): number {
    return this.#last(key).from;
  }

  get keys(): string[] {
    return [...this.#versions.keys()];
  }

  /** Every door that ever was one of a schedule's. */
  doors(): Door[] {
    const doors = [...this.#versions].flatMap(([key, versions]) =>
      versions.flatMap(({ text }) => text.devices.map((deviceId) => doorOf(key, deviceId))),
    );
    return [...new Set(doors)];
  }

  /** Windows of a door as planned now, of all time. */
  windows(door: Door): readonly Span[] {
    const version = this.#versions.get(door.key)?.at(-1);
    return version === undefined || !serves(version, door) ? [] : version.windows;
  }

  /** When a door was to be open, by what was planned at each instant. */
  openSpans(door: Door, from: number, until: number): Span[] {
    const spans = (this.#versions.get(door.key) ?? [])
      .filter((version) => serves(version, door))
      .flatMap((version) =>
        version.windows.map(({ startAt, endAt }) => ({
          startAt: Math.max(startAt, version.from, from),
          endAt: Math.min(endAt, version.until, until),
        })),
      );
    return spans.filter(({ startAt, endAt }) => endAt > startAt);
  }

  #last(key: string): Version {
    const version = this.#versions.get(key)?.at(-1);
    if (version === undefined) throw new Error(`there is no schedule ${key}`);
    return version;
  }
}

function serves({ text }: Version, { deviceId }: Door): boolean {
  return text.status === 'active' && text.devices.includes(deviceId);
}
