// relatch schedules, windows, codes and events, on a service and a clock of their own.
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { listHistory } from '../../src/db/views.ts';
import { jsonLines, type Ran, relatchHere } from '../support/cli.ts';
import { deliverEvent, poison } from '../support/poison.ts';
import { aSchedule, backDoor, daily, frontDoor, schedulesFile, startWorld, type World } from '../support/relatch.ts';
import { anAccessCodeEvent } from '../support/sign.ts';
import { versions } from '../support/versions.ts';

const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');

let world: World;
let folder: string;
const crew = aSchedule({ holder: 'Ana Silva', devices: [frontDoor, backDoor] });
const night = aSchedule({ key: 'night', name: 'Night', pin: '48213957', windows: daily('20:00', '23:00') });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'relatch-cli-'));
  world = await startWorld({ now: '2027-03-08T12:00:00Z' });
  await world.apply(schedulesFile([crew, night]));
  await world.until('2027-03-08T15:00:00Z');
});
afterAll(async () => {
  await world[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

async function relatch(...words: string[]): Promise<Ran> {
  const ran = await relatchHere(world, words);
  await world.rest();
  return ran;
}

it('lists schedules with their next windows, and finds them by door, state, holder and text', async () => {
  const { output } = await relatch('schedules', 'list');
  expect(output).toMatchInlineSnapshot(`
    "KEY    HOLDER     STATUS  NEXT WINDOW                 ZONE              DOORS
    crew   Ana Silva  active  Mon 8 Mar 2027 09:00–17:00  America/New_York  Back door, Front door
    night             active  Mon 8 Mar 2027 20:00–23:00  America/New_York  Front door"
  `);
  for (const filter of [
    ['--device', 'back door'],
    ['--device', backDoor],
    ['--holder', 'Ana Silva'],
    ['--text', 'silva'],
  ]) {
    const found = jsonLines(await relatch('schedules', 'list', '--json', ...filter));
    expect(found.map(({ key }) => key)).toEqual(['crew']);
  }
  expect(await relatch('schedules', 'list', '--status', 'paused')).toEqual({ code: 0, output: 'No schedules.' });
  expect(await relatch('schedules', 'list', '--device', 'Side door')).toMatchObject({
    code: 2,
    output: expect.stringContaining('give its id or its name'),
  });
});

it('shows one schedule with its windows and its codes, and no PIN', async () => {
  const { output } = await relatch('schedules', 'show', 'crew');
  expect(output).toMatchInlineSnapshot(`
    "crew: Crew, active, version 1
      holder     Ana Silva
      runs       from 2027-03-01 on
      rule 1     FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR 09:00–17:00
      PIN        keep
    Doors
      2f0c1d1e-93b7-4c63-9f0e-5a1f6a3c7b02  Back door
      6aae9d08-fed6-4ca5-8328-e36849ab48fe  Front door
    Next windows (America/New_York)
      Mon 8 Mar 2027 09:00–17:00  rule 1
      Tue 9 Mar 2027 09:00–17:00  rule 1
      Wed 10 Mar 2027 09:00–17:00  rule 1
      Thu 11 Mar 2027 09:00–17:00  rule 1
      Fri 12 Mar 2027 09:00–17:00  rule 1
    Codes
      DOOR        WINDOW                      ZONE              STATE
      Back door   Mon 8 Mar 2027 09:00–17:00  America/New_York  on the lock
      Front door  Mon 8 Mar 2027 09:00–17:00  America/New_York  on the lock"
  `);
  const [json] = jsonLines(await relatch('schedules', 'show', 'crew', '--json'));
  expect(json).toMatchObject({
    key: 'crew',
    pin: 'keep',
    version: 1,
    codes: [{ state: 'created' }, { state: 'created' }],
  });
  const pins = world.simulator.codes().map(({ code }) => code ?? 'none');
  const shown = `${output}${JSON.stringify(json)}${(await relatch('codes', '--all', '--json')).output}`;
  for (const pin of pins) expect(shown).not.toContain(pin);
  expect(await relatch('schedules', 'show', 'nobody')).toMatchObject({
    code: 2,
    output: 'There is no schedule nobody: see relatch schedules list.',
  });
});

it('tells when a schedule opens, between days of its own zone, and why', async () => {
  const { output } = await relatch('windows', 'crew', '--from', '2027-03-12', '--to', '2027-03-15');
  expect(output).toMatchInlineSnapshot(`
    "WINDOW (America/New_York)    WHY
    Fri 12 Mar 2027 09:00–17:00  rule 1
    Mon 15 Mar 2027 09:00–17:00  rule 1"
  `);
  const [first, ...more] = jsonLines(await relatch('windows', 'night', '--count', '1', '--json'));
  expect(first).toEqual({
    schedule_key: 'night',
    timezone: 'America/New_York',
    device_ids: [frontDoor],
    starts_at: '2027-03-09T01:00:00.000Z',
    ends_at: '2027-03-09T04:00:00.000Z',
    why: 'rule 1',
  });
  expect(more).toEqual([]);
  expect(await relatch('windows', 'crew', '--from', 'monday')).toMatchObject({ code: 2 });
  expect(await relatch('windows', 'crew', '--from', '2027-03-15', '--to', '2027-03-12')).toEqual({
    code: 2,
    output: 'The end is not after the start: correct --to, or give --from as well.',
  });
});

it('lists codes that are there and come, and the gone ones too if wanted', async () => {
  const { output } = await relatch('codes', '--device', 'Front door');
  expect(output).toMatchInlineSnapshot(`
    "SCHEDULE  DOOR        WINDOW                      ZONE              STATE
    crew      Front door  Mon 8 Mar 2027 09:00–17:00  America/New_York  on the lock
    night     Front door  Mon 8 Mar 2027 20:00–23:00  America/New_York  on the lock"
  `);
  const codes = jsonLines(await relatch('codes', '--schedule', 'crew', '--json'));
  expect(codes).toMatchObject([
    { schedule_key: 'crew', holder: 'Ana Silva', device_name: 'Back door', state: 'created' },
    { device_name: 'Front door', window_starts_at: '2027-03-08T14:00:00.000Z' },
  ]);
  expect(jsonLines(await relatch('codes', '--schedule', 'crew', '--all', '--json')).length).toBeGreaterThanOrEqual(2);
});

it('shows PINs where they are asked for, and the history keeps to whom', async () => {
  const pin = world.simulator.codes().find(({ device_id }) => device_id === backDoor)?.code ?? 'none';
  const { output } = await relatch('codes', '--device', 'Back door', '--reveal', '--by', 'alice');
  expect(output).toMatch(new RegExp(`^SCHEDULE +PIN +DOOR .*\\ncrew +${pin} +Back door`));
  const [code] = jsonLines(await relatch('codes', '--device', 'Back door', '--reveal', '--json'));
  expect(code).toMatchObject({ pin });
  const told = await listHistory(world.relatch.deps.db.prisma, { deviceId: backDoor, limit: 2 });
  expect(told).toMatchObject([
    { kind: 'pin.revealed', by: userInfo().username },
    { kind: 'pin.revealed', by: 'alice', scheduleKey: 'crew' },
  ]);
  expect(await relatch('codes', '--by', 'alice')).toMatchObject({ code: 2 });
});

it.each([
  ['schedules list', ['schedules', 'list']],
  ['windows', ['windows', 'crew']],
  ['codes', ['codes']],
  ['events list', ['events', 'list']],
])('gives %s the names in JSON that the README gives them', async (command, words) => {
  const [, row = ''] = readme.split(`\n| \`${command}\` | `);
  const [told = ''] = row.replaceAll(/\(.*?\)/g, '').split('\n');
  const [first] = jsonLines(await relatch(...words, '--json'));
  expect(Object.keys(first ?? {})).toEqual([...told.matchAll(/`(\w+)`/g)].map(([, name]) => name));
});

it('tells what a file would change per door before anything is written, and then applies it', async () => {
  const file = join(folder, 'schedules.yaml');
  const later = { ...crew, windows: [{ rrule: 'FREQ=WEEKLY;BYDAY=MO,SA', from: '09:00', to: '18:00' }] };
  await writeFile(
    file,
    schedulesFile([
      later,
      aSchedule({ key: 'gym', name: 'Gym', devices: [backDoor], windows: daily('00:00', '24:00') }),
    ]),
  );
  const held = async (): Promise<object> => {
    // What locks take is remembered, whoever asked them.
    const { 'public.devices': _, ...others } = await versions(world.relatch.deps.db);
    return others;
  };
  const before = await held();
  const dry = await relatch('schedules', 'apply', file, '--dry-run', '--prune');
  expect(await held()).toEqual(before);
  expect(dry.output.replaceAll(file, 'FILE')).toMatchInlineSnapshot(`
    "Dry run, nothing is written. Windows are those of the next two weeks.
    + gym would be created
    ~ crew would be changed: windows
    ~ night would be changed: status active → paused
    Back door
      crew (America/New_York)
        ~ window Mon 8 Mar 2027 09:00–17:00 becomes Mon 8 Mar 2027 09:00–18:00
        - window Tue 9 Mar 2027 09:00–17:00
        - window Wed 10 Mar 2027 09:00–17:00
        - window Thu 11 Mar 2027 09:00–17:00
        - window Fri 12 Mar 2027 09:00–17:00
        + window Sat 13 Mar 2027 09:00–18:00
        ~ window Mon 15 Mar 2027 09:00–17:00 becomes Mon 15 Mar 2027 09:00–18:00
        - window Tue 16 Mar 2027 09:00–17:00
        - window Wed 17 Mar 2027 09:00–17:00
        - window Thu 18 Mar 2027 09:00–17:00
        - window Fri 19 Mar 2027 09:00–17:00
        + window Sat 20 Mar 2027 09:00–18:00
        ~ window Mon 22 Mar 2027 09:00–17:00 becomes Mon 22 Mar 2027 09:00–18:00
        ~ code: move the plan of Crew at Back door, Mon 8 Mar 09:00–17:00 to Crew at Back door, Mon 8 Mar 09:00–18:00
        + code: plan a code for Crew at Back door, Sat 13 Mar 09:00–18:00
      gym (America/New_York)
        + window Mon 1 Mar 2027 00:00–Thu 1 Apr 00:00
        + code: plan a code for Gym at Back door, Mon 1 Mar 00:00–Thu 1 Apr 00:00
    Front door
      crew (America/New_York)
        ~ window Mon 8 Mar 2027 09:00–17:00 becomes Mon 8 Mar 2027 09:00–18:00
        - window Tue 9 Mar 2027 09:00–17:00
        - window Wed 10 Mar 2027 09:00–17:00
        - window Thu 11 Mar 2027 09:00–17:00
        - window Fri 12 Mar 2027 09:00–17:00
        + window Sat 13 Mar 2027 09:00–18:00
        ~ window Mon 15 Mar 2027 09:00–17:00 becomes Mon 15 Mar 2027 09:00–18:00
        - window Tue 16 Mar 2027 09:00–17:00
        - window Wed 17 Mar 2027 09:00–17:00
        - window Thu 18 Mar 2027 09:00–17:00
        - window Fri 19 Mar 2027 09:00–17:00
        + window Sat 20 Mar 2027 09:00–18:00
        ~ window Mon 22 Mar 2027 09:00–17:00 becomes Mon 22 Mar 2027 09:00–18:00
        ~ code: move the plan of Crew at Front door, Mon 8 Mar 09:00–17:00 to Crew at Front door, Mon 8 Mar 09:00–18:00
        + code: plan a code for Crew at Front door, Sat 13 Mar 09:00–18:00
      night (America/New_York)
        - window Mon 8 Mar 2027 20:00–23:00
        - window Tue 9 Mar 2027 20:00–23:00
        - window Wed 10 Mar 2027 20:00–23:00
        - window Thu 11 Mar 2027 20:00–23:00
        - window Fri 12 Mar 2027 20:00–23:00
        - window Sat 13 Mar 2027 20:00–23:00
        - window Sun 14 Mar 2027 20:00–23:00
        - window Mon 15 Mar 2027 20:00–23:00
        - window Tue 16 Mar 2027 20:00–23:00
        - window Wed 17 Mar 2027 20:00–23:00
        - window Thu 18 Mar 2027 20:00–23:00
        - window Fri 19 Mar 2027 20:00–23:00
        - window Sat 20 Mar 2027 20:00–23:00
        - window Sun 21 Mar 2027 20:00–23:00
        - code: have Seam remove the code of Night at Front door, Mon 8 Mar 20:00–23:00
    FILE: 3 schedules, 1 would be created, 2 would be changed, 0 unchanged."
  `);
  const done = await relatch('schedules', 'apply', file, '--prune');
  expect(done.output.replaceAll(file, 'FILE')).toMatchInlineSnapshot(`
    "created    gym: window in progress Mon 1 Mar 2027 00:00–Thu 1 Apr 00:00 (America/New_York)
    changed    crew: window in progress Mon 8 Mar 2027 09:00–18:00 (America/New_York)
    changed    night: paused
    FILE: 3 schedules, 1 created, 2 changed, 0 unchanged."
  `);
  expect(await relatch('schedules', 'apply', file, '--prune', '--json')).toMatchObject({
    code: 0,
    output: expect.stringContaining('"changed":[],"unchanged":["crew","gym"]'),
  });
  await relatch('schedules', 'resume', 'night');
});

it('does what people do in the middle of things, says what follows, and does nothing in a dry run', async () => {
  const dry = await relatch('schedules', 'revoke', 'crew', 'night', '--dry-run');
  expect(dry.output).toContain('Dry run, nothing is written: crew would be revoked.');
  expect((await world.codes()).filter(({ state }) => state === 'created')).not.toEqual([]);

  const said: string[] = [];
  for (const words of [
    ['extend', 'crew', '--until', '19:00'],
    ['skip', 'crew', '--date', '2027-03-09', '--reason', 'ill'],
    ['unskip', 'crew'],
    ['extra', 'night', '--date', '2027-03-10', '--from', '06:00', '--to', '07:00'],
    ['pause', 'crew', 'night'],
    ['pause', 'crew'],
    ['rotate', 'crew'],
    ['resume', 'crew', 'night'],
    ['end', 'night', '--on', '2027-03-31'],
  ])
    said.push((await relatch('schedules', ...words)).output);
  expect(said.join('\n\n')).toMatchInlineSnapshot(`
    "crew was extended: open 2027-03-08 09:00–19:00 (America/New_York).
    1 code is getting new times at Back door, 1 code is getting new times at Front door; watch it with: relatch codes --schedule crew

    No window begins on 2027-03-09 that is not over.

    Nothing is skipped that is not over.

    night was given the extra window 2027-03-10 06:00–07:00 (America/New_York).
    No code changes by that now.

    crew was paused.
    1 code is being taken off Back door, 1 code is being taken off Front door; watch it with: relatch codes --schedule crew
    night was paused.
    No code changes by that now.

    crew: nothing changed, it was so already.

    The schedule is paused and opens no door. Open its doors again first: relatch schedules resume crew

    crew was resumed.
    1 code is being prepared for Back door, 1 code is being prepared for Front door; watch it with: relatch codes --schedule crew
    night was resumed.
    No code changes by that now.

    night was ended on 2027-03-31.
    No code changes by that now."
  `);
  const shown = await relatch('schedules', 'show', 'night');
  expect(shown.output).toContain('to 2027-03-31');
  expect(shown.output).toContain('added      2027-03-10 06:00–07:00');
});

it('opens again what somebody closed, at the door that is named', async () => {
  await world.until('2027-03-08T15:30:00Z');
  expect(await relatch('schedules', 'reopen', 'crew')).toMatchObject({
    code: 2,
    output: expect.stringContaining('nothing to reopen'),
  });
  const code = world.simulator.codes({ device_id: frontDoor }).find(({ starts_at }) => starts_at! < '2027-03-08T16')!;
  world.simulator.deleteByHand(code.access_code_id);
  await world.until('2027-03-08T15:40:00Z');
  const { output } = await relatch('schedules', 'reopen', 'crew', '--device', 'Front door');
  expect(output).toContain('is being prepared for Front door');
});

it('takes a PIN from standard input where people choose it', async () => {
  await relatchHere(
    world,
    ['schedules', 'apply', '-'],
    schedulesFile([
      aSchedule({ key: 'given', pin: '13579024', devices: [backDoor], windows: daily('06:00', '07:00') }),
    ]),
  );
  await world.rest();
  const ran = await relatchHere(world, ['schedules', 'rotate', 'given', '--pin-stdin'], '24680913\n');
  expect(ran).toMatchObject({
    code: 0,
    output: expect.stringMatching(/^given was given a new PIN; .*\n1 code is being taken off Back door/),
  });
  expect(await relatch('schedules', 'rotate', 'given')).toEqual({
    code: 2,
    output:
      'The PIN of this schedule is chosen by people, so the new one is too: relatch schedules rotate given --pin-stdin',
  });
  await world.until('2027-03-08T16:00:00Z');
  expect(world.simulator.codes({ device_id: backDoor }).map(({ code }) => code)).toContain('24680913');
});

it('does what it can, and tells of the rest with exit code 2', async () => {
  const ran = await relatch('schedules', 'revoke', 'nobody', 'gym', '--json');
  expect(ran.code).toBe(2);
  const [line, refusal] = ran.output.split('\n');
  expect(JSON.parse(line ?? '')).toMatchObject({ key: 'gym', outcome: 'changed', dry_run: false, message: 'revoked' });
  expect(refusal).toBe('There is no schedule nobody: see relatch schedules list.');
});

it('lists events, and has one handled again', async () => {
  const type = 'access_code.set_on_device';
  const [event, ...more] = jsonLines(await relatch('events', 'list', '--type', type, '--limit', '1', '--json'));
  expect(event).toMatchObject({ event_type: type, state: 'handled', reason: expect.any(String) });
  expect(more).toEqual([]);
  const { output } = await relatch('events', 'list', '--state', 'handled', '--limit', '3');
  expect(output.split('\n')[0]).toMatch(/^RECEIVED \(UTC\) +TYPE +STATE +REASON +DEVICE +ID$/);

  const id = String(event?.id);
  expect((await relatch('events', 'replay', id)).output).toContain('handles it again');
  await expect
    .poll(async () =>
      jsonLines(await relatch('events', 'list', '--json', '--limit', '500')).find((one) => one.id === id),
    )
    .toMatchObject({ state: 'handled' });
  const entries = await world.relatch.deps.db.prisma.historyEntry.findMany({
    where: { eventKey: id },
    orderBy: { id: 'asc' },
  });
  expect(entries.map(({ kind }) => kind)).toEqual(['code.ready', 'event.replayed', 'code.ready']);
  expect(await relatch('events', 'replay', 'never-seen')).toMatchObject({ code: 2 });
});

it('retries the dead letter of an event that is to be handled again', async () => {
  const { access_code_id, device_id } = world.simulator.codes({ device_id: frontDoor })[0]!;
  const event = anAccessCodeEvent('access_code.set_on_device', { code: '1234', access_code_id, device_id });
  const id = event.event_id;
  const cure = await poison(world, 'history', `new.event_key = '${id}' and new.kind = 'code.ready'`);
  await deliverEvent(world, event);
  await world.rest();
  expect((await relatch('events', 'list', '--state', 'dead')).output).toContain(id);
  await cure();
  expect((await relatch('events', 'replay', id)).output).toContain('dead letter was retried');
  await expect
    .poll(async () => (await relatch('dead-letters', 'list')).output, { timeout: 20_000 })
    .toBe('No dead letters.');
  expect((await relatch('events', 'list', '--state', 'dead')).output).toBe('No events.');
});
