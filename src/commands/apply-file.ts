// Applies a schedules file, for `relatch schedules apply` and `npm run seed`.
import { readFile } from 'node:fs/promises';
import { UserError } from '../core/errors.ts';
import { formatProblems, parseSchedulesFile } from '../core/schedules-file.ts';
import type { Change } from '../core/schedules-file-merge.ts';
import { loadSchedulesByKeys } from '../db/schedules.ts';
import { planFieldsOf } from '../flows/answer-fields.ts';
import { type Applied, ApplyProblems, applySchedules } from '../flows/apply-schedules.ts';
import type { Cli, CliTool } from './command.ts';
import { doorsOf, outlook } from './outlook.ts';
import { oneLine, paint } from './output.ts';
import { planText } from './plan-text.ts';

/** Seam is asked what doors take where there is a key, and nothing else. */
type FileCli = Omit<Cli, 'withSeam'>;

export interface ApplyFileOptions {
  readonly dryRun?: boolean;
  readonly prune?: boolean;
  readonly revive?: boolean;
  readonly json?: boolean;
}

/** Applies a file ("-": standard input), or tells what that would do, and prints what came of it. @throws UserError */
export async function applyFile(cli: FileCli, name: string, options: ApplyFileOptions): Promise<void> {
  try {
    await apply(cli, name, options);
  } catch (error) {
    if (!(error instanceof ApplyProblems)) throw error;
    const message = [...formatProblems(name, error.problems), error.message].join('\n');
    throw new UserError(error.code, message, { cause: error });
  }
}

async function apply(
  cli: FileCli,
  name: string,
  { dryRun = false, prune, revive, json }: ApplyFileOptions,
): Promise<void> {
  const parsed = parseSchedulesFile(await readText(cli, name));
  const { file } = parsed;
  const problems = parsed.ok ? [] : parsed.problems;
  if (file === null) throw new ApplyProblems(problems);
  let isOpen = false;
  try {
    await cli.withTool(async (tool) => {
      isOpen = true;
      const chosen = { dryRun, prune: prune === true, revive: revive === true };
      const applied = await applySchedules(tool, file, { ...chosen, problems });
      if (json === true) cli.print(JSON.stringify(forPrograms(applied, dryRun)));
      else if (dryRun) printDryRun(cli, applied, name);
      else await printDone(cli, tool, applied, name);
    });
  } catch (error) {
    // Whoever has no database at hand still gets to know what is wrong with the file.
    throw isOpen || problems.length === 0 ? error : new ApplyProblems(problems, { cause: error });
  }
}

async function readText({ readInput }: FileCli, file: string): Promise<string> {
  if (file === '-') return readInput();
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const reason = code === 'ENOENT' ? 'there is no such file' : `it cannot be read (${code ?? 'unknown error'})`;
    throw new UserError('file_unreadable', `${file}: ${reason}.`, { cause: error });
  }
}

function forPrograms(applied: Applied, dryRun: boolean): object {
  const { created, changed, unchanged, notes, changes, preview } = applied;
  const fieldsChanged = Object.fromEntries(
    [...changes].map(([key, some]) => [key, [...new Set(some.map(({ field }) => field))]]),
  );
  return {
    dry_run: dryRun,
    created,
    changed,
    unchanged,
    fields_changed: fieldsChanged,
    notes,
    plan: planFieldsOf(preview),
  };
}

function printDryRun({ print }: FileCli, applied: Applied, name: string): void {
  const { created, changed, notes, changes, preview } = applied;
  print('Dry run, nothing is written. Windows are those of the next two weeks.');
  for (const key of created) print(paint('green', `+ ${key} would be created`));
  for (const key of changed) print(paint('yellow', `~ ${key} would be changed: ${fields(changes.get(key) ?? [])}`));
  if (preview.length > 0) print(planText(preview));
  for (const note of notes) print(`note       ${note}`);
  print(summary(applied, name, 'would be '));
}

/** "status active → paused, windows". */
function fields(changes: readonly Change[]): string {
  const isShort = (value: Change['from']): boolean =>
    value !== null && typeof value !== 'object' && value !== undefined;
  const texts = changes.map(({ field, from, to }) => {
    return isShort(from) && isShort(to) ? oneLine(`${field} ${from} → ${to}`) : field;
  });
  return texts.join(', ');
}

async function printDone({ print }: FileCli, tool: CliTool, applied: Applied, name: string): Promise<void> {
  const { created, changed, unchanged } = applied;
  const schedules = await loadSchedulesByKeys(tool.db.prisma, [...created, ...changed, ...unchanged]);
  const doors = await doorsOf(tool, schedules);
  const byKey = new Map(schedules.map((schedule) => [schedule.key, schedule]));
  for (const [outcome, keys] of Object.entries({ created, changed, unchanged })) {
    for (const key of keys) {
      const schedule = byKey.get(key);
      if (schedule !== undefined) print(`${outcome.padEnd(10)} ${key}: ${outlook(schedule, doors, tool.now())}`);
    }
  }
  for (const note of applied.notes) print(`note       ${note}`);
  print(summary(applied, name, ''));
}

function summary({ created, changed, unchanged }: Applied, name: string, would: string): string {
  const total = created.length + changed.length + unchanged.length;
  const counts = `${created.length} ${would}created, ${changed.length} ${would}changed, ${unchanged.length} unchanged`;
  return `${name}: ${total} ${total === 1 ? 'schedule' : 'schedules'}, ${counts}.`;
}
