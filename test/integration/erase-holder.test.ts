import { expect, it } from 'vitest';
import { UserError } from '../../src/core/errors.ts';
import { eraseHolder } from '../../src/flows/erase-holder.ts';
import { dump } from '../support/database.ts';
import { aSchedule, backDoor, frontDoor, schedulesFile, startWorld, type World } from '../support/relatch.ts';

const now = '2027-03-08T12:00:00Z';

/** Rows of the dump that hold a PIN: in the clear, or encrypted under whichever key. */
async function ciphertexts(world: World): Promise<number> {
  const { rows } = await world.relatch.deps.db.pool.query<{ pins: number }>(
    `select (select count(*) from schedules where pin_ciphertext is not null)::int +
            (select count(*) from schedule_devices where pin_ciphertext is not null)::int +
            (select count(*) from access_codes where pin_ciphertext is not null)::int as pins`,
  );
  return rows[0]?.pins ?? -1;
}

const name = 'Ana "Lu" Silva-Núñez';

function anas(fields: Record<string, unknown> = {}) {
  return aSchedule({
    key: 'mornings',
    name: `Mornings of ${name}`,
    holder: name,
    devices: [frontDoor, backDoor],
    pin: '48219753',
    blackouts: [{ from: '2027-04-01T00:00', to: '2027-04-03T00:00', reason: `${name} is away` }],
    ...fields,
  });
}

it('leaves neither name nor PIN of a holder in the database, and every fact', async () => {
  await using world = await startWorld({ now });
  const { deps } = world.relatch;
  await world.apply(schedulesFile([anas()]));
  await world.until('2027-03-10T12:00:00Z');
  await expect(eraseHolder(deps, { holder: name })).rejects.toThrow(UserError);
  expect(await dump(world.relatch.deps.db)).toContain('Silva-Núñez');

  await world.apply(schedulesFile([anas({ status: 'paused' })]));
  await world.until('2027-03-10T13:00:00Z');
  expect(world.simulator.codes()).toEqual([]);
  const before = await world.history();
  const opened = world.opened();
  const erasure = await eraseHolder(deps, { holder: name.toUpperCase() });
  expect(erasure).toMatchObject({ schedules: ['mornings'], stillNaming: [] });
  expect(erasure.words).toBeGreaterThan(5);

  const after = await dump(world.relatch.deps.db);
  for (const part of ['Silva', 'Núñez', '48219753']) expect(after).not.toContain(part);
  expect(await ciphertexts(world)).toBe(0);
  const history = await world.history();
  expect(history.map(({ kind }) => kind)).toEqual([...before.map(({ kind }) => kind), 'holder.erased']);
  expect(history.map(({ message }) => message)).toContainEqual(
    expect.stringContaining('Mornings of [erased] at Front door'),
  );
  expect(opened).toHaveLength(2);

  // Revived for somebody else, it has another PIN.
  await world.apply(
    schedulesFile([anas({ name: 'Mornings', holder: 'Bo', pin: 'keep', status: 'active', blackouts: [] })]),
    {
      revive: true,
    },
  );
  expect(world.onlyCode().code).not.toBe('48219753');
  expect(await eraseHolder(deps, { holder: name })).toMatchObject({ schedules: [], words: 0 });
});

it('erases the holder of one schedule by its key, and tells which others still bear the name', async () => {
  await using world = await startWorld({ now });
  const paused = { status: 'paused', pin: 'keep', blackouts: [] };
  await world.apply(
    schedulesFile([
      anas({ ...paused, holder: 'Ana', name: 'Banana store' }),
      aSchedule({ key: 'ana-nights', name: 'Nights', devices: [backDoor] }),
    ]),
  );
  const { deps } = world.relatch;
  expect(await eraseHolder(deps, { key: 'mornings' })).toMatchObject({
    schedules: ['mornings'],
    stillNaming: ['ana-nights'],
  });
  const row = await deps.db.prisma.schedule.findUniqueOrThrow({ where: { key: 'mornings' } });
  expect(row).toMatchObject({ holder: null, name: 'Banana store' });
  await expect(eraseHolder(deps, { key: 'nobody' })).rejects.toThrow(
    'There is no schedule nobody: see relatch schedules list.',
  );
  await expect(eraseHolder(deps, { holder: 'An' })).rejects.toThrow('at least 3 characters');
});
