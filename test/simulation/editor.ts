// Somebody changes schedules or acts on them, as the command line does: a process of its own, which may die at any of its awaits.
import type pg from 'pg';
import { parseSchedulesFile } from '../../src/core/schedules-file.ts';
import { type Act, ActionRefused, actOn } from '../../src/flows/act-on-schedule.ts';
import { ApplyProblems, applySchedules } from '../../src/flows/apply-schedules.ts';
import { type ActWorld, actedOn, isAnyComing } from './acts.ts';
import type { Chance } from './chance.ts';
import { Crash, DatabaseLost } from './crash-points.ts';
import { type Door, doorOf } from './doors.ts';
import { withDrawnIds } from './drawn-ids.ts';
import { drawEdit } from './edits.ts';
import type { People } from './people.ts';
import type { PlanBook } from './plan-book.ts';
import type { Replica } from './replica.ts';
import { fileOf, type ScheduleText } from './schedule-text.ts';
import type { Tally } from './tally.ts';
import { type Trace, Violation } from './trace.ts';

export interface EditorWorld {
  readonly process: Replica;
  readonly pool: pg.Pool;
  readonly book: PlanBook;
  readonly people: People;
  readonly trace: Trace;
  readonly chance: Chance;
  readonly now: () => Date;
  readonly deviceIds: readonly string[];
  readonly tally: Tally;
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

  /** One change of one schedule; of any, where none is given. */
  async edit(of?: string): Promise<void> {
    const { chance, book, process, deviceIds, now, tally } = this.#w;
    const key = of ?? chance.pick(book.keys);
    if (key === undefined || process.points.isDatabaseDown) return;
    const world = { now: now().getTime(), windowsOf: (text: ScheduleText) => book.windowsOf(text) };
    const text = book.text(key);
    const edit = drawEdit(chance, text, world, deviceIds);
    const kind = 'act' in edit ? edit.act.kind : edit.what;
    const isDone = 'act' in edit ? await this.#act(text, edit.act, world) : await this.apply(edit.what, [edit.text]);
    if (isDone) tally.add(kind);
  }

  /** @returns whether anything is another now */
  async apply(what: string, texts: readonly ScheduleText[]): Promise<boolean> {
    const { trace, process } = this.#w;
    const parsed = parseSchedulesFile(fileOf(texts));
    if (!parsed.ok) {
      trace.add(`edit ${what}: refused, ${parsed.problems[0]?.message}`);
      return false;
    }
    const { changed } = await this.#change(`edit ${what}`, texts, async () => {
      try {
        // People at the seed: no replica's gate is asked.
        await applySchedules({ ...process.deps, seam: undefined }, parsed.file, { revive: true });
        return 'done';
      } catch (error) {
        if (error instanceof ApplyProblems) return `refused, ${error.problems[0]?.message}`;
        throw error;
      }
    });
    return changed.length > 0;
  }

  /** @returns whether it took effect */
  async #act(text: ScheduleText, act: Act, world: ActWorld): Promise<boolean> {
    const { process, people } = this.#w;
    const expected = actedOn(text, act, world);
    let refusal: ActionRefused | undefined;
    const { changed, reopened, how } = await this.#change(act.kind, [expected ?? text], async () => {
      try {
        return (await actOn(process.deps, text.key, act, { by: 'somebody' })).message;
      } catch (error) {
        if (!(error instanceof ActionRefused)) throw error;
        refusal = error;
        return `refused, ${error.message}`;
      }
    });
    const isChanged = changed.includes(text.key);
    // It may have ended by itself, which a revocation leaves as it is.
    const isEnded = (act.kind === 'revoke' || refusal?.code === 'schedule_ended') && !isAnyComing(text, world);
    const isRefusedRightly = expected === null || isEnded || refusal?.code === 'nothing_closed';
    const isToChange = expected !== null && JSON.stringify(expected) !== JSON.stringify(text);
    const isLost = how === 'Crash' || how === 'DatabaseLost';
    const wrong =
      (isChanged && expected === null) ||
      (refusal !== undefined && !isRefusedRightly) ||
      (isToChange && !isChanged && refusal === undefined && !isLost && !isEnded);
    if (wrong) {
      const door = doorOf(text.key, text.devices[0] ?? '');
      throw new Violation('an action does what it says', `${JSON.stringify(act)}: ${how}`, door);
    }
    if (!isChanged) return false;
    if (act.kind === 'rotate_pin') people.pinTakenBack(text.key);
    if (act.kind === 'reopen') for (const door of reopened) people.reopened(door);
    return true;
  }

  /** Whether it was done is asked of the database, because the answer may be lost. */
  async #change(what: string, texts: readonly ScheduleText[], change: () => Promise<string>): Promise<Outcome> {
    const { trace, process, book, chance } = this.#w;
    const before = await this.#stored();
    let how: string;
    try {
      how = await withDrawnIds(chance, change);
    } catch (error) {
      if (!(error instanceof Crash || error instanceof DatabaseLost)) throw error;
      how = error.name;
      process.begin();
    }
    const after = await this.#stored();
    const changed = texts.filter(({ key }) => before.versions.get(key) !== after.versions.get(key));
    for (const text of texts) {
      const isChanged = changed.includes(text);
      const devices = new Set([...(before.versions.has(text.key) ? book.text(text.key).devices : []), ...text.devices]);
      if (isChanged) book.put(text);
      for (const deviceId of devices) {
        trace.add(`${what}: ${how}, ${isChanged ? 'committed' : 'no change'}`, doorOf(text.key, deviceId));
      }
    }
    const reopened = [...after.generations].filter(([door, one]) => one > (before.generations.get(door) ?? one));
    return { changed: changed.map(({ key }) => key), reopened: reopened.map(([door]) => door), how };
  }

  async #stored(): Promise<{ versions: Map<string, number>; generations: Map<Door, number> }> {
    const { rows } = await this.#w.pool.query<{
      id: string;
      key: string;
      version: number;
      device_id: string;
      generation: number;
    }>(
      'select s.id, s.key, s.version, d.device_id, d.generation from schedules s join schedule_devices d on d.schedule_id = s.id',
    );
    this.#doors = new Map(
      rows.flatMap(({ id, key }) =>
        this.#w.deviceIds.map((device) => [`${id}@${device}`, doorOf(key, device)] as const),
      ),
    );
    return {
      versions: new Map(rows.map(({ key, version }) => [key, version])),
      generations: new Map(rows.map((row) => [doorOf(row.key, row.device_id), row.generation])),
    };
  }
}

/** What became of a change. */
interface Outcome {
  /** Keys of schedules that are another now. */
  readonly changed: readonly string[];
  /** Doors whose windows may open once more. */
  readonly reopened: readonly Door[];
  readonly how: string;
}
