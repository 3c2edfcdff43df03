// kill -9 between any two writes on the way from a delivery to the next code. The database holds the process back at each step,
// at a door of its own, so that it dies there and nowhere else; then a new process takes up all that was left.
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { expect, it, vi } from 'vitest';
import { usedEventTypes } from '../../src/core/seam-event-types.ts';
import type { Simulator } from '../../src/simulator/simulator.ts';
import { type Running, startScript } from '../support/processes.ts';
import type { SignedDelivery } from '../support/sign.ts';
import { assertSettled } from './settled.ts';
import { aDoor, deliver, type Instance, type Stage, slowMs, startStage } from './stage.ts';

/** Where the process dies, and whether the statement that it waited for lands all the same. */
interface Step {
  readonly table: string;
  readonly when: 'insert' | 'update';
  /** What the row of a door is. */
  readonly of: (door: string) => string;
  readonly lands?: true;
}

const ofDoor = (door: string): string => `new.device_id = '${door}'`;

it.concurrent.each<[string, Step[]]>([
  [
    'before it has stored a delivery, and after it has and before it answers',
    [
      { table: 'inbox', when: 'insert', of: ofDoor },
      { table: 'inbox', when: 'insert', of: ofDoor, lands: true },
    ],
  ],
  [
    'while it handles an event, before the intent, the claim, the record of Seam’s answer, and the end of the job',
    [
      { table: 'inbox', when: 'update', of: (door) => `${ofDoor(door)} and new.state = 'handled'` },
      { table: 'access_codes', when: 'insert', of: (door) => `${ofDoor(door)} and new.state = 'planned'` },
      { table: 'access_codes', when: 'update', of: (door) => `${ofDoor(door)} and new.state = 'calling'` },
      { table: 'access_codes', when: 'update', of: (door) => `${ofDoor(door)} and new.state = 'created'` },
      { table: 'access_codes', when: 'update', of: (door) => `${ofDoor(door)} and new.state = 'created'`, lands: true },
      {
        table: 'pgboss.job',
        when: 'update',
        of: (door) => `new.name = 'plan' and new.state = 'completed' and new.data->>'deviceId' = '${door}'`,
      },
    ],
  ],
])('makes one code for each door when the process is killed %s', async (when, steps) => {
  await using stage = await startStage();
  const { simulator, db } = stage;
  const killed = await stage.start();
  const doors = steps.map(aDoor);
  await stage.apply(...doors);
  await vi.waitFor(async () => expect(await states(stage)).toEqual(doors.map(() => 'created')), slowMs);
  await stage.rest();
  const removals = new Map((await stage.outliveAll()).map(({ door, delivery }) => [door, delivery]));

  const held = await Promise.all(steps.map((step, at) => holdBack(stage, step, doors[at]!, at + 1)));
  const answers = doors.map((door) => answered(killed, removals.get(door)!));
  await vi.waitFor(async () => expect(await waiting(stage)).toEqual(steps.map((_, at) => at + 1)), {
    timeout: slowMs,
    interval: 20,
  });
  killed.kill('SIGKILL');
  const struckAtMs = performance.now();
  await killed.exited;
  for (const end of held) await end();

  const service = await stage.start();
  for (const [at, door] of doors.entries()) {
    // Seam sends again what was not acknowledged.
    if (!(await answers[at]!)) expect(await deliver(service, removals.get(door)!)).toBe(202);
  }
  await vi.waitFor(async () => {
    const all = await states(stage);
    expect(all).toEqual(doors.flatMap(() => ['created', 'removed']));
  }, slowMs);
  await stage.rest();
  const codes = simulator.codes();
  expect(codes.map(({ device_id }) => device_id).sort()).toEqual(doors.toSorted());
  const { rows } = await db.query(`select access_code_id from access_codes where state = 'created'`);
  expect(rows.map((row) => row.access_code_id).sort()).toEqual(codes.map((code) => code.access_code_id).sort());
  // Never more than one: each door had one before, and has one since.
  expect(simulator.events.filter(({ event_type }) => event_type === 'access_code.created')).toHaveLength(
    2 * doors.length,
  );
  expect((await db.query(`select 1 from inbox where state <> 'handled'`)).rows).toEqual([]);
  await assertSettled(stage, { scenario: `killed ${when}`, faults: steps.length, struckAtMs });
});

