// Every await of a process that touches Postgres or Seam is a point before and after which it may die, or lose the database.
import type { Chance } from './chance.ts';
import type { StrikeCount } from './strikes.ts';

/** The process is dead; whoever catches this is dead, too. */
export class Crash extends Error {
  override readonly name = 'Crash';
}

/** The database went away: before a statement, in a transaction, or between a commit and its answer. */
export class DatabaseLost extends Error {
  override readonly name = 'DatabaseLost';
}

/** Drawn when a call begins, so that calls which end in any order leave one history. */
export type Fate = 'none' | 'crash_before' | 'crash_after' | 'lost_before' | 'lost_after';

export class CrashPoints {
  /** How likely a crash, and a loss of the database, is at each point. */
  readonly #rates: () => { crash: number; loss: number };
  readonly #chance: Chance;
  readonly #strikes: StrikeCount;
  readonly #onFate: (fate: Fate, where: string) => void;
  readonly #underWay = new Set<Promise<unknown>>();
  /** Nothing of a dead process runs on. */
  isDead = false;
  isDatabaseDown = false;

  constructor(
    chance: Chance,
    rates: () => { crash: number; loss: number },
    strikes: StrikeCount,
    onFate: (fate: Fate, where: string) => void,
  ) {
    this.#chance = chance;
    this.#rates = rates;
    this.#strikes = strikes;
    this.#onFate = onFate;
  }

  /** Runs one call to Postgres or Seam, or only half of that. */
  async pass<T>(where: string, touches: 'postgres' | 'seam', call: () => Promise<T>): Promise<T> {
    const fate = this.#draw(where, touches);
    this.#strike(fate, 'before', where, touches);
    const passing = call().then((result) => {
      this.#strike(fate, 'after', where, touches);
      return result;
    });
    if (touches === 'seam') return passing;
    this.#underWay.add(passing);
    try {
      return await passing;
    } finally {
      this.#underWay.delete(passing);
    }
  }

  /** Waits for calls to Postgres of which nobody waits for the end any more, because one beside them failed. */
  async settle(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.allSettled(this.#underWay);
  }

  #draw(where: string, touches: 'postgres' | 'seam'): Fate {
    const { crash, loss } = this.#rates();
    const luck = this.#chance.next();
    const half = this.#chance.hits(0.5) ? 'before' : 'after';
    const aimed = crash > 0 ? this.#strikes.aims(where, luck) : null;
    if (aimed !== null) return `crash_${aimed}`;
    if (luck < crash) return `crash_${half}`;
    if (touches === 'postgres' && luck < crash + loss) return `lost_${half}`;
    return 'none';
  }

  #strike(fate: Fate, half: 'before' | 'after', where: string, touches: 'postgres' | 'seam'): void {
    if (this.isDead) throw new Crash(`${where}: the process is dead`);
    if (touches === 'postgres' && this.isDatabaseDown) throw new DatabaseLost(`${where}: the database is down`);
    this.#strikes.add(half, where, fate === `crash_${half}`);
    if (fate === `crash_${half}`) {
      this.isDead = true;
      this.#onFate(fate, where);
      throw new Crash(`${half} ${where}`);
    }
    if (fate === `lost_${half}`) {
      this.#onFate(fate, where);
      throw new DatabaseLost(`${half} ${where}`);
    }
  }
}
