// Calendar feeds, and what they are made of.
import type { FeedCode } from '../core/feed.ts';
import type { Tx } from './client.ts';
import type { Prisma } from './generated/client.ts';

/** Whose windows a feed tells. */
export type FeedOf = { readonly scheduleId: string } | { readonly holder: string };

export interface FeedView {
  readonly id: string;
  readonly scheduleKey: string | null;
  readonly holder: string | null;
  readonly madeAt: Date;
}

type Hash = Uint8Array<ArrayBuffer>;

export async function insertFeed(tx: Tx, of: FeedOf, secretHash: Hash, madeAt: Date): Promise<string> {
  const { id } = await tx.feed.create({ data: { ...of, secretHash, madeAt }, select: { id: true } });
  return id;
}

/** Gives a feed another address; null where there is no such feed. */
export async function renewFeed(tx: Tx, id: string, secretHash: Hash, madeAt: Date): Promise<FeedOf | null> {
  const [row] = await tx.feed.updateManyAndReturn({ where: { id }, data: { secretHash, madeAt }, select: whose });
  return row === undefined ? null : feedOf(row);
}

/** Null where there is no such feed. */
export async function deleteFeed(tx: Tx, id: string): Promise<FeedOf | null> {
  const row = await tx.feed.findUnique({ where: { id }, select: whose });
  if (row === null) return null;
  await tx.feed.deleteMany({ where: { id } });
  return feedOf(row);
}

/** Ends the feeds of these schedules, and of a holder by any of these names; answers how many. */
export async function deleteFeedsOf(
  tx: Tx,
  { scheduleIds, holders }: { scheduleIds: readonly string[]; holders: readonly string[] },
): Promise<number> {
  return tx.$executeRaw`
    delete from feeds where schedule_id = any(${scheduleIds}::uuid[])
        or lower(holder) in (select lower(name) from unnest(${holders}::text[]) as name)`;
}

/** By age. */
export async function listFeeds(
  tx: Tx,
  { after, limit }: { after?: { at: Date; id: string } | undefined; limit: number },
): Promise<FeedView[]> {
  const where: Prisma.FeedWhereInput =
    after === undefined ? {} : { OR: [{ madeAt: { gt: after.at } }, { madeAt: after.at, id: { gt: after.id } }] };
  const rows = await tx.feed.findMany({
    where,
    select: { id: true, holder: true, madeAt: true, schedule: { select: { key: true } } },
    orderBy: [{ madeAt: 'asc' }, { id: 'asc' }],
    take: limit,
  });
  return rows.map(({ id, holder, madeAt, schedule }) => ({ id, holder, madeAt, scheduleKey: schedule?.key ?? null }));
}

const whose = { scheduleId: true, holder: true } as const;

function feedOf({ scheduleId, holder }: { scheduleId: string | null; holder: string | null }): FeedOf {
  if (scheduleId !== null) return { scheduleId };
  if (holder !== null) return { holder };
  throw new Error('a feed is of a schedule or of a holder');
}

/** Null where no feed has this secret. */
export async function findFeed(tx: Tx, secretHash: Hash): Promise<{ id: string; holder: string | null } | null> {
  return tx.feed.findUnique({ where: { secretHash }, select: { id: true, holder: true } });
}

/** A schedule of a feed, and since when its windows are what they are. */
export interface FedSchedule {
  readonly key: string;
  readonly createdAt: Date;
  /** Of the schedule, of a holiday list that it keeps, or of the blackouts of a door. */
  readonly changedAt: Date;
}

/** The schedules that a feed tells of, in order of their keys. */
export async function loadFedSchedules(tx: Tx, feedId: string, limit: number): Promise<FedSchedule[]> {
  return tx.$queryRaw<FedSchedule[]>`
    select s.key, s.created_at as "createdAt", greatest(s.updated_at,
             (select max(l.updated_at) from schedule_holiday_lists k join holiday_lists l on l.name = k.holiday_list_name
               where k.schedule_id = s.id),
             (select max(b.updated_at) from schedule_devices d join door_blackouts b on b.device_id = d.device_id
               where d.schedule_id = s.id)) as "changedAt"
      from feeds f join schedules s on s.id = f.schedule_id or lower(s.holder) = lower(f.holder)
     where f.id = ${feedId}::uuid order by s.key limit ${limit}`;
}

/** Codes of windows that are not over, by schedule; those of one window in the order in which they were made. */
export async function loadFedCodes(
  tx: Tx,
  scheduleIds: readonly string[],
  now: Date,
): Promise<ReadonlyMap<string, readonly FeedCode[]>> {
  const rows = await tx.accessCode.findMany({
    where: { scheduleId: { in: [...scheduleIds] }, windowEndsAt: { gt: now } },
    select: {
      scheduleId: true,
      deviceId: true,
      windowStartsAt: true,
      windowEndsAt: true,
      state: true,
      readyAt: true,
    },
    orderBy: [{ generation: 'asc' }, { createdAt: 'asc' }, { id: 'asc' }],
  });
  const codes = rows.map(({ windowStartsAt: startsAt, windowEndsAt: endsAt, ...row }) => ({
    ...row,
    startsAt,
    endsAt,
  }));
  return Map.groupBy(codes, ({ scheduleId }) => scheduleId);
}
