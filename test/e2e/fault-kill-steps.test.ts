// kill -9 between any two writes on the way from a delivery to the next code. The database holds the process back at each step,
// at a door of its own, so that it dies there and nowhere else; then a new process takes up all that was left.
// A step that is lost is held in its statement: what came before it, at Seam too, has happened, and nobody heard so. One that
// lands is held in its commit, which goes on when the process is dead: it has happened itself, and nobody heard so.
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { expect, it, vi } from 'vitest';
import { usedEventTypes } from '../../src/core/seam-event-types.ts';
import type { Simulator } from '../../src/simulator/simulator.ts';
import { type Env, type Running, startScript } from '../support/processes.ts';
import type { SignedDelivery } from '../support/sign.ts';
import { assertSettled } from './settled.ts';
import { aDoor, deliver, type Instance, type Stage, slowMs, startStage } from './stage.ts';

/** Where the process dies, and whether the transaction that it waited for is committed all the same. */
interface Step {
  readonly table: string;
  readonly when: 'insert' | 'update';
  /** What the row of a door is. */
  readonly of: (door: string) => string;
  readonly lands?: true;
}

const ofDoor = (door: string): string => `new.device_id = '${door}'`;
// The row of the code before is `created`, too, and what events tell of it is written there.
const answer = `new.state = 'created' and old.state = 'calling'`;
const bothWays = (steps: readonly Step[]): Step[] => steps.flatMap((step): Step[] => [step, { ...step, lands: true }]);

it.concurrent.each<[string, Step[]]>([
  [
    'before and after it has stored a delivery, and before and after it has handled an event',
    bothWays([
      { table: 'inbox', when: 'insert', of: ofDoor },
      { table: 'inbox', when: 'update', of: (door) => `${ofDoor(door)} and new.state = 'handled'` },
    ]),
  ],
  [
    'before and after the intent, the claim, the record of Seam’s answer, and the end of the job',
    bothWays([
      { table: 'access_codes', when: 'insert', of: (door) => `${ofDoor(door)} and new.state = 'planned'` },
      { table: 'access_codes', when: 'update', of: (door) => `${ofDoor(door)} and new.state = 'calling'` },
      { table: 'access_codes', when: 'update', of: (door) => `${ofDoor(door)} and ${answer}` },
      {
        table: 'pgboss.job',
        when: 'update',
        of: (door) => `new.name = 'plan' and new.state = 'completed' and new.data->>'deviceId' = '${door}'`,
      },
    ]),
  ],
])('makes one code for each door when the process is killed %s', async (when, steps) => {
  await using stage = await startStage();
  const { simulator, db } = stage;
  const killed = await stage.start(patient(stage));
  const doors = steps.map(aDoor);
  await stage.apply(...doors);
  await vi.waitFor(async () => expect(await states(stage)).toEqual(doors.map(() => 'created')), slowMs);
  await stage.rest();
  const removals = new Map((await stage.outliveAll()).map(({ door, delivery }) => [door, delivery]));

  const letGo = await holdBack(stage, steps, doors);
  const answers = doors.map((door) => answered(killed, removals.get(door)!));
  await vi.waitFor(async () => expect(await waiting(stage)).toEqual(steps.map((_, at) => at + 1)), {
    timeout: slowMs,
    interval: 20,
  });
  killed.kill('SIGKILL');
  const struckAtMs = performance.now();
  await killed.exited;
  await letGo();

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
  // Never more than one, nor asked for or told of more often: each door had one before, and has one since.
  const twice = doors.flatMap((door) => [door, door]).sort();
  const asked = simulator.requests.filter(({ path }) => path === '/access_codes/create');
  expect(asked.map(({ params }) => params.device_id).sort()).toEqual(twice);
  const told = await db.query(
    `select device_id from history where kind in ('code.created', 'code.adopted') order by device_id`,
  );
  expect(told.rows.map(({ device_id }) => device_id)).toEqual(twice);
  expect((await db.query(`select 1 from inbox where state <> 'handled'`)).rows).toEqual([]);
  await assertSettled(stage, { scenario: `killed ${when}`, faults: steps.length, struckAtMs });
});

const marked = (door: string): string => `${ofDoor(door)} and new.state = 'created' and new.asked_ends_at is null`;
const moved = (door: string): string => `${ofDoor(door)} and new.confirmed_ends_at < old.confirmed_ends_at`;
const removing = (door: string): string => `${ofDoor(door)} and new.state = 'removing' and old.state = 'created'`;
const removed = (door: string): string => `${ofDoor(door)} and new.state = 'removed'`;

