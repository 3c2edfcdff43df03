// How long it takes to find the next window after an instant, beside the libraries that come closest, each with the same rule, on
// the same instants, in the same run. Every engine's answers are compared before any is timed.

import { cpus, loadavg } from 'node:os';
import { Cron } from 'croner';
import fc from 'fast-check';
import rruleModule from 'rrule';
import { RRuleTemporal } from 'rrule-temporal';
import type { CalendarCompilation } from '../../src/core/calendar.ts';
import { type Calendar, compileCalendar, spansFrom, windowsFrom } from '../../src/core/windows.ts';
import { ruleTexts } from '../support/rule-texts.ts';

const { rrulestr } = rruleModule;

// Not among the dependencies: its package names binaries for platforms that the registry does not have, and `npm ci` then fails.
interface Rust {
  readonly DateTime: { utc(...parts: number[]): unknown; fromTimestamp(at: number): unknown };
  readonly DtStart: new (start: unknown) => unknown;
  readonly RRuleSet: new (start: unknown) => { setFromString(text: string): RustSet };
}
interface RustSet {
  readonly cache: { disable(): void };
  between(after: unknown, before: unknown): readonly { toTimestamp(): number }[];
}
const rust = await importRust();

async function importRust(): Promise<Rust | null> {
  const name: string = 'rrule-rust';
  try {
    return (await import(name)) as Rust;
  } catch {
    console.log('rrule-rust is left out; to have it measured too: npm i --no-save rrule-rust@3.1.1');
    return null;
  }
}

const zone = 'America/New_York';
const nowAt = Date.UTC(2026, 10, 22);
const yearMs = 365 * 86_400_000;

interface Case {
  readonly name: string;
  readonly rrule: string;
  readonly startsOn: string;
  /** The same in cron's terms, where it has them. */
  readonly cron?: string;
}

const cases: readonly Case[] = [
  { name: 'a daily, 1 day old', rrule: 'FREQ=DAILY', startsOn: '2026-11-21', cron: '0 22 * * *' },
  { name: 'b daily, 20 years', rrule: 'FREQ=DAILY', startsOn: '2006-11-22', cron: '0 22 * * *' },
  {
    name: 'c 5 days a week, 20 y',
    rrule: 'FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR',
    startsOn: '2006-11-22',
    cron: '0 22 * * 1-5',
  },
  { name: 'd 2nd Tuesday, 20 y', rrule: 'FREQ=MONTHLY;BYDAY=2TU', startsOn: '2006-11-22', cron: '0 22 * * TUE#2' },
  { name: 'e 29 February', rrule: 'FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29', startsOn: '2004-02-29', cron: '0 22 29 2 *' },
  { name: 'f COUNT=10000', rrule: 'FREQ=DAILY;COUNT=10000', startsOn: '2006-11-22' },
];

/**
 * The start of the first window that begins after an instant, in ms; null when there is none. Ours counts one in progress as the
 * next; windows of a minute keep that from making a difference.
 */
type Next = (at: number) => number | null;

const engines: Record<string, (one: Case) => Next | null> = {
  relatch: ({ rrule, startsOn }) => {
    const calendar = calendarFor(rrule, startsOn);
    return (at) => spansFrom(calendar, at, 1)[0]?.startAt ?? null;
  },
  'relatch, as Dates': ({ rrule, startsOn }) => {
    const calendar = calendarFor(rrule, startsOn);
    return (at) => windowsFrom(calendar, new Date(at), 1)[0]?.startsAt.getTime() ?? null;
  },
  'rrule-temporal, UTC mode': ({ rrule, startsOn }) => {
    const engine = new RRuleTemporal({ rruleString: `DTSTART:${compact(startsOn)}T220000Z\nRRULE:${rrule}` });
    return (at) => toInstant(engine.next(new Date(localOf(at)))?.epochMilliseconds);
  },
  'rrule-temporal, TZID': ({ rrule, startsOn }) => {
    const engine = new RRuleTemporal({
      rruleString: `DTSTART;TZID=${zone}:${compact(startsOn)}T220000\nRRULE:${rrule}`,
    });
    return (at) => engine.next(new Date(at))?.epochMilliseconds ?? null;
  },
  'rrule-rust, TZID': ({ rrule, startsOn }) => {
    if (rust === null) return null;
    const set = new rust.RRuleSet(new rust.DtStart(rust.DateTime.utc(2000, 1, 1, 0, 0, 0)));
    const engine = set.setFromString(`DTSTART;TZID=${zone}:${compact(startsOn)}T220000\nRRULE:${rrule}`);
    engine.cache.disable();
    return (at) => {
      for (let days = 40; days < 3_000; days *= 8) {
        const until = rust.DateTime.fromTimestamp(at + days * 86_400_000);
        const [first] = engine.between(rust.DateTime.fromTimestamp(at), until);
        if (first !== undefined) return first.toTimestamp();
      }
      return null;
    };
  },
  croner: ({ cron }) => {
    if (cron === undefined) return null;
    const engine = new Cron(cron, { timezone: zone, paused: true });
    return (at) => engine.nextRun(new Date(at))?.getTime() ?? null;
  },
  'rrule, naive': ({ rrule, startsOn }) => {
    const engine = rrulestr(`DTSTART:${compact(startsOn)}T220000Z\nRRULE:${rrule}`, { cache: false });
    return (at) => toInstant(engine.after(new Date(localOf(at)))?.getTime());
  },
};

