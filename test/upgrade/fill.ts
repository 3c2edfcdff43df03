// Fills a database with all that the version at hand may leave in one, and writes it down as SQL: see make.mjs, which runs this in
// a clone of an older version. So it may use nothing that version does not have.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { getConstructionPlans } from 'pg-boss';
import { expect, it } from 'vitest';
import { call } from '../support/api.ts';
import { relatchHere } from '../support/cli.ts';
import { deliverEvent, poison } from '../support/poison.ts';
import { aSchedule, backDoor, daily, frontDoor, schedulesFile, startWorld, type World } from '../support/relatch.ts';
import { anAccessCodeEvent } from '../support/sign.ts';

const doors = ['gate', 'cellar', 'attic', 'garage', 'shed', 'lobby'] as const;
const ids = Object.fromEntries(doors.map((name, at) => [name, `0f0e0d0c-0000-4000-8000-00000000000${at}`]));
const devices = [
  { device_id: frontDoor, name: 'Front door', native_scheduling: true },
  { device_id: backDoor, name: 'Back door' },
  ...doors.map((name) => ({ device_id: ids[name]!, name: `The ${name}` })),
];
const allDay = daily('00:00', '24:00');

const schedules = [
  aSchedule({
    key: 'crew',
    holder: 'Ana "Lu" Silva-Núñez',
    except: { holidays: ['us'], dates: ['2027-03-18'] },
    grace: { early_minutes: 10, late_minutes: 15 },
    blackouts: [{ from: '2027-03-12T12:00', to: '2027-03-12T13:00', reason: 'guests' }],
    extra: [{ date: '2027-03-13', from: '10:00', to: '12:00' }],
  }),
  aSchedule({ key: 'rotating', devices: [backDoor], pin: 'rotate', windows: daily('08:00', '20:00') }),
  aSchedule({
    key: 'nights',
    holder: 'Bo',
    devices: [frontDoor, backDoor],
    pin: '48219753',
    timezone: 'Australia/Lord_Howe',
    windows: daily('22:00', '06:00'),
  }),
  aSchedule({ key: 'ending', ends_on: '2027-03-08' }),
  aSchedule({ key: 'paused', status: 'paused' }),
  aSchedule({ key: 'removing', devices: [ids['gate']], windows: allDay }),
  aSchedule({ key: 'refused', devices: [ids['cellar']], windows: allDay }),
  aSchedule({ key: 'postponed', devices: [ids['shed']], windows: allDay }),
  aSchedule({ key: 'closed', devices: [ids['lobby']], windows: daily('08:00', '20:00') }),
];
// The last ones: their calls have no answer when the database is written down.
const unanswered = [
  aSchedule({ key: 'landed', devices: [ids['attic']], windows: allDay }),
  aSchedule({ key: 'calling', devices: [ids['garage']], windows: allDay }),
];

const create = 'POST /access_codes/create';
const always = { times: 1_000_000 };

it('fills a database and writes it down', { timeout: 300_000 }, async () => {
  await using world = await startWorld({ now: '2027-03-08T12:00:00Z', devices });
  const { simulator, relatch } = world;
  const { pool } = relatch.deps.db;
  const refusal = { kind: 'status', status: 400, type: 'invalid_input' } as const;
  simulator.faults.next(create, refusal, { ...always, device_id: ids['cellar']! });
  const later = { kind: 'status', status: 429, retryAfterSeconds: 7 * 86_400 } as const;
  simulator.faults.next(create, later, { ...always, device_id: ids['shed']! });
  await world.apply(schedulesFile(schedules, { holidays: { us: ['2027-03-17'] } }));
  await world.until('2027-03-08T15:00:00Z');

  // A day on which somebody does a little of everything.
  simulator.deleteByHand(world.onlyCode(ids['lobby']).access_code_id);
  simulator.device(ids['gate']!).goOffline();
  await world.rest();
  const key = { 'idempotency-key': 'of-the-version-before' };
  await call(world, 'POST /v1/schedules/crew/skip', { body: { date: '2027-03-10' }, headers: key });
  await call(world, 'POST /v1/schedules/rotating/extend', { body: { until: '21:00' } });
  await call(world, 'POST /v1/schedules/removing/pause');
  await call(world, 'GET /v1/schedules/crew/codes?reveal=true');
  await world.until('2027-03-08T16:00:00Z');
  const [alert] = (await call(world, 'GET /v1/alerts')).body.items;
  await relatchHere(world, ['alerts', 'acknowledge', alert.id]);
  const about = simulator.codes({ device_id: backDoor })[0]!;
  const bad = anAccessCodeEvent('access_code.set_on_device', { code: '1234', ...idsOf(about) });
  const cure = await poison(world, 'inbox', `new.key = '${bad.event_id}' and new.state in ('handled', 'ignored')`, 2);
  await deliverEvent(world, bad);
  await world.rest();
  await cure();
  await pool.query('drop trigger few_retries on pgboss.job; drop function few_retries, poison_inbox');
  await world.until('2027-03-09T16:00:00Z');

  simulator.faults.next(create, { kind: 'hang', afterCommit: true }, { device_id: ids['attic']! });
  simulator.faults.next(create, { kind: 'hang' }, { device_id: ids['garage']! });
  await world.apply(schedulesFile(unanswered));
  await world.stop();
  // What lasts for a moment only: a call under way, and an event that nobody has looked at.
  await pool.end().catch(() => undefined);
  await writeDown(world);
});