it.concurrent('moves and removes codes that the process was killed over: before and after it has marked the row, and before and after the record of Seam’s answer', async () => {
  await using stage = await startStage();
  const { simulator } = stage;
  const killed = await stage.start(patient(stage));
  const changes = bothWays(
    [marked, moved, removing, removed].map((of) => ({ table: 'access_codes', when: 'update', of })),
  );
  const doors = changes.map(aDoor);
  const [shortened, paused] = [doors.slice(0, 4), doors.slice(4)];
  await stage.apply(...doors);
  await vi.waitFor(async () => expect(await states(stage)).toEqual(doors.map(() => 'created')), slowMs);
  await stage.rest();
  const before = simulator.codes();
  const startsAt = new Date(before[0]!.starts_at!);
  const endsAt = new Date(startsAt.getTime() + 30 * 60_000);
  const [from, to] = [startsAt, endsAt].map((at) => at.toISOString().slice(11, 16));

  const letGo = await holdBack(stage, changes, doors);
  const windows = [{ rrule: 'FREQ=DAILY', from, to }];
  await stage.edit([
    ...shortened.map((door) => ({ key: `crew-${door}`, windows })),
    ...paused.map((door) => ({ key: `crew-${door}`, status: 'paused' })),
  ]);
  await vi.waitFor(async () => expect(await waiting(stage)).toEqual(changes.map((_, at) => at + 1)), {
    timeout: slowMs,
    interval: 20,
  });
  killed.kill('SIGKILL');
  const struckAtMs = performance.now();
  await killed.exited;
  await letGo();

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

it.concurrent('puts right what passes of the reconciler found that were killed: before and after one stored an event, noted how far it had read, and marked a row', async () => {
  await using stage = await startStage();
  const { simulator, db } = stage;
  const service = await stage.start();
  // In the order of a pass: the first is compared before the kill, the last is not.
  const doors = [aDoor(), aDoor(), aDoor(), aDoor()].sort();
  await stage.apply(...doors);
  await vi.waitFor(async () => expect(await states(stage)).toEqual(doors.map(() => 'created')), slowMs);
  await stage.rest();
  const before = timesOf(simulator);
  service.kill('SIGKILL');
  await service.exited;
  // No delivery tells of it, and nobody handles what is found before the last pass has ended.
  await stage.outliveAll();

  const found = `${ofDoor(doors[0]!)} and new.event_type = 'access_code.deleted'`;
  const readOn = 'new.events_read_to is distinct from old.events_read_to';
  const steps = bothWays([
    { table: 'inbox', when: 'insert', of: () => found },
    { table: 'installation', when: 'update', of: () => readOn },
    { table: 'access_codes', when: 'update', of: (door) => `${ofDoor(door)} and new.gone_signal_at is not null` },
  ]);
  for (const step of steps) {
    // A row that was marked is marked no more.
    const letGo = await holdBack(stage, [step], [doors[step.lands ? 2 : 1]!]);
    await using pass = startPass(stage, patient(stage));
    await vi.waitFor(async () => expect(await waiting(stage)).toEqual([1]), { timeout: slowMs, interval: 20 });
    pass.kill('SIGKILL');
    await pass.exited;
    await letGo();
    stage.heard(pass.logs());
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

function startPass({ env }: Stage, changes: Env = {}): Running {
  return startScript(cliFile, { args: ['reconcile'], env: { ...env, ...changes } });
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

/** So that all steps are reached at one moment: else a statement that has waited for 2.5 s is given up. */
function patient({ env }: Stage): Env {
  const url = new URL(env.DATABASE_URL!);
  url.searchParams.set('statement_timeout', `${slowMs}`);
  url.searchParams.set('query_timeout', `${slowMs}`);
  return { DATABASE_URL: url.href };
}

/** The numbers of the steps at which a transaction waits. */
async function waiting({ db }: Stage): Promise<number[]> {
  const { rows } = await db.query<{ step: number }>(
    `select distinct objid::int as step from pg_locks where ${waitsHere} order by 1`,
  );
  return rows.map(({ step }) => step);
}

const lockClass = 4711;
// The tests beside this one hold steps of the same numbers, in databases of their own.
const waitsHere = `locktype = 'advisory' and classid = ${lockClass} and not granted
  and database = (select oid from pg_database where datname = current_database())`;
const nameOf = (number: number): string => `hold_back_${number}`;

/**
 * Holds each step back at its door, numbered from 1, until the returned function lets go of them, after their process has died:
 * it throws unless those that land are committed, and no others.
 */
async function holdBack(stage: Stage, steps: readonly Step[], doors: readonly string[]): Promise<() => Promise<void>> {
  const { db } = stage;
  await db.query('create table landed (step int)');
  const held = await Promise.all(steps.map((step, at) => holdStep(stage, step, doors[at]!, at + 1)));
  return async () => {
    for (const letGo of held) await letGo();
    // A session ends when its statement has come to its end and nobody is there to be told.
    await vi.waitFor(async () => {
      const { rows } = await db.query(
        `select pid from pg_stat_activity where datname = current_database() and application_name like 'relatch%'`,
      );
      expect(rows).toEqual([]);
    }, slowMs);
    const { rows } = await db.query<{ step: number }>('select distinct step from landed order by step');
    expect(rows.map(({ step }) => step)).toEqual(steps.flatMap(({ lands }, at) => (lands ? [at + 1] : [])));
    for (const at of steps.keys()) await db.query(`drop function ${nameOf(at + 1)} cascade`);
    await db.query('drop table landed');
  };
}

async function holdStep({ db, env }: Stage, step: Step, door: string, number: number): Promise<() => Promise<void>> {
  const holder = new pg.Client({ connectionString: env.DATABASE_URL });
  holder.on('error', () => undefined);
  await holder.connect();
  await holder.query('select pg_advisory_lock($1, $2)', [lockClass, number]);
  const name = nameOf(number);
  // What it writes is there exactly if what it holds back is committed.
  await db.query(`create function ${name}() returns trigger language plpgsql as $$
    begin
      perform pg_advisory_xact_lock(${lockClass}, ${number});
      insert into landed values (${number});
      return new;
    end $$`);
  const [trigger, moment, timing] = step.lands
    ? ['constraint trigger', 'after', 'deferrable initially deferred']
    : ['trigger', 'before', ''];
  await db.query(
    `create ${trigger} ${name} ${moment} ${step.when} on ${step.table} ${timing}
      for each row when (${step.of(door)}) execute function ${name}()`,
  );
  return async () => {
    if (step.lands === undefined) {
      await holder.query(`select pg_terminate_backend(pid) from pg_locks where objid = $1 and ${waitsHere}`, [number]);
    }
    await holder.end();
  };
}
