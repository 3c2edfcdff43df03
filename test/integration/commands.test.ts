import { randomBytes } from 'node:crypto';
import { formatInTimeZone } from 'date-fns-tz';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { withTool } from '../../src/commands/tool.ts';
import { codeName, newMarker } from '../../src/core/access-code.ts';
import { onlyOneReplica } from '../../src/db/reconcile.ts';
import { relatchHere } from '../support/cli.ts';
import { dump } from '../support/database.ts';
import { deliverEvent, poison } from '../support/poison.ts';
import { build, runScript } from '../support/processes.ts';
import { aSchedule, backDoor, frontDoor, schedulesFile, startWorld, type World, weekdays } from '../support/relatch.ts';
import { anAccessCodeEvent } from '../support/sign.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { versions } from '../support/versions.ts';

const root = new URL('../..', import.meta.url).pathname;
const unknownId = '00000000-0000-4000-8000-000000000000';

let world: World;
beforeAll(async () => {
  await build();
  world = await startWorld({ now: '2027-03-08T12:00:00Z' });
});
afterAll(() => world[Symbol.asyncDispose]());

function relatch(...args: string[]): Promise<{ code: number | null; output: string }> {
  return relatchIn(world, args);
}

/** The command line as people run it, from the bundle. */
async function relatchIn(
  { config }: World,
  args: readonly string[],
  more: Record<string, string> = {},
): Promise<{ code: number | null; output: string }> {
  const env = {
    ...more,
    DATABASE_URL: config.database.url ?? '',
    PIN_ENCRYPTION_KEYS: keysOf(config),
    SEAM_API_KEY: config.seam.apiKey,
    SEAM_ENDPOINT: config.seam.endpoint ?? '',
    SEAM_WEBHOOK_SECRETS: config.seam.webhookSecrets.join(','),
  };
  const { code, output } = await runScript(`${root}dist/cli.js`, { args, env });
  return { code, output };
}

function keysOf({ pinKeys }: World['config']): string {
  return pinKeys.map((key) => key.toString('base64')).join(',');
}

it('says what is known when the database goes away in the middle of a command', async () => {
  const url = new URL(world.config.database.url!);
  await using way = await startTcpProxy({ host: url.hostname, port: Number(url.port) });
  url.host = `127.0.0.1:${way.port}`;
  url.search = '';
  vi.stubEnv('DATABASE_URL', url.href);
  vi.stubEnv('PIN_ENCRYPTION_KEYS', world.config.pinKeys.map((key) => key.toString('base64')).join());
  try {
    const counting = withTool(async ({ db }) => {
      await way.refuse();
      return db.prisma.schedule.count();
    });
    await expect(counting).rejects.toMatchObject({ name: 'UserError', code: 'database_unavailable' });
  } finally {
    vi.unstubAllEnvs();
  }
});

describe('dead-letters', () => {
  it('are listed, retried and dropped', async () => {
    expect(await relatch('dead-letters', 'list')).toEqual({ code: 0, output: 'No dead letters.\n' });
    await world.apply(schedulesFile([aSchedule()]));
    const { access_code_id, device_id } = world.onlyCode();
    const events = ['one', 'two'].map(() =>
      anAccessCodeEvent('access_code.set_on_device', { code: '1234', access_code_id, device_id }),
    );
    const keys = events.map(({ event_id }) => `'${event_id}'`).join(',');
    const cure = await poison(world, 'history', `new.event_key in (${keys}) and new.kind = 'code.ready'`);
    for (const event of events) await deliverEvent(world, event);
    await world.rest();

    const listed = await relatch('dead-letters', 'list');
    expect(listed.output).toContain(`event ${events[0]?.event_id} (access_code.set_on_device), Crew at Front door`);
    expect(listed.output).toContain('poisoned: PIN [cut]');
    const { output } = await relatch('dead-letters', 'list', '--json');
    const letters = output
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { id: string; attempts: number; died_at: string });
    const diedAt = formatInTimeZone(letters[0]!.died_at, 'America/New_York', 'EEE d MMM yyyy HH:mm');
    expect(listed.output).toContain(`tried once, the last time on ${diedAt} (America/New_York)\n`);
    expect(letters).toMatchObject([
      { state: 'open', attempts: 1 },
      { state: 'open', schedule_key: 'crew' },
    ]);

    await cure();
    const [first, second] = letters.map(({ id }) => id);
    expect(await relatch('dead-letters', 'drop', first ?? '', '--reason', 'seen it')).toEqual({
      code: 0,
      output: `dropped ${first}\n`,
    });
    expect(await relatch('dead-letters', 'retry', '--all')).toEqual({ code: 0, output: `retried ${second}\n` });
    await world.rest();
    await expect
      .poll(() => relatch('dead-letters', 'list'), { timeout: 20_000 })
      .toMatchObject({ output: 'No dead letters.\n' });
    const gone = await relatch('dead-letters', 'retry', unknownId);
    expect(gone).toMatchObject({ code: 2, output: expect.stringContaining('No open dead letter has the id') });
  });
});

