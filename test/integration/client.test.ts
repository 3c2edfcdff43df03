import { expect, it } from 'vitest';
import { createDb } from '../../src/db/client.ts';
import { createTestDatabase } from '../support/database.ts';

it.each([
  'Asia/Tokyo',
  'America/New_York',
])('reads and writes instants as they are where the database is in %s', async (zone) => {
  await using database = await createTestDatabase();
  const admin = createDb({ url: database.url });
  await admin.pool.query(`alter database ${new URL(database.url).pathname.slice(1)} set timezone = '${zone}'`);
  await admin.close();
  const db = createDb({ url: database.url });
  const at = new Date('2027-03-08T14:00:00Z');
  try {
    await db.prisma.installation.create({ data: { id: 1, markerPrefix: 'XYZ', createdAt: at } });
    expect((await db.prisma.installation.findFirstOrThrow()).createdAt).toEqual(at);
    const [raw] = await db.prisma.$queryRaw<{ created_at: Date }[]>`select created_at from installation`;
    expect(raw?.created_at).toEqual(at);
    const { rows } = await db.pool.query<{ zone: string; created_at: Date }>(
      `select current_setting('TimeZone') as zone, created_at from installation`,
    );
    expect(rows).toEqual([{ zone: 'UTC', created_at: at }]);
  } finally {
    await db.close();
  }
});
