// Somebody changes schedules, as `npm run seed` does: a process of its own, which may die at any of its awaits.
import type pg from 'pg';
import { parseSchedulesFile } from '../../src/core/schedules-file.ts';
import { ApplyProblems, applySchedules } from '../../src/flows/apply-schedules.ts';
import type { Chance } from './chance.ts';
import { Crash, DatabaseLost } from './crash-points.ts';
import { type Door, doorOf } from './doors.ts';
import { withDrawnIds } from './drawn-ids.ts';
import { drawEdit } from './edits.ts';
import type { PlanBook } from './plan-book.ts';
import type { Replica } from './replica.ts';
import { fileOf, type ScheduleText } from './schedule-text.ts';
import type { Trace } from './trace.ts';

export interface EditorWorld {
  readonly process: Replica;
  readonly pool: pg.Pool;
  readonly book: PlanBook;
  readonly trace: Trace;
  readonly chance: Chance;
  readonly now: () => Date;
  readonly deviceIds: readonly string[];
}

export class Editor {
  readonly #w: EditorWorld;
  /** By the ids of the database, as log lines have them. */
  #doors = new Map<string, Door>();

  constructor(world: EditorWorld) {
    this.#w = world;
  }

  doorOfIds(scheduleId: string, deviceId: string): Door | undefined {
    return this.#doors.get(`${scheduleId}@${deviceId}`);
  }

  /** One change of one schedule. */
  async edit(): Promise<void> {
    const { chance, book, process, deviceIds, now } = this.#w;
    const key = chance.pick(book.keys);
    if (key === undefined || process.points.isDatabaseDown) return;
    const edit = drawEdit(chance, book.text(key), now(), deviceIds);
    await this.apply(edit.what, [edit.text]);
  }

  /** Whether it was done is asked of the database, because the answer may be lost. */
  async apply(what: string, texts: readonly ScheduleText[]): Promise<void> {
    const { trace, process, book, chance } = this.#w;
    const parsed = parseSchedulesFile(fileOf(texts));
    if (!parsed.ok) return trace.add(`edit ${what}: refused, ${parsed.problems[0]?.message}`);
    const before = await this.#versions();
    let how = 'done';
    try {
      await withDrawnIds(chance, () =>
        // People at the seed: no replica's gate is asked.
        applySchedules({ ...process.deps, seam: undefined }, parsed.file, { revive: true }),
      );
    } catch (error) {
      if (error instanceof ApplyProblems) return trace.add(`edit ${what}: refused, ${error.problems[0]?.message}`);
      if (!(error instanceof Crash || error instanceof DatabaseLost)) throw error;
      how = error.name;
      process.begin();
    }
    const after = await this.#versions();
    for (const text of texts) {
      const isChanged = before.get(text.key) !== after.get(text.key);
      const devices = new Set([...(before.has(text.key) ? book.text(text.key).devices : []), ...text.devices]);
      if (isChanged) book.put(text);
      for (const deviceId of devices) {
        trace.add(`edit ${what}: ${how}, ${isChanged ? 'committed' : 'no change'}`, doorOf(text.key, deviceId));
      }
    }
  }

  async #versions(): Promise<Map<string, number>> {
    const { rows } = await this.#w.pool.query<{ id: string; key: string; version: number }>(
      'select id, key, version from schedules',
    );
    this.#doors = new Map(
      rows.flatMap(({ id, key }) =>
        this.#w.deviceIds.map((device) => [`${id}@${device}`, doorOf(key, device)] as const),
      ),
    );
    return new Map(rows.map(({ key, version }) => [key, version]));
  }
}
