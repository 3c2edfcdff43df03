import { expect, it } from 'vitest';
import { backDoor, daily, frontDoor, startWorld, type World, weekdays } from '../support/relatch.ts';

/** Every PIN that Seam was sent or gave out. */
function pinsSeen(world: World): Set<string> {
  const sent = world.simulator.requests.map(({ params }) => params['code']);
  const opened = world.simulator.intervals().map(({ code }) => code);
  return new Set([...sent, ...opened].filter((pin): pin is string => typeof pin === 'string'));
}

/** All of every text and JSON column of every table. */
async function textOfDatabase(world: World): Promise<string> {
  const { pool } = world.relatch.deps.db;
  const { rows: columns } = await pool.query<{ schema: string; table: string; column: string }>(
    `select c.table_schema as schema, c.table_name as table, c.column_name as column
       from information_schema.columns c
       join information_schema.tables t using (table_schema, table_name)
      where t.table_type = 'BASE TABLE' and c.table_schema in ('public', 'pgboss') and c.data_type in ('text', 'json', 'jsonb', 'ARRAY')`,
  );
  const texts: string[] = [];
  for (const { schema, table, column } of columns) {
    const { rows } = await pool.query<{ value: string }>(
      `select "${column}"::text as value from "${schema}"."${table}"`,
    );
    texts.push(...rows.map(({ value }) => value));
  }
  return texts.join('\n');
}

it.each([['keep'], ['rotate'], ['739164']])('writes a PIN nowhere but encrypted (%s)', async (pin) => {
  await using world = await startWorld({ now: '2027-03-08T12:00:00Z' });
  await world.apply(weekdays({ pin, devices: [frontDoor, backDoor] }));
  await world.until('2027-03-08T15:00:00Z');
  world.simulator.faults.next('POST /access_codes/create', { kind: 'answer_lost_after_commit' });
  world.simulator.modifyAtLock(world.simulator.intervals(frontDoor)[0]?.access_code_id ?? '', '905172');
  await world.apply(weekdays({ pin, devices: [frontDoor, backDoor], windows: daily('09:00', '18:00') }));
  await world.until('2027-03-10T12:00:00Z');
  await world.apply(weekdays({ status: 'paused' }));
  await world.until('2027-03-10T13:00:00Z');

  const pins = pinsSeen(world);
  expect(pins).toContain('905172');
  expect(pins.size).toBe(pin === 'rotate' ? 7 : 2);
  const database = await textOfDatabase(world);
  expect(database).toContain('access_code.set_on_device');
  const log = world.logLines.join('\n');
  expect(log).toContain('code.created');
  // As a number of its own: parts of ids and times are no PINs.
  const found = [...pins].filter((digits) => new RegExp(`(?<![\\w-.])${digits}(?![\\w-])`).test(`${database}\n${log}`));
  expect(found).toEqual([]);
});

it('stores a PIN encrypted, each time differently', async () => {
  await using world = await startWorld({ now: '2027-03-08T12:00:00Z' });
  await world.apply(weekdays({ pin: '739164', devices: [frontDoor, backDoor] }));
  const { prisma } = world.relatch.deps.db;
  const schedule = await prisma.schedule.findFirstOrThrow();
  const stored = Buffer.from(schedule.pinCiphertext ?? []);
  expect(stored.length).toBeGreaterThan(16);
  expect(stored.includes('739164')).toBe(false);
  const { pinCiphertext, pinKeyId } = schedule;
  if (pinCiphertext === null || pinKeyId === null) throw new Error('the schedule has no PIN');
  expect(world.relatch.deps.vault.decrypt({ pinCiphertext, pinKeyId }, schedule.id)).toBe('739164');
  const again = world.relatch.deps.vault.encrypt('739164', schedule.id);
  expect(Buffer.from(again.pinCiphertext).equals(stored)).toBe(false);
});