describe('alerts', () => {
  it('are listed with door, holder, window and minutes left, and acknowledged', async () => {
    world.simulator.faults.next('POST /access_codes/create', { kind: 'status', status: 400 });
    const crew = aSchedule({
      key: 'night',
      name: 'Night',
      holder: 'Anna',
      windows: [{ rrule: 'FREQ=DAILY', from: '20:00', to: '23:00' }],
    });
    await world.apply(schedulesFile([crew]));
    const { output } = await relatch('alerts', 'list');
    expect(output).toContain('Refused: the code of Night at Front door');
    expect(output).toContain(
      'door Front door; held by Anna; schedule night; window Mon 8 Mar 20:00–23:00 (America/New_York), begins in ',
    );
    const json = await relatch('alerts', 'list', '--json');
    const [alert] = json.output
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { id: string });
    expect(alert).toMatchObject({ kind: 'code.refused', holder: 'Anna', minutes_to_start: expect.any(Number) });
    expect(output).toContain(`${alert?.id}  code.refused since Mon 8 Mar 2027 07:00 (America/New_York)\n`);
    expect(await relatch('alerts', 'acknowledge', alert?.id ?? '')).toEqual({
      code: 0,
      output: `acknowledged ${alert?.id}\n`,
    });
    expect(await relatch('alerts', 'list')).toEqual({ code: 0, output: 'No alerts.\n' });
    expect((await relatch('alerts', 'list', '--all')).output).toContain('acknowledged');
    expect(await relatch('alerts', 'acknowledge', unknownId)).toMatchObject({ code: 2 });
  });
});

describe('holders', () => {
  const ana = 'Ana Silva';

  it('are erased from every table, and who is left to be renamed is told', async () => {
    const devices = [
      { device_id: frontDoor, name: `Room of ${ana}` },
      { device_id: backDoor, name: 'Back door' },
    ];
    await using house = await startWorld({ now: '2027-03-08T12:00:00Z', devices });
    const { db } = house.relatch.deps;
    const mornings = aSchedule({ key: 'mornings', name: `Mornings of ${ana}`, holder: ana, pin: '48219753' });
    const others = aSchedule({
      key: 'ana-silva-helps',
      holder: 'Bo',
      devices: [backDoor],
      blackouts: [{ from: '2027-04-01T00:00', to: '2027-04-03T00:00', reason: `${ana} moves in` }],
      except: { holidays: ['Ana_Silva off'] },
    });
    const file = (fields: object = {}) =>
      schedulesFile([{ ...mornings, ...fields }, others], { holidays: { 'Ana_Silva off': ['2027-12-24'] } });
    await house.apply(file());
    // What a job's last attempt said is the database's own words, which may quote a row.
    await db.pool.query(`update pgboss.job set output = $1, source_output = $1`, [
      JSON.stringify({ name: 'Error', message: `Key (name)=(${ana}) already exists.` }),
    ]);

    const busy = await relatchIn(house, ['holders', 'erase', ana]);
    expect(busy).toEqual({
      code: 2,
      output:
        'Nothing was erased: mornings is active. Pause them first, wait until their codes are gone, and say it again: relatch schedules pause mornings\n',
    });
    await house.apply(file({ status: 'paused' }));
    await house.until('2027-03-08T12:01:00Z');
    const nobody = await relatchIn(house, ['holders', 'erase', 'Nobody Here']);
    expect(nobody).toEqual({
      code: 0,
      output: 'Nothing to erase: no schedule and no row has the name. Give it as relatch schedules list shows it.\n',
    });
    expect((await dump(db)).match(/Ana Silva/g)?.length).toBeGreaterThan(10);

    const done = await relatchIn(house, ['holders', 'erase', 'ana silva']);
    expect(done.code).toBe(0);
    expect(done.output.split('\n')).toEqual([
      expect.stringMatching(/^Erased: holder and PINs of 1 schedule \(mornings\), the name in [1-9]\d+ other rows\.$/),
      'Still named so, to be renamed by you: ana-silva-helps, holiday list Ana_Silva off.',
      `Seam calls devices so, and will tell it again: rename them there: ${frontDoor}.`,
      'Take the name out of the schedules file as well: the next seed would bring it back.',
      '',
    ]);
    const after = await dump(db);
    expect(after).not.toMatch(/Ana Silva/i);
    expect(after).not.toContain('48219753');
    expect(after).toContain('[erased] moves in');
  });
});