const goals: Record<string, number> = { 'rrule-temporal, UTC mode': 10, 'rrule-rust, TZID': 300, croner: 100 };
/** Enough for engines of nanoseconds, few enough for those of milliseconds. */
const budgetMs = 400;

export async function run(): Promise<void> {
  const [load = 0] = loadavg();
  console.log(
    `windows, ${cpus().length} cores, load ${load.toFixed(1)}, Node ${process.version}; ns per next window (best of 3)`,
  );
  const instants = Array.from(
    { length: 4_096 },
    (_, index) => nowAt + Math.floor(((index * 0.618_033_988_75) % 1) * yearMs),
  );
  const table = cases.map((one) => {
    const nexts = Object.entries(engines).map(([name, create]) => [name, create(one)] as const);
    compareAnswers(one, nexts, instants.slice(0, 12));
    return {
      case: one.name,
      ...Object.fromEntries(
        nexts.map(([name, next]) => [name, next === null ? null : Math.round(timeOf(next, instants))]),
      ),
    } as Record<string, number | string | null> & { case: string };
  });
  console.table(table);
  judge(table, instants);
  printCompile();
  printWorst();
}

function judge(
  table: readonly (Record<string, number | string | null> & { case: string })[],
  instants: readonly number[],
): void {
  const own = table.map((row) => Number(row['relatch']));
  say('slowest next window', Math.max(...own), 500, 'ns, goal ≤', false);
  for (const [engine, goal] of Object.entries(goals)) {
    if (table.every((row) => row[engine] == null)) continue;
    const ratios = table.flatMap((row, index) =>
      row[engine] == null ? [] : [Number(row[engine]) / (own[index] ?? 0)],
    );
    say(`${engine} / relatch, least of a–f`, Math.min(...ratios), goal, 'goal ≥', true);
  }
  say(
    'rrule, naive / relatch, 20-year-old daily rule',
    Number(table[1]?.['rrule, naive']) / (own[1] ?? 0),
    100_000,
    'goal ≥',
    true,
  );
  const [young, old] = cases.slice(0, 2).map(({ rrule, startsOn }) => {
    const calendar = calendarFor(rrule, startsOn);
    return (at: number) => windowsFrom(calendar, new Date(at), 1)[0]?.startsAt.getTime() ?? null;
  });
  if (young === undefined || old === undefined) return;
  const times = Array.from({ length: 5 }, () => timeOf(old, instants) / timeOf(young, instants)).sort((a, b) => a - b);
  say('20 years / 1 day', times[2] ?? 0, 1.3, 'goal ≤', false);
}

function say(what: string, value: number, goal: number, relation: string, isAtLeast: boolean): void {
  const isMet = isAtLeast ? value >= goal : value <= goal;
  console.log(
    `${isMet ? 'met   ' : 'MISSED'} ${what}: ${value >= 100 ? Math.round(value) : value.toFixed(2)} (${relation} ${goal})`,
  );
}

function printCompile(): void {
  const next: Next = (at) => {
    const calendar = calendarFor('FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR', '2006-11-22');
    return spansFrom(calendar, at, 1)[0]?.startAt ?? null;
  };
  const temporal: Next = (at) => {
    const rruleString = `DTSTART;TZID=${zone}:20061122T220000\nRRULE:FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR`;
    return new RRuleTemporal({ rruleString }).next(new Date(at))?.epochMilliseconds ?? null;
  };
  const instants = Array.from({ length: 256 }, (_, index) => nowAt + index * 86_400_000);
  const [ours, theirs] = [timeOf(next, instants), timeOf(temporal, instants)];
  say('parse, compile and next: rrule-temporal / relatch', theirs / ours, 8, 'goal ≥', true);
  console.log(`       parse, compile and next: ${Math.round(ours)} ns`);
  const collect = globalThis.gc;
  if (collect === undefined) throw new Error('bytes are counted with node --expose-gc');
  const many = 100_000;
  const kept: Calendar[] = [];
  collect();
  const before = process.memoryUsage().heapUsed;
  for (let index = 0; index < many; index += 1)
    kept.push(calendarFor('FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR', '2006-11-22'));
  collect();
  const bytes = (process.memoryUsage().heapUsed - before) / kept.length;
  const rules = kept.map(({ rules: [rule] }) => rule);
  kept.length = 0;
  collect();
  const ruleBytes = (process.memoryUsage().heapUsed - before) / rules.length;
  console.log(`       bytes a calendar: ${Math.round(bytes)}`);
  say('bytes a compiled rule', ruleBytes, 400, 'goal ≤', false);
}