const marked = (door: string): string => `${ofDoor(door)} and new.state = 'created' and new.asked_ends_at is null`;
const moved = (door: string): string => `${ofDoor(door)} and new.confirmed_ends_at < old.confirmed_ends_at`;
const removing = (door: string): string => `${ofDoor(door)} and new.state = 'removing' and old.state = 'created'`;
const removed = (door: string): string => `${ofDoor(door)} and new.state = 'removed'`;

it.concurrent('moves and removes codes that the process was killed over: before it has marked the row, before it asks Seam, before and after the record of the answer', async () => {
  await using stage = await startStage();
  const { simulator } = stage;
  const killed = await stage.start();
  const changes = [marked, moved, removing, removed].flatMap((of): Step[] => [
    { table: 'access_codes', when: 'update', of },
    { table: 'access_codes', when: 'update', of, lands: true },
  ]);
  const doors = changes.map(aDoor);
  const [shortened, paused] = [doors.slice(0, 4), doors.slice(4)];
  await stage.apply(...doors);
  await vi.waitFor(async () => expect(await states(stage)).toEqual(doors.map(() => 'created')), slowMs);
  await stage.rest();
  const before = simulator.codes();
  const startsAt = new Date(before[0]!.starts_at!);
  const endsAt = new Date(startsAt.getTime() + 30 * 60_000);
  const [from, to] = [startsAt, endsAt].map((at) => at.toISOString().slice(11, 16));

  const held = await Promise.all(changes.map((step, at) => holdBack(stage, step, doors[at]!, at + 1)));
  const windows = [{ rrule: 'FREQ=DAILY', from, to }];
  await stage.edit([
    ...shortened.map((door) => ({ key: `crew-${door}`, windows })),
    ...paused.map((door) => ({ key: `crew-${door}`, status: 'paused' })),
  ]);
  await vi.waitFor(async () => expect(await waiting(stage)).toEqual(changes.map((_, at) => at + 1)), {
    timeout: 2 * slowMs,
    interval: 20,
  });
  killed.kill('SIGKILL');
  const struckAtMs = performance.now();
  await killed.exited;
  for (const end of held) await end();

  await stage.start();
  const expected = before
    .filter(({ device_id }) => shortened.includes(device_id))
    .map(({ access_code_id, code }) => ({ access_code_id, code, ends_at: endsAt.toISOString() }));
  await vi.waitFor(() => {
    const now = simulator.codes().map(({ access_code_id, code, ends_at }) => ({ access_code_id, code, ends_at }));
    expect(now).toEqual(expected);
  }, slowMs);
  await vi.waitFor(async () => {
    expect((await states(stage)).sort()).toEqual([...shortened.map(() => 'created'), ...paused.map(() => 'removed')]);
  }, slowMs);
  await assertSettled(stage, {
    scenario: 'killed while it moves and removes codes',
    faults: changes.length,
    struckAtMs,
  });
});