describe('reconcile', () => {
  const isoIn = (minutes: number): string => new Date(Date.now() + minutes * 60_000).toISOString();

  it('tells per door what a pass would do, writing nothing, and then has it done', async () => {
    // The command keeps real time, so this world has to; its codes are old enough for their absence to count.
    await using today = await startWorld({ now: isoIn(-10), delivers: false });
    const dayAfterTomorrow = isoIn(2 * 24 * 60).slice(0, 10);
    const windows = [{ rrule: 'FREQ=DAILY', from: '09:00', to: '17:00' }];
    const devices = [frontDoor, backDoor];
    await today.apply(weekdays({ devices, windows, timezone: 'UTC', starts_on: dayAfterTomorrow }));
    await today.sweep();
    const { db } = today.relatch.deps;
    await db.pool.query('delete from access_codes where device_id = $1', [backDoor]);
    const atFront = today.onlyCode(frontDoor).access_code_id;
    for (const id of [atFront, today.onlyCode(backDoor).access_code_id]) today.simulator.deleteByHand(id);
    await today.until(isoIn(0));

    const before = await versions(db);
    const dry = await relatchIn(today, ['reconcile', '--dry-run']);
    expect(dry.code).toBe(0);
    expect(dry.output.split('\n')).toEqual([
      expect.stringMatching(/^Crew at Back door: would plan a code for Crew at Back door, .* 09:00–17:00$/),
      expect.stringMatching(
        /^Crew at Front door: would ask Seam where the code of Crew at Front door, .* is, which it/,
      ),
      expect.stringMatching(/^[1-9]\d* of \d+ events would be stored .*; 2 devices compared, .*; 2 differences\.$/),
      '',
    ]);
    expect(await versions(db)).toEqual(before);

    // The service would act on an event while the devices are still being compared.
    await db.prisma.installation.update({ where: { id: 1 }, data: { createdAt: today.simulator.now() } });
    const done = await relatchIn(today, ['reconcile']);
    expect(done.code).toBe(0);
    expect(done.output.split('\n')).toEqual([
      expect.stringMatching(/^Crew at Back door: plan a code for Crew at Back door, /),
      expect.stringMatching(/^Crew at Front door: ask Seam where the code of Crew at Front door, /),
      expect.stringMatching(/^0 of \d+ events were stored .*; 2 devices compared, .*; 2 differences\.$/),
      '',
    ]);
    await today.until(isoIn(1));
    expect(await today.codes()).toMatchObject([
      { deviceId: backDoor, state: 'created', accessCodeId: today.onlyCode(backDoor).access_code_id },
      { deviceId: frontDoor, state: 'closed', reason: 'taken_away', accessCodeId: atFront },
      { deviceId: frontDoor, state: 'created', accessCodeId: today.onlyCode(frontDoor).access_code_id },
    ]);
    expect(await relatchIn(today, ['reconcile'])).toMatchObject({
      code: 0,
      output: expect.stringMatching(/^[^\n]*; 2 devices compared, 0 could not be; .*; 0 differences\.\n$/),
    });
    const seam = { ...today.config.seam, apiKey: 'seam_wrong' };
    // A key that only the command has is refused, and the service goes on with its own.
    const refused = await relatchIn({ ...today, config: { ...today.config, seam } }, ['reconcile']);
    expect(refused).toEqual({
      code: 2,
      output: expect.stringMatching(/^Seam refuses SEAM_API_KEY, so nothing was done\. /),
    });
    expect(await today.pass()).toMatchObject({ devices: { compared: 2, stoppedBecause: null } });
    today.simulator.faults.next('*', { kind: 'status', status: 401 });
    const stopped = await relatchHere(today, ['reconcile']);
    expect(stopped).toMatchObject({
      code: 2,
      output: expect.stringMatching(/ 0 devices compared, .*\nCut short: .*: relatch doctor$/),
    });
  });

  it('removes codes that no row explains on command, once they have been reported', async () => {
    await using today = await startWorld({ now: isoIn(-10), delivers: false });
    await today.apply(weekdays());
    await today.sweep();
    const marker = newMarker(today.relatch.deps.markerPrefix, () => 3);
    today.simulator.addForeignCode({
      device_id: frontDoor,
      name: codeName('Crew', marker, null),
      code: '900001',
      managed: true,
      starts_at: new Date(isoIn(20 * 24 * 60)),
      ends_at: new Date(isoIn(21 * 24 * 60)),
    });
    await today.until(isoIn(0));
    const run = async (...args: string[]) =>
      (await relatchIn(today, ['reconcile', '--remove-orphans', ...args])).output;
    expect(await run()).toMatch(/^Front door: report a code of ours .*; reconcile --remove-orphans has it removed/m);
    expect(await run('--dry-run')).toMatch(/^Front door: would have Seam remove a code of ours on Front door/);
    expect(today.simulator.codes().map(({ code }) => code)).toContain('900001');
    expect(await run()).toMatch(/^Front door: have Seam remove a code of ours on Front door/);
    await today.until(isoIn(1));
    expect(today.simulator.codes().map(({ code }) => code)).not.toContain('900001');
  });

  it('refuses to remove anything while Relatch only observes', async () => {
    const done = await relatchIn(world, ['reconcile', '--remove-orphans'], { MODE: 'observe' });
    expect(done).toEqual({ code: 2, output: expect.stringContaining('MODE=observe writes nothing to Seam') });
  });

  it('leaves everything to a replica that is at it', async () => {
    await using today = await startWorld({ now: isoIn(0), delivers: false });
    await today.sweep();
    const calls = today.simulator.requests.length;
    const other = await onlyOneReplica(today.relatch.deps.db, () => relatchIn(today, ['reconcile']));
    expect(other).toEqual({ code: 0, output: 'Another replica is reconciling: nothing was done.\n' });
    // But for the key, which is tried before anything is begun.
    expect(today.simulator.requests.slice(calls).map(({ path }) => path)).toEqual(['/workspaces/get']);
  });
});

