// `npm run demo`: two virtual weeks of the example schedules on the simulator, with the real service on a real PostgreSQL, a
// clock change and a few mishaps, in well under a minute. Exit code 0 if every window was covered by exactly one code.
import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatInTimeZone } from 'date-fns-tz';
import type { ServiceConfig } from '../config.ts';
import { parseSchedulesFile } from '../core/schedules-file.ts';
import { loadSchedule } from '../db/schedules.ts';
import { applySchedules } from '../flows/apply-schedules.ts';
import { type Relatch, startRelatch } from '../relatch.ts';
import { type Simulator, startSimulator } from '../simulator/simulator.ts';
import { createLog } from '../telemetry/log.ts';
import { type AuditRow, audit, isAsPromised } from './audit.ts';
import { driveTo } from './drive.ts';
import { dueWindows } from './due-windows.ts';
import { createNarrator, type Narrator } from './narrate.ts';

// As in src/run-program.ts: date-fns-tz is an hour off where this process's own clocks skip the hour that it is to tell.
process.env['TZ'] = 'UTC';

const zone = 'America/New_York';
const startsAt = new Date('2027-03-08T05:00:00Z');
const endsAt = new Date('2027-03-22T04:00:00Z');
const example = new URL('../../prisma/schedules.example.yaml', import.meta.url);

const doors = [
  { device_id: '6aae9d08-fed6-4ca5-8328-e36849ab48fe', name: 'Front door', time_zone: zone },
  { device_id: '2f0c1d1e-93b7-4c63-9f0e-5a1f6a3c7b02', name: 'Supply room', time_zone: zone },
  // A lock that knows no times: Seam programs it an hour before and takes the code off afterwards.
  { device_id: 'b81e5b3a-0d43-4d5e-8a7b-6c0f2e9d1a34', name: 'Gym', time_zone: zone, native_scheduling: false },
  { device_id: 'd4c7f6a9-51e2-4b0f-b3c8-97a1e0d25f68', name: 'London office', time_zone: 'Europe/London' },
];

interface Mishap {
  readonly at: string;
  readonly text: string;
  readonly happen: (simulator: Simulator) => void;
}

const mishaps: readonly Mishap[] = [
  {
    at: '2027-03-10T21:00:00Z',
    text: 'on purpose: Seam’s next removal events are lost and never sent again',
    happen: ({ faults }) =>
      faults.nextDelivery({ kind: 'lose' }, { times: 2, event_type: 'access_code.removed_from_device' }),
  },
  {
    at: '2027-03-12T21:00:00Z',
    text: 'on purpose: the next removal events arrive twice',
    happen: ({ faults }) =>
      faults.nextDelivery({ kind: 'duplicate' }, { times: 3, event_type: 'access_code.removed_from_device' }),
  },
  {
    at: '2027-03-14T05:30:00Z',
    text: 'tonight New York’s clocks jump from 02:00 to 03:00; London’s do not until the 28th',
    happen: () => undefined,
  },
  {
    at: '2027-03-16T20:00:00Z',
    text: 'on purpose: Seam makes the next code, but its answer is lost',
    happen: ({ faults }) => faults.next('POST /access_codes/create', { kind: 'answer_lost_after_commit' }),
  },
  {
    at: '2027-03-17T20:00:00Z',
    text: 'on purpose: Seam answers the next two creations with errors (500, 429)',
    happen: ({ faults }) => {
      faults.next('POST /access_codes/create', { kind: 'status', status: 500 });
      faults.next('POST /access_codes/create', { kind: 'status', status: 429, retryAfterSeconds: 30 });
    },
  },
];

async function main(): Promise<void> {
  const interrupted = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => interrupted.abort());
  const startedMs = performance.now();
  const dataDir = await mkdtemp(join(tmpdir(), 'relatch-demo-'));
  // Run as root, PostgreSQL has a user of its own, who must get through.
  await chmod(dataDir, 0o755);
  const simulator = await startSimulator({ now: startsAt, devices: doors });
  const narrator = createNarrator(zone, console.log);
  let relatch: Relatch | undefined;
  try {
    console.log('Starting PostgreSQL, a simulated Seam with 4 doors, and Relatch …');
    const secret = `whsec_${randomBytes(24).toString('base64')}`;
    const log = createLog({ level: 'info', destination: narrator });
    relatch = await startRelatch(configFor(simulator, dataDir, secret), { now: () => simulator.now(), log });
    simulator.setWebhook({ url: `${relatch.url}/webhooks/seam`, secret });
    console.log(
      '✓ code made   ● on the lock   ▸ window opens   ○ code removed   (left column: New York; windows: the schedule’s own zone)\n',
    );
    await applyExample(relatch);
    await runWeeks(simulator, relatch, narrator, interrupted.signal);
    if (interrupted.signal.aborted) {
      console.log('\nInterrupted: stopping.');
      process.exitCode = 130;
      return;
    }
    const rows = await audit(simulator, relatch.deps.db, startsAt, endsAt);
    const seconds = Math.round((performance.now() - startedMs) / 100) / 10;
    process.exitCode = printResult(rows, seconds) ? 0 : 1;
  } catch (error) {
    // Ctrl-C reaches PostgreSQL's own programs too, which then fail to start.
    if (!interrupted.signal.aborted) throw error;
    console.log('\nInterrupted: stopping.');
    process.exitCode = 130;
  } finally {
    await relatch?.close();
    await simulator.close();
    await rm(dataDir, { recursive: true, force: true });
  }
}

