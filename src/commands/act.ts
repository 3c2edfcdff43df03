// Does something to schedules, or tells what that would do, and says what follows.
import { UserError } from '../core/errors.ts';
import { type Act, type Acted, actOn } from '../flows/act-on-schedule.ts';
import { planFieldsOf } from '../flows/answer-fields.ts';
import type { Cli } from './command.ts';
import { followsText, planText } from './plan-text.ts';

export interface ActOptions {
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

/** Who does it, for the history. */
const by = 'command line';

/** Each for itself: what cannot be done to one is told at the end, with exit code 2, and keeps no other from it. */
export async function actOnEach(
  { withTool, print }: Cli,
  keys: readonly string[],
  act: Act,
  { dryRun = false, json = false }: ActOptions,
): Promise<void> {
  await withTool(async (tool) => {
    const refusals: UserError[] = [];
    for (const key of new Set(keys)) {
      try {
        const told = await actOn(tool, key, act, { dryRun: true, by });
        // What was foreseen is what is done: in between, nobody has changed the schedule.
        const done = dryRun ? told : await actOn(tool, key, act, { version: told.version, by });
        const acted = { ...done, preview: told.preview };
        print(json ? JSON.stringify(forPrograms(acted, dryRun)) : forPeople(acted, dryRun).join('\n'));
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
        if (keys.length === 1) throw error;
        const told = error.code === 'schedule_unknown' ? error.message : `${key}: ${error.message}`;
        refusals.push(new UserError(error.code, told, { cause: error }));
      }
    }
    const [first] = refusals;
    if (first !== undefined) throw new UserError(first.code, refusals.map(({ message }) => message).join('\n'));
  });
}

function forPrograms({ key, outcome, version, message, notes, preview }: Acted, dryRun: boolean): object {
  return { key, outcome, dry_run: dryRun, version, message, notes, plan: planFieldsOf(preview) };
}

function forPeople({ key, outcome, message, notes, preview }: Acted, dryRun: boolean): string[] {
  if (outcome === 'unchanged')
    return [`${key}: ${dryRun ? 'nothing would change' : 'nothing changed'}, it was so already.`];
  const noted = notes.map((note) => `note       ${note}`);
  if (dryRun) return [`Dry run, nothing is written: ${key} would be ${message}.`, ...noted, planText(preview)];
  const follows = followsText(preview);
  const watch = `watch it with: relatch codes --schedule ${key}`;
  return [
    `${key} was ${message}.`,
    ...noted,
    follows.length === 0 ? 'No code changes by that now.' : `${follows.join(', ')}; ${watch}`,
  ];
}