describe('the command line', () => {
  it.each([
    [['nothing']],
    [[]],
    [['dead-letters']],
    [['dead-letters', 'retry']],
    [['dead-letters', 'retry', 'x']],
    [['dead-letters', 'drop', unknownId]],
    [['alerts', 'list', '--loud']],
    [['alerts', 'acknowledge']],
    [['holders', 'erase']],
  ])('explains %j with exit code 2', async (args) => {
    const { code, output } = await relatchHere(null, args);
    expect({ code, output }).toMatchObject({ code: 2, output: expect.stringContaining('\nUsage: relatch ') });
  });

  it('says how it is used, with exit code 0, and tells a shell what was wrong', async () => {
    expect(await relatch('alerts', 'list', '--help')).toMatchObject({
      code: 0,
      output: expect.stringMatching(/^Usage: relatch alerts list /),
    });
    expect(await relatch('alert', 'list')).toEqual({
      code: 2,
      output: "Unknown command 'alert'. Did you mean alerts?\nUsage: relatch COMMAND …\nMore: relatch --help\n",
    });
  });

  it('says so where there is no database to ask', async () => {
    const env = {
      DATABASE_URL: 'postgresql://relatch@127.0.0.1:1/relatch',
      PIN_ENCRYPTION_KEYS: randomBytes(32).toString('base64'),
    };
    const { code, output } = await runScript(`${root}dist/cli.js`, { args: ['alerts', 'list'], env });
    expect(code).toBe(2);
    expect(output).toContain('cannot be used');
  });
});