it('gives a door a PIN of its own where its lock cannot take the schedule’s, and keeps it', async () => {
  await using world = await startWorld({
    now: '2027-03-08T12:00:00Z',
    devices: [
      { device_id: frontDoor, name: 'Front door', supported_code_lengths: [6] },
      {
        device_id: backDoor,
        name: 'Back door',
        supported_code_lengths: [4],
        code_constraints: [{ constraint_type: 'no_zeros' }],
      },
    ],
  });
  await world.apply(weekdays({ devices: [frontDoor, backDoor] }));
  await world.until('2027-03-11T12:00:00Z');
  const pinsOf = (deviceId: string) => [...new Set(world.simulator.intervals(deviceId).map(({ code }) => code))];
  expect(pinsOf(frontDoor)).toEqual([expect.stringMatching(/^\d{6}$/)]);
  expect(pinsOf(backDoor)).toEqual([expect.stringMatching(/^[1-9]{4}$/)]);
  expect(world.opened(backDoor)).toHaveLength(3);
  expect(await world.alerts()).toEqual([]);
});

it.each(['keep', 'rotate'])('keeps the PIN that Seam draws where the lock takes none (%s)', async (pin) => {
  const codeConstraints = [{ constraint_type: 'cannot_specify_pin_code' as const }];
  await using world = await startWorld({
    now: '2027-03-08T12:00:00Z',
    devices: [{ device_id: frontDoor, name: 'Front door', code_constraints: codeConstraints }],
  });
  world.simulator.faults.next('POST /access_codes/create', { kind: 'reset_before_commit' });
  await world.apply(weekdays({ pin }));
  await world.until('2027-03-10T12:00:00Z');
  const sent = world.simulator.requests.filter(({ path }) => path === '/access_codes/create');
  expect(sent.map(({ params }) => params['code'])).toEqual(sent.map(() => undefined));
  expect(world.opened()).toEqual(['2027-03-08T14:00Z/2027-03-08T22:00Z', '2027-03-09T14:00Z/2027-03-09T22:00Z']);
});

it('refuses a given PIN that a lock cannot take, with an alert that does not repeat it', async () => {
  const devices = [{ device_id: frontDoor, name: 'Front door', supported_code_lengths: [4] }];
  await using world = await startWorld({ now: '2027-03-08T12:00:00Z', devices });
  await world.apply(weekdays({ pin: '739164' }));
  await world.until('2027-03-08T15:00:00Z');
  expect(world.calls('POST /access_codes/create')).toBe(0);
  const [alert] = await world.alerts();
  expect(alert).toContain('Refused');
  expect(alert).not.toContain('739164');
});

it.each([
  'code_482165',
  'pin482165',
  '482165-x',
  '"482165"',
  'codes 482165,482166',
])('keeps no digit of a PIN that Seam quotes when it refuses it, as in %s', async (quoted) => {
  await using world = await startWorld({ now: '2027-03-08T12:00:00Z' });
  const error = { type: 'invalid_input', message: `No: ${quoted}`, request_id: 'request' };
  const body = { ok: false, error: { ...error, validation_errors: { code: { _errors: [`Bad ${quoted}`] } } } };
  world.simulator.faults.next('POST /access_codes/create', { kind: 'status', status: 400, body });
  await world.apply(weekdays({ pin: '482165' }));
  const [row] = await world.codes();
  expect(row).toMatchObject({ state: 'rejected', reason: expect.stringMatching(/^invalid_input.*\[cut\]/) });
  expect([row?.reason, ...(await world.alerts())].join()).not.toMatch(/\d{4,}/);
  expect(`${await textOfDatabase(world)}\n${world.logLines.join('\n')}`).not.toContain(quoted);
});

it('cuts the name for a lock with short names, and keeps the marker whole', async () => {
  const codeConstraints = [{ constraint_type: 'name_length' as const, min_length: 2, max_length: 14 }];
  await using world = await startWorld({
    now: '2027-03-08T12:00:00Z',
    devices: [{ device_id: frontDoor, name: 'Front door', code_constraints: codeConstraints }],
  });
  world.simulator.faults.next('POST /access_codes/create', { kind: 'answer_lost_after_commit' });
  await world.apply(weekdays({ name: 'The cleaning crew of the north wing' }));
  await world.until('2027-03-08T12:05:00Z');
  expect(world.onlyCode().name).toMatch(/^The c [2-9A-Z]{8}$/);
  expect(await world.codes()).toMatchObject([{ state: 'created', adopted: true }]);
});