function idsOf({ access_code_id, device_id }: { access_code_id: string; device_id: string }) {
  return { access_code_id, device_id };
}

async function writeDown(world: World): Promise<void> {
  const { default: pg } = await import('pg');
  const client = new pg.Client({ connectionString: world.config.database.url });
  await client.connect();
  try {
    await client.query(`update access_codes set state = 'calling' where device_id = $1`, [ids['garage']]);
    const heard = anAccessCodeEvent('access_code.set_on_device', {
      code: '[cut]',
      ...idsOf(world.simulator.codes()[0]!),
    });
    await client.query(
      `insert into inbox (key, svix_id, event_type, access_code_id, device_id, occurred_at, payload, due_at)
       values ($1, $2, $3, $4, $5, $6, $7, '2027-03-09T16:00:00Z')`,
      [heard.event_id, 'msg_unseen', heard.event_type, heard.access_code_id, heard.device_id, heard.occurred_at, heard],
    );
    const { rows: states } = await client.query(
      `select array_agg(distinct state::text order by state::text) as all from access_codes`,
    );
    expect(states[0].all).toEqual([
      'calling',
      'closed',
      'created',
      'planned',
      'rejected',
      'removed',
      'removing',
      'unknown',
    ]);
    const file = process.env['UPGRADE_FIXTURE'];
    if (file === undefined) throw new Error('run it by test/upgrade/make.mjs');
    writeFileSync(`${file}.sql`, await sqlOf(client, file.replace(/.*\//, '')));
    const codes = world.simulator.codes().map(({ access_code_id, device_id, name, code, ...rest }) => {
      const { starts_at, ends_at } = rest as { starts_at?: string; ends_at?: string };
      return { access_code_id, device_id, name, code, starts_at, ends_at };
    });
    const pin_keys = world.config.pinKeys.map((one) => one.toString('base64'));
    const facts = { now: world.simulator.now().toISOString(), pin_keys, offline: [ids['gate']], devices, codes };
    writeFileSync(`${file}.json`, `${JSON.stringify(facts, null, 1)}\n`);
  } finally {
    await client.end();
  }
}

interface Asked {
  query(sql: string, values?: unknown[]): Promise<{ rows: Record<string, string>[] }>;
}

/** Tables as the migrations and pg-boss of this version make them, and every row. */
async function sqlOf(client: Asked, commit: string): Promise<string> {
  const here = (path: string): URL => new URL(`../../${path}`, import.meta.url);
  const read = (path: string): string => readFileSync(here(path), 'utf8').trim();
  const migrations = readdirSync(here('prisma/migrations/'), { withFileTypes: true }).filter((one) =>
    one.isDirectory(),
  );
  const [, history] = /const CREATE_TABLE = `([^`]+)`/.exec(read('src/db/migrate.ts')) ?? [];
  const { rows: tables } = await client.query(
    `select format('%I.%I', n.nspname, c.relname) as name, string_agg(quote_ident(a.attname), ', ' order by a.attnum) as columns,
            string_agg(format('coalesce(quote_literal(%I::text), ''null'')', a.attname), ' || '','' || ' order by a.attnum) as row
       from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid
      where n.nspname in ('public', 'pgboss') and c.relkind = 'r' and attnum > 0 and not attisdropped and attgenerated = ''
        -- Who ran it, on which machine.
        and c.relname <> 'instance'
      group by 1 order by 1`,
  );
  const data: string[] = [];
  for (const { name = '', columns, row } of tables) {
    // Of jobs that are done, a few are like all of them.
    const some =
      name === 'pgboss.job_common' ? `where state <> 'completed' or id < '20000000-0000-0000-0000-000000000000'` : '';
    const { rows } = await client.query(`select '(' || ${row} || ')' as row from ${name} ${some} order by 1`);
    // Some rows are made with their tables.
    data.push(`delete from ${name};`);
    const lines = rows.map((one) => one['row']);
    if (lines.length > 0) data.push(`insert into ${name} (${columns}) values\n${lines.join(',\n')};`);
  }
  return [
    `-- A database that version ${commit} has filled. Made by: node test/upgrade/make.mjs ${commit}`,
    `${history};`,
    ...migrations
      .map(({ name }) => name)
      .toSorted()
      .map((name) => read(`prisma/migrations/${name}/migration.sql`)),
    getConstructionPlans('pgboss').replaceAll(/^\s+/gm, ''),
    // So that references are there in whatever order.
    "set session_replication_role = 'replica';",
    ...data,
    "select setval(pg_get_serial_sequence('history', 'id'), (select max(id) from history));",
    'reset session_replication_role;',
    '',
  ].join('\n');
}