/** The product's own configuration, but never the user's Seam key: no real door is touched. */
function configFor(simulator: Simulator, dataDir: string, secret: string): ServiceConfig {
  return {
    database: { url: undefined, dataDir },
    pinKeys: [],
    endpoints: { allowedNetworks: [] },
    log: { level: 'info' },
    http: { host: '127.0.0.1', port: 0 },
    clients: { trustProxy: [], failuresPerMinute: 30 },
    api: { tokens: [] },
    seam: { apiKey: simulator.apiKey, endpoint: simulator.endpoint, settleMs: 60_000, webhookSecrets: [secret] },
    metrics: null,
    traces: null,
    mode: 'active',
    retention: { days: 400 },
    reconcile: { intervalMs: 300_000 },
    ladder: { rungsMs: [24 * 3_600_000, 2 * 3_600_000, 900_000] },
    jobs: { concurrency: 10 },
  };
}

async function applyExample({ deps }: Relatch): Promise<void> {
  const parsed = parseSchedulesFile(await readFile(example, 'utf8'));
  if (!parsed.ok) throw new Error('the example file has mistakes: run npm run seed to see them');
  await applySchedules(deps, parsed.file);
}

interface Stop {
  readonly at: Date;
  readonly act: () => void;
}

async function runWeeks(
  simulator: Simulator,
  relatch: Relatch,
  narrator: Narrator,
  signal: AbortSignal,
): Promise<void> {
  const stops = [
    ...dayStops(),
    ...mishaps.map(({ at, text, happen }) => {
      const act = (): void => {
        narrator.say(new Date(at), text);
        happen(simulator);
      };
      return { at: new Date(at), act };
    }),
    ...(await openingStops(simulator, relatch.deps, narrator)),
  ].sort((a, b) => a.at.getTime() - b.at.getTime());
  for (const { at, act } of stops) {
    await driveTo(simulator, relatch, at, signal);
    if (signal.aborted) return;
    act();
  }
  await driveTo(simulator, relatch, endsAt, signal);
}

function dayStops(): Stop[] {
  const days = Math.round((endsAt.getTime() - startsAt.getTime()) / 86_400_000);
  return Array.from({ length: days }, (_, day) => {
    const at = midnight(day);
    const title = `day ${day + 1} of ${days}: ${formatInTimeZone(at, zone, 'EEEE d MMMM yyyy')}`;
    return { at, act: () => console.log(`\n── ${title} ──`) };
  });
}

/** At the start of each window: does the code open the door at this second? */
async function openingStops(simulator: Simulator, deps: Relatch['deps'], narrator: Narrator): Promise<Stop[]> {
  const ids = await deps.db.prisma.schedule.findMany({ select: { id: true } });
  const schedules = await Promise.all(ids.map(({ id }) => loadSchedule(deps.db.prisma, id)));
  return schedules.flatMap((schedule) => {
    if (schedule === null) return [];
    const windows = dueWindows(schedule, startsAt, endsAt).filter((window) => window.startsAt >= startsAt);
    return windows.flatMap((window) =>
      schedule.devices.map(({ deviceId }) => ({
        at: window.startsAt,
        act: () => {
          const door = doors.find(({ device_id }) => device_id === deviceId)?.name ?? deviceId;
          const until = formatInTimeZone(window.endsAt, zone, 'HH:mm');
          const works = isOpenFor(simulator, deviceId, schedule.name, window.startsAt);
          const state = works ? 'the code works' : 'THE CODE DOES NOT WORK';
          narrator.say(window.startsAt, `▸ Window opens: ${schedule.name} at ${door} until ${until}; ${state}.`);
        },
      })),
    );
  });
}

function isOpenFor(simulator: Simulator, deviceId: string, scheduleName: string, at: Date): boolean {
  return simulator
    .intervals(deviceId)
    .filter(({ name }) => name?.startsWith(`${scheduleName} `) ?? false)
    .some(({ on_device_from: from, off_device_at: until }) => from <= at && (until === null || until > at));
}

function midnight(day: number): Date {
  const date = Temporal.PlainDate.from(formatInTimeZone(startsAt, zone, 'yyyy-MM-dd')).add({ days: day });
  return new Date(date.toZonedDateTime(zone).epochMilliseconds);
}

function printResult(rows: readonly AuditRow[], seconds: number): boolean {
  const total = (pick: (row: AuditRow) => number): number => rows.reduce((sum, row) => sum + pick(row), 0);
  console.log('\nWhat happened at the locks, by the simulator’s own record:');
  console.table(
    rows.map((row) => ({
      schedule: row.schedule,
      door: row.door,
      'windows due': row.windowsDue,
      'windows covered': row.windowsCovered,
      'gaps (minutes)': row.gapMinutes,
      'double codes': row.doubleCodes,
      'codes outside windows': row.outside,
    })),
  );
  const isGood = isAsPromised(rows);
  console.log(
    `windows due ${total((row) => row.windowsDue)}, covered ${total((row) => row.windowsCovered)}, ` +
      `gaps ${total((row) => row.windowsDue - row.windowsCovered)}, double codes ${total((row) => row.doubleCodes)}, ` +
      `codes outside windows ${total((row) => row.outside)} — 14 virtual days in ${seconds} s`,
  );
  console.log(isGood ? 'Everything is as promised.' : 'NOT as promised: see the table.');
  return isGood;
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
