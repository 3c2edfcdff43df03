// What happened in a history, in lines for people. No line holds a database id, a PIN or real time: one seed, one trace.
import type { Door } from './doors.ts';

interface Line {
  readonly at: number;
  readonly text: string;
  /** Undefined: it concerns every door. */
  readonly door: string | undefined;
}

const linesShown = 40;

export class Trace {
  readonly #lines: Line[] = [];
  readonly #now: () => number;
  readonly #echo: boolean;

  constructor(now: () => number, echo = false) {
    this.#now = now;
    this.#echo = echo;
  }

  add(text: string, door?: Door | string): void {
    const line = { at: this.#now(), text, door: door === undefined ? undefined : String(door) };
    this.#lines.push(line);
    if (this.#echo) console.log(format(line));
  }

  /** The last lines about a door, or about all of them. */
  about(door: Door | undefined): string[] {
    const name = door === undefined ? undefined : String(door);
    const lines = this.#lines.filter((line) => name === undefined || line.door === undefined || line.door === name);
    return lines.slice(-linesShown).map(format);
  }

  /** All of it. */
  get text(): string {
    return this.#lines.map(format).join('\n');
  }
}

function format({ at, text, door }: Line): string {
  return `${new Date(at).toISOString()}  ${door === undefined ? '' : `[${door}] `}${text}`;
}

/** Something that must never be. */
export class Violation extends Error {
  override readonly name = 'Violation';
  readonly invariant: string;
  readonly door: Door | undefined;

  constructor(invariant: string, message: string, door?: Door) {
    super(message);
    this.invariant = invariant;
    this.door = door;
  }
}