/** No rule may cost more than 10 ms to compile with its first answer, or 1 ms for a next one, whatever it is. */
function printWorst(): void {
  const texts = fc.sample(ruleTexts(), { numRuns: 20_000, seed: 20_261_124 });
  const slowest = { compile: { ms: 0, text: '' }, next: { ms: 0, text: '' } };
  const note = (kind: 'compile' | 'next', text: string, ms: number) => {
    if (ms > slowest[kind].ms) slowest[kind] = { ms, text };
  };
  let accepted = 0;
  for (const text of [...texts, ...texts.slice(0, 1_000)]) {
    const input = { windows: [{ rrule: text, from: '22:00', to: '06:00' }], timezone: zone, startsOn: '2006-11-22' };
    const compileFirst = (): CalendarCompilation => {
      const compilation = compileCalendar(input);
      if (compilation.ok) spansFrom(compilation.calendar, nowAt, 1);
      return compilation;
    };
    note(
      'compile',
      text,
      leastMs(() => compileFirst),
    );
    if (!compileFirst().ok) continue;
    accepted += 1;
    for (const years of [0, 20, 150]) {
      const ask = (): (() => unknown) => {
        // A calendar remembers the month or year that it was asked for last.
        const compilation = compileFirst();
        return () => compilation.ok && spansFrom(compilation.calendar, nowAt + years * yearMs, 1);
      };
      note('next', text, leastMs(ask));
    }
  }
  console.log(`       ${accepted} of ${texts.length + 1_000} random rules fall on some day`);
  say(
    `slowest to compile with its first answer (${slowest.compile.text})`,
    slowest.compile.ms,
    10,
    'ms, goal ≤',
    false,
  );
  say(`slowest next (${slowest.next.text})`, slowest.next.ms, 1, 'ms, goal ≤', false);
}

/** What a call costs, apart from what the machine was at in that moment: the least of three, each of which is prepared anew. */
function leastMs(prepare: () => () => unknown): number {
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 3; round += 1) {
    const call = prepare();
    const startedMs = performance.now();
    call();
    least = Math.min(least, performance.now() - startedMs);
  }
  return least;
}

/** ns per call, the best of three rounds; each goes round the instants as often as its time allows. */
function timeOf(next: Next, instants: readonly number[]): number {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 3; round += 1) {
    let calls = 0;
    const startedMs = performance.now();
    while (performance.now() - startedMs < budgetMs) {
      // Asking the clock after each call would cost more than the call.
      const batch = calls === 0 ? 1 : Math.min(1_024, calls);
      for (let index = 0; index < batch; index += 1)
        if (next(instants[(calls + index) % instants.length] ?? nowAt) === 0) throw new Error('no such instant');
      calls += batch;
    }
    best = Math.min(best, ((performance.now() - startedMs) * 1e6) / calls);
  }
  return best;
}

function compareAnswers(
  { name }: Case,
  nexts: readonly (readonly [string, Next | null])[],
  instants: readonly number[],
): void {
  for (const at of instants) {
    const answers = nexts.flatMap(([engine, next]) => (next === null ? [] : [{ engine, start: next(at) }]));
    const wrong = answers.find(({ start }) => start !== answers[0]?.start);
    if (wrong !== undefined) throw new Error(`${name}: ${JSON.stringify(answers)} after ${new Date(at).toISOString()}`);
  }
}

function calendarFor(rrule: string, startsOn: string): Calendar {
  const compilation = compileCalendar({ windows: [{ rrule, from: '22:00', to: '22:01' }], timezone: zone, startsOn });
  if (!compilation.ok) throw new Error(JSON.stringify(compilation.problems));
  return compilation.calendar;
}

const compact = (date: string): string => date.replaceAll('-', '');

// Naive engines are asked in local time written as UTC, and answer so. Their conversion is done as simply as is right for 22:00,
// where no clock of this zone changes, and costs them little.
const offsets = [
  Date.UTC(2026, 10, 1, 6),
  Date.UTC(2027, 2, 14, 7),
  Date.UTC(2027, 10, 7, 6),
  Date.UTC(2028, 2, 12, 7),
];
const isSummer = (at: number): boolean => at >= (offsets[1] ?? 0) && at < (offsets[2] ?? 0);
const localOf = (at: number): number => at - (isSummer(at) ? 4 : 5) * 3_600_000;
function toInstant(local: number | undefined): number | null {
  if (local === undefined) return null;
  return local + (isSummer(local + 5 * 3_600_000) ? 4 : 5) * 3_600_000;
}
