import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { build } from '../support/processes.ts';

interface Vector {
  readonly input: Record<string, unknown>;
  readonly expected: unknown;
}

const root = fileURLToPath(new URL('../..', import.meta.url));
const vectors = JSON.parse(readFileSync(`${root}/test/fixtures/recurrence-vectors.json`, 'utf8')) as Vector[];
const question = {
  windows: [{ rrule: 'FREQ=DAILY', from: '09:00', to: '17:00' }],
  timezone: 'America/New_York',
  starts_on: '2026-01-01',
  after: '2026-06-01T00:00:00Z',
  count: 1,
};
const answer = { windows: [{ starts_at: '2026-06-01T13:00:00.000Z', ends_at: '2026-06-01T21:00:00.000Z' }] };

async function relatch(input: string, args = ['windows', '--stdin'], file = 'src/cli.ts') {
  const child = spawn(process.execPath, [file, ...args], { cwd: root, env: {} });
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const closed = new Promise<number | null>((resolve) => child.once('close', resolve));
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { code: await closed, lines: stdout.split('\n').filter((line) => line !== ''), stderr };
}

const parsed = (lines: readonly string[]): unknown[] => lines.map((line) => JSON.parse(line) as unknown);

describe.concurrent('relatch windows --stdin', () => {
  it('answers every vector, a line each', async () => {
    const { code, lines, stderr } = await relatch(vectors.map(({ input }) => JSON.stringify(input)).join('\n'));
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(parsed(lines)).toEqual(vectors.map(({ expected }) => ({ windows: expected })));
  });

  it('answers a bad line with its error and goes on', async () => {
    const bad: [unknown, string, string][] = [
      ['no JSON', 'json_invalid', ''],
      [[], 'field_invalid', ''],
      [
        { ...question, windows: [{ rrule: 'FREQ=HOURLY', from: '09:00', to: '17:00' }] },
        'part_unsupported',
        'windows[0].rrule',
      ],
      [{ ...question, windows: [{ rrule: 'FREQ=DAILY', from: '9', to: '17:00' }] }, 'time_invalid', 'windows[0].from'],
      [{ ...question, timezone: 'Mars' }, 'timezone_unknown', 'timezone'],
      [{ ...question, starts_on: '2026-02-30' }, 'date_invalid', 'starts_on'],
      [{ ...question, ends_on: '2025-01-01' }, 'ends_before_start', 'ends_on'],
      [{ ...question, except: { dates: ['x'] } }, 'date_invalid', 'except.dates[0]'],
      [{ ...question, extra: [{ date: 'x', from: '09:00', to: '10:00' }] }, 'date_invalid', 'extra[0].date'],
      [{ ...question, blackouts: [{ from: 'x', to: 'y' }] }, 'time_invalid', 'blackouts[0].from'],
      [{ ...question, grace: { early_minutes: -1 } }, 'minutes_invalid', 'grace.early_minutes'],
      [{ ...question, merge_gaps_up_to_minutes: 1e9 }, 'minutes_invalid', 'merge_gaps_up_to_minutes'],
      [{ ...question, after: '2026-06-01' }, 'field_invalid', 'after'],
      [{ ...question, count: 0 }, 'field_invalid', 'count'],
      [{ ...question, tz: 'UTC' }, 'field_unknown', 'tz'],
      ['x'.repeat(600_000), 'line_too_long', ''],
    ];
    const lines = bad.flatMap(([line]) => [
      typeof line === 'string' ? line : JSON.stringify(line),
      JSON.stringify(question),
    ]);
    const { code, lines: answers } = await relatch(`${lines.join('\n')}\n`);
    expect(code).toBe(0);
    const all = parsed(answers) as { error?: { code: string; field: string; message: string } }[];
    expect(all.filter((_, index) => index % 2 === 1)).toEqual(bad.map(() => answer));
    const errors = all.filter((_, index) => index % 2 === 0).map(({ error }) => error);
    expect(errors.map((error) => [error?.code, error?.field])).toEqual(bad.map(([, code, field]) => [code, field]));
    for (const error of errors) expect(error?.message).toMatch(/^[A-Z].*\.$/);
  });

  it('takes every part of a schedule, and says why where it is asked to', async () => {
    const all = {
      ...question,
      ends_on: '2026-12-31',
      except: { dates: ['2026-06-02'] },
      extra: [{ date: '2026-06-02', from: '10:00', to: '12:00' }],
      blackouts: [{ from: '2026-06-01T12:00', to: '2026-06-01T18:00', reason: 'guest in house' }],
      grace: { early_minutes: 10, late_minutes: 15 },
      merge_gaps_up_to_minutes: 30,
      count: 2,
    };
    const { lines } = await relatch(JSON.stringify(all), ['windows', '--stdin', '--why']);
    expect(parsed(lines)).toEqual([
      {
        windows: [
          {
            starts_at: '2026-06-01T12:50:00.000Z',
            ends_at: '2026-06-01T16:00:00.000Z',
            why: 'rule 1, 10 min earlier by grace, shortened by blackout "guest in house"',
          },
          {
            starts_at: '2026-06-02T13:50:00.000Z',
            ends_at: '2026-06-02T16:15:00.000Z',
            why: 'extra on 2026-06-02, 10 min earlier by grace, 15 min longer by grace',
          },
        ],
      },
    ]);
  });

  it('is the same in the bundle', async () => {
    await build();
    const { lines } = await relatch(JSON.stringify(question), ['windows', '--stdin'], 'dist/cli.js');
    expect(parsed(lines)).toEqual([answer]);
  });

  it.each([
    [[]],
    [['windows']],
    [['what', '--stdin']],
    [['windows', '--stdin', '--loud']],
  ])('explains itself for %j with exit code 2', async (args) => {
    const { code, stderr } = await relatch('', args);
    expect(code).toBe(2);
    expect(stderr).toContain('\nUsage: relatch ');
  });
});

describe('what commands print', () => {
  it('does not end them when its reader goes away before the end, as head does', async () => {
    const script = `
      import { setImmediate } from 'node:timers/promises';
      import { linePrinter } from './src/run-program.ts';
      const print = linePrinter();
      for (const line of ['1', '2', '3']) {
        print(line);
        await setImmediate();
      }
      console.error('done');`;
    const piped = `{ "$0" --input-type=module --eval "$1"; echo "code $?" >&2; } | true`;
    const shell = spawn('sh', ['-c', piped, process.execPath, script], { cwd: root, env: {} });
    expect(await text(shell.stderr)).toBe('done\ncode 0\n');
  });
});
