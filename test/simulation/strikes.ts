// At which points processes died. What is only said to be struck proves nothing: it is counted.

import type { Chance } from './chance.ts';

const halves = ['before', 'after'] as const;
type Half = (typeof halves)[number];

/** How often a point was passed, and how often the process died there. */
export interface Strikes {
  readonly passed: number;
  readonly struck: number;
}

/** By "before commit", "after seam.create" and the like. */
export type StrikesByPoint = ReadonlyMap<string, Strikes>;

// So likely is a crash before, and one after, a write to Seam of a kind that has had none: there are few in bad times. Of all the
// other points, each history aims at some: by chance alone most would not be struck in fifty.
const [writeRate, otherRate] = [0.7, 0.05];
const aimedShare = 0.15;
const writes: readonly string[] = ['seam.create', 'seam.update', 'seam.delete'];

/** Of one history, for all its processes. */
export class StrikeCount {
  readonly #points = new Map<string, Strikes>();
  readonly #chance: Chance;
  /** Whether a crash is to come there: not any more, once it has come. */
  readonly #isAimed = new Map<string, boolean>();

  constructor(chance: Chance) {
    this.#chance = chance;
  }

  get points(): StrikesByPoint {
    return this.#points;
  }

  /** On which side a call has a crash now, because none has come there yet. @param luck uniform in [0, 1) */
  aims(where: string, luck: number): Half | null {
    const isWrite = writes.includes(where);
    if (luck >= (isWrite ? writeRate : otherRate)) return null;
    const half = halves.find((one) => {
      const point = `${one} ${where}`;
      if (!this.#isAimed.has(point)) this.#isAimed.set(point, isWrite || this.#chance.hits(aimedShare));
      return this.#isAimed.get(point);
    });
    if (half !== undefined) this.#isAimed.set(`${half} ${where}`, false);
    return half ?? null;
  }

  add(half: Half, where: string, isStruck: boolean): void {
    const point = `${half} ${where}`;
    const { passed, struck } = this.#points.get(point) ?? { passed: 0, struck: 0 };
    this.#points.set(point, { passed: passed + 1, struck: struck + (isStruck ? 1 : 0) });
  }
}

/** Those of several histories. */
export function sumOfStrikes(a: StrikesByPoint, b: StrikesByPoint): StrikesByPoint {
  const sum = new Map(a);
  for (const [point, { passed, struck }] of b) {
    const before = sum.get(point) ?? { passed: 0, struck: 0 };
    sum.set(point, { passed: before.passed + passed, struck: before.struck + struck });
  }
  return sum;
}

/** Points at which a process must have died, before or after, and did not. */
export function neverStruck(points: StrikesByPoint): string[] {
  return pointsAt([...writes, 'commit']).filter((point) => (points.get(point)?.struck ?? 0) === 0);
}

function pointsAt(calls: readonly string[]): string[] {
  return calls.flatMap((where) => halves.map((half) => `${half} ${where}`));
}
