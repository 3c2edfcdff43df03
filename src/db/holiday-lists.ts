import type { Tx } from './client.ts';
import { dateColumn, localDateText } from './date-columns.ts';

/** All lists: their dates by name, sorted. */
export async function loadHolidayLists(tx: Tx): Promise<Map<string, readonly string[]>> {
  const rows = await tx.holidayList.findMany();
  return new Map(rows.map(({ name, dates }) => [name, dates.map(localDateText).sort()]));
}

/** Creates a list or replaces its dates. */
export async function saveHolidayList(tx: Tx, name: string, dates: readonly string[], now: Date): Promise<void> {
  const facts = { dates: dates.map(dateColumn), updatedAt: now };
  await tx.holidayList.upsert({ where: { name }, create: { name, ...facts }, update: facts });
}

/** Keys of the schedules that keep any of these holiday lists. */
export async function keysUsingHolidayLists(tx: Tx, names: readonly string[]): Promise<string[]> {
  if (names.length === 0) return [];
  const where = { holidayLists: { some: { holidayListName: { in: [...names] } } } };
  const rows = await tx.schedule.findMany({ where, select: { key: true } });
  return rows.map(({ key }) => key);
}

/** Lists in order of their names, behind one of them. */
export async function listHolidayLists(
  tx: Tx,
  { after, limit }: { after?: string | undefined; limit: number },
): Promise<{ name: string; dates: readonly string[] }[]> {
  const where = after === undefined ? {} : { name: { gt: after } };
  const rows = await tx.holidayList.findMany({ where, orderBy: { name: 'asc' }, take: limit });
  return rows.map(({ name, dates }) => ({ name, dates: dates.map(localDateText).sort() }));
}

/** The dates of one list, sorted; null where there is none of this name. */
export async function loadHolidayList(tx: Tx, name: string): Promise<readonly string[] | null> {
  const row = await tx.holidayList.findUnique({ where: { name } });
  return row === null ? null : row.dates.map(localDateText).sort();
}
