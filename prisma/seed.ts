// npm run seed [FILE] [--revive]: applies a schedules file; a running Relatch makes the plans. Needs no key of Seam; with one, doors
// are asked first what they take.
import { readFile } from 'node:fs/promises';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { formatInTimeZone } from 'date-fns-tz';
import { doorReader } from '../src/commands/tool.ts';
import { readConfig } from '../src/config.ts';
import { UserError } from '../src/core/errors.ts';
import { calendarOf, type Schedule } from '../src/core/schedule.ts';
import { formatProblems, type Problem, parseSchedulesFile } from '../src/core/schedules-file.ts';
import { type Blackout, type Window, windowsFrom } from '../src/core/windows.ts';
import { loadDoorBlackouts } from '../src/db/door-blackouts.ts';
import { loadSchedulesByKeys } from '../src/db/schedules.ts';
import { openTool, type Tool } from '../src/deps.ts';
import { type Applied, ApplyProblems, applySchedules } from '../src/flows/apply-schedules.ts';
import { runProgram } from '../src/run-program.ts';

const usage = `Usage: npm run seed [FILE] [-- --revive]
  FILE       schedules to apply; default prisma/schedules.example.yaml
  --revive   lets "status: active" lead back from paused and ended`;

// The same from prisma/ and from dist/.
const example = new URL('../prisma/schedules.example.yaml', import.meta.url);

interface Arguments {
  readonly file: string;
  readonly revive: boolean;
}

function readArguments(args: readonly string[]): Arguments {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { revive: { type: 'boolean', default: false } },
    });
    const [file, ...more] = positionals;
    if (more.length > 0) throw new UserError('usage', 'Only one file can be applied at a time');
    return { file: file ?? relative('', fileURLToPath(example)), revive: values.revive };
  } catch (error) {
    const [reason] = String(error instanceof Error ? error.message : error).split('. ');
    throw new UserError('usage', `${reason}.\n${usage}`, { cause: error });
  }
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const reason = code === 'ENOENT' ? 'there is no such file' : `it cannot be read (${code ?? 'unknown error'})`;
    throw new UserError('file_unreadable', `${file}: ${reason}.`, { cause: error });
  }
}

async function seed({ file: fileName, revive }: Arguments): Promise<void> {
  const parsed = parseSchedulesFile(await readText(fileName));
  const problems = parsed.ok ? [] : parsed.problems;
  if (parsed.file === null) throw new ApplyProblems(problems);
  await using tool = await openToolFor(problems);
  const applied = await applySchedules({ ...tool, seam: doorReader() }, parsed.file, { revive, problems });
  const now = tool.now();
  const { created, changed, unchanged } = applied;
  const schedules = await loadSchedulesByKeys(tool.db.prisma, [...created, ...changed, ...unchanged]);
  const doors = await loadDoorBlackouts(
    tool.db.prisma,
    schedules.flatMap(({ devices }) => devices.map(({ deviceId }) => deviceId)),
  );
  const byKey = new Map(schedules.map((schedule) => [schedule.key, schedule]));
  for (const [outcome, keys] of Object.entries({ created, changed, unchanged })) {
    for (const key of keys) {
      const schedule = byKey.get(key);
      if (schedule !== undefined) console.log(`${outcome.padEnd(10)} ${key}: ${outlook(schedule, doors, now)}`);
    }
  }
  for (const note of applied.notes) console.log(`note       ${note}`);
  console.log(summary(applied, fileName));
}

/** Whoever has no database at hand still gets to know what is wrong with the file. */
async function openToolFor(problems: readonly Problem[]): Promise<Tool> {
  try {
    const config = readConfig(process.env, { for: 'tool' });
    // People read the output; the program's own news would stand between its lines.
    return await openTool({ ...config, log: { level: 'warn' } }, {}, 'tool');
  } catch (error) {
    throw problems.length === 0 ? error : new ApplyProblems(problems, { cause: error });
  }
}

/** "next window Tue 1 Dec 2026 09:00–17:00 (America/New_York)"; for each door where blackouts make a difference. */
function outlook(schedule: Schedule, doors: ReadonlyMap<string, readonly Blackout[]>, now: Date): string {
  if (schedule.status !== 'active') return schedule.status;
  const texts = schedule.devices.map(({ deviceId }) => {
    const [window] = windowsFrom(calendarOf(schedule, doors.get(deviceId) ?? []), now, 1);
    return { deviceId, text: window === undefined ? 'no window is left' : describe(window, schedule.timezone, now) };
  });
  if (new Set(texts.map(({ text }) => text)).size === 1) return texts[0]?.text ?? 'no door';
  return texts.map(({ deviceId, text }) => `${deviceId} ${text}`).join('; ');
}

function describe(window: Window, timezone: string, now: Date): string {
  const local = (instant: Date, format: string) => formatInTimeZone(instant, timezone, format);
  const isSameDay = local(window.startsAt, 'yyyy-MM-dd') === local(window.endsAt, 'yyyy-MM-dd');
  const ends = local(window.endsAt, isSameDay ? 'HH:mm' : 'EEE d MMM HH:mm');
  const name = window.startsAt <= now ? 'window in progress' : 'next window';
  return `${name} ${local(window.startsAt, 'EEE d MMM yyyy HH:mm')}–${ends} (${timezone})`;
}

function summary({ created, changed, unchanged }: Applied, fileName: string): string {
  const total = created.length + changed.length + unchanged.length;
  const counts = `${created.length} created, ${changed.length} changed, ${unchanged.length} unchanged`;
  return `${fileName}: ${total} ${total === 1 ? 'schedule' : 'schedules'}, ${counts}.`;
}

await runProgram(async () => {
  const args = readArguments(process.argv.slice(2));
  try {
    await seed(args);
  } catch (error) {
    if (!(error instanceof ApplyProblems)) throw error;
    const message = [...formatProblems(args.file, error.problems), error.message].join('\n');
    throw new UserError(error.code, message, { cause: error });
  }
});