it.concurrent('puts right what passes of the reconciler found that were killed: before and after one stored an event, before it noted how far it had read, and before it marked a row', async () => {
  await using stage = await startStage();
  const { simulator, db } = stage;
  const service = await stage.start();
  // In the order of a pass: the first is compared before the kill, the last is not.
  const doors = [aDoor(), aDoor(), aDoor()].sort();
  await stage.apply(...doors);
  await vi.waitFor(async () => expect(await states(stage)).toEqual(doors.map(() => 'created')), slowMs);
  await stage.rest();
  const before = timesOf(simulator);
  service.kill('SIGKILL');
  await service.exited;
  // No delivery tells of it, and nobody handles what is found before the last pass has ended.
  await stage.outliveAll();

  const found = `${ofDoor(doors[0]!)} and new.event_type = 'access_code.deleted'`;
  const steps: Step[] = [
    { table: 'inbox', when: 'insert', of: () => found },
    { table: 'inbox', when: 'insert', of: () => found, lands: true },
    { table: 'installation', when: 'update', of: () => 'new.events_read_to is distinct from old.events_read_to' },
    { table: 'access_codes', when: 'update', of: (door) => `${ofDoor(door)} and new.gone_signal_at is not null` },
  ];
  for (const [at, step] of steps.entries()) {
    const end = await holdBack(stage, step, doors[1]!, at + 1);
    await using pass = startPass(stage);
    await vi.waitFor(async () => expect(await waiting(stage)).toEqual([at + 1]), { timeout: slowMs, interval: 20 });
    pass.kill('SIGKILL');
    await pass.exited;
    await end();
    stage.heard(pass.logs());
    // Nothing of it bars the next one.
    await vi.waitFor(async () => {
      const { rows } = await db.query(
        `select 1 from pg_locks where locktype = 'advisory'
            and database = (select oid from pg_database where datname = current_database())`,
      );
      expect(rows).toEqual([]);
    }, slowMs);
  }
  const struckAtMs = performance.now();
  await using last = startPass(stage);
  expect(await last.exited).toEqual({ code: 0, signal: null });
  stage.heard(last.logs());
  const told = await db.query(`select device_id from history where kind = 'code.drifted' order by device_id`);
  expect(told.rows.map(({ device_id }) => device_id)).toEqual(doors);
  const { rows: jobs } = await db.query(
    `select data->>'deviceId' as door from pgboss.job where name = 'plan' and state = 'created' order by 1`,
  );
  expect(jobs.map(({ door }) => door)).toEqual(doors);
  const { rows: kept } = await db.query('select key from inbox');
  const listed = simulator.events.flatMap(({ event_type, event_id }) =>
    usedEventTypes.some((type) => type === event_type) ? [event_id] : [],
  );
  expect(kept.map(({ key }) => key).sort()).toEqual(listed.sort());

  await stage.start();
  await vi.waitFor(() => expect(timesOf(simulator)).toEqual(before), slowMs);
  await stage.rest();
  expect(await states(stage)).toEqual(doors.flatMap(() => ['created', 'removed']));
  expect(timesOf(simulator)).toEqual(before);
  await assertSettled(stage, { scenario: 'passes of the reconciler killed', faults: steps.length, struckAtMs });
});

const cliFile = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));

function startPass({ env }: Stage): Running {
  return startScript(cliFile, { args: ['reconcile'], env });
}

/** Of every code, by its door. */
function timesOf(simulator: Simulator): object[] {
  return simulator
    .codes()
    .map(({ device_id, code, starts_at, ends_at }) => ({ device_id, code, starts_at, ends_at }))
    .sort((one, other) => (one.device_id < other.device_id ? -1 : 1));
}

function answered(service: Instance, delivery: SignedDelivery): Promise<boolean> {
  return deliver(service, delivery).then(
    (status) => status === 202,
    () => false,
  );
}

async function states(stage: Stage): Promise<string[]> {
  const { rows } = await stage.db.query<{ state: string }>(
    'select state::text from access_codes order by device_id, state',
  );
  return rows.map(({ state }) => state);
}

/**
 * The numbers of the steps at which a statement waits. One that has waited for 2.5 s is given up: its job is tried again at once,
 * so that on a busy machine all steps are reached at one moment, too.
 */
async function waiting({ db }: Stage): Promise<number[]> {
  await db.query(`update pgboss.job set start_after = now() where state = 'retry' and start_after > now()`);
  const { rows } = await db.query<{ step: number }>(
    `select distinct objid::int as step from pg_locks where locktype = 'advisory' and classid = $1 and not granted
        and database = (select oid from pg_database where datname = current_database()) order by 1`,
    [lockClass],
  );
  return rows.map(({ step }) => step);
}

const lockClass = 4711;

/** Holds the step back until the returned function lets go of it, after its process has died. */
async function holdBack({ db, env }: Stage, step: Step, door: string, number: number): Promise<() => Promise<void>> {
  const holder = new pg.Client({ connectionString: env.DATABASE_URL });
  holder.on('error', () => undefined);
  await holder.connect();
  await holder.query('select pg_advisory_lock($1, $2)', [lockClass, number]);
  const name = `hold_back_${number}`;
  await db.query(`create function ${name}() returns trigger language plpgsql as $$
    begin perform pg_advisory_xact_lock(${lockClass}, ${number}); return new; end $$`);
  await db.query(
    `create trigger ${name} before ${step.when} on ${step.table} for each row when (${step.of(door)}) execute function ${name}()`,
  );
  return async () => {
    if (step.lands === undefined) {
      await db.query(
        `select pg_terminate_backend(pid) from pg_locks
          where locktype = 'advisory' and classid = $1 and objid = $2 and not granted`,
        [lockClass, number],
      );
    }
    await holder.end();
    await db.query(`drop trigger ${name} on ${step.table}`);
  };
}
