// Calendar feeds: made, renewed and revoked by people, and read by calendars that know nothing but the address. The secret in it is
// kept as its hash only, so that neither the database nor a backup gives anybody a calendar; who loses an address has it renewed.
import { createHash, randomBytes } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { UserError } from '../core/errors.ts';
import { type FeedEvent, feedEvents, nearestWindows } from '../core/feed.ts';
import { DAY_MS } from '../core/local-date.ts';
import { noSchedule } from '../core/ways-out.ts';
import type { Tx } from '../db/client.ts';
import { loadDevices } from '../db/devices.ts';
import { loadDoorBlackouts } from '../db/door-blackouts.ts';
import {
  deleteFeed,
  type FeedOf,
  findFeed,
  insertFeed,
  loadFedCodes,
  loadFedSchedules,
  renewFeed,
} from '../db/feeds.ts';
import { type HistoryKind, insertHistory } from '../db/history.ts';
import { loadSchedulesByKeys } from '../db/schedules.ts';
import type { FlowDeps } from './flow-deps.ts';

type FeedDeps = Pick<FlowDeps, 'db' | 'now'>;

/** A feed with its address, which is told this once. */
export interface NewFeed {
  readonly id: string;
  /** "/feeds/SECRET.ics". */
  readonly path: string;
  readonly madeAt: Date;
}

export type FeedWanted = { readonly scheduleKey: string } | { readonly holder: string };

/** Something that happens in the transaction of what it tells of. */
type Along = (tx: Tx, feed: NewFeed) => Promise<void>;

const nothing: Along = async () => undefined;

/** @throws UserError where there is no such schedule, or none of such a holder */
export async function createFeed(
  { db, now }: FeedDeps,
  wanted: FeedWanted,
  by: string,
  along: Along = nothing,
): Promise<NewFeed> {
  const { path, hash } = drawAddress();
  return db.prisma.$transaction(async (tx) => {
    const of = await feedOf(tx, wanted);
    const madeAt = now();
    const feed = { id: await insertFeed(tx, of, hash, madeAt), path, madeAt };
    await tell(tx, 'feed.created', of, madeAt, by);
    await along(tx, feed);
    return feed;
  });
}

/** Gives it another address: the old one is no more. Null where there is no such feed. */
export async function renewAddress(
  { db, now }: FeedDeps,
  id: string,
  by: string,
  along: Along = nothing,
): Promise<NewFeed | null> {
  const { path, hash } = drawAddress();
  return db.prisma.$transaction(async (tx) => {
    const madeAt = now();
    const of = await renewFeed(tx, id, hash, madeAt);
    if (of === null) return null;
    await tell(tx, 'feed.renewed', of, madeAt, by);
    await along(tx, { id, path, madeAt });
    return { id, path, madeAt };
  });
}

/** False where there is no such feed. */
export async function revokeFeed(
  { db, now }: FeedDeps,
  id: string,
  by: string,
  along: (tx: Tx) => Promise<void> = async () => undefined,
): Promise<boolean> {
  return db.prisma.$transaction(async (tx) => {
    const of = await deleteFeed(tx, id);
    if (of === null) return false;
    await tell(tx, 'feed.revoked', of, now(), by);
    await along(tx);
    return true;
  });
}

function drawAddress(): { path: string; hash: Uint8Array<ArrayBuffer> } {
  const secret = randomBytes(32).toString('base64url');
  return { path: `/feeds/${secret}.ics`, hash: hashOf(secret) };
}

function hashOf(secret: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(createHash('sha256').update(secret).digest());
}

async function feedOf(tx: Tx, wanted: FeedWanted): Promise<FeedOf> {
  if ('scheduleKey' in wanted) {
    const schedule = await tx.schedule.findUnique({ where: { key: wanted.scheduleKey }, select: { id: true } });
    if (schedule === null) throw new UserError('schedule_unknown', noSchedule(wanted.scheduleKey));
    return { scheduleId: schedule.id };
  }
  const holder = wanted.holder.trim();
  const [found] = await tx.$queryRaw<unknown[]>`select 1 from schedules where lower(holder) = lower(${holder}) limit 1`;
  if (found !== undefined) return { holder };
  const message = 'No schedule has this holder. Give the name as relatch schedules list shows it.';
  throw new UserError('holder_unknown', message);
}

const words = { 'feed.created': 'was made', 'feed.renewed': 'got another address', 'feed.revoked': 'was revoked' };

// Without the holder's name, which is to be nowhere once it is erased.
async function tell(tx: Tx, kind: HistoryKind & keyof typeof words, of: FeedOf, at: Date, by: string): Promise<void> {
  const whose = 'scheduleId' in of ? 'of the schedule' : "of a holder's schedules";
  const message = `A calendar feed ${whose} ${words[kind]}.`;
  await insertHistory(tx, { at, kind, message, detail: { by }, ...('scheduleId' in of && of) });
}

const daysBack = 31;
const daysAhead = 90;
const schedulesMax = 50;
// Thousands take so long to write that deliveries would have to wait for their acknowledgement.
const eventsMax = 2_000;

/** What a calendar is given. */
export interface ReadFeed {
  readonly id: string;
  /** For people, in the list of their calendars. */
  readonly name: string;
  readonly events: readonly FeedEvent[];
  /** The days that it tells of, whole ones in UTC: it is the same all day where nothing changes. */
  readonly from: Date;
  readonly to: Date;
  /** There are more schedules or windows than it tells of. */
  readonly isCut: boolean;
}

/** The windows of a feed from 31 days back to 90 days ahead; null where no feed has this secret. */
export async function readFeed({ db: { prisma }, now }: FeedDeps, secret: string): Promise<ReadFeed | null> {
  const feed = await findFeed(prisma, hashOf(secret));
  if (feed === null) return null;
  const at = now();
  const today = Math.floor(at.getTime() / DAY_MS) * DAY_MS;
  const span = { from: new Date(today - daysBack * DAY_MS), to: new Date(today + daysAhead * DAY_MS), now: at };
  const found = await loadFedSchedules(prisma, feed.id, schedulesMax + 1);
  const fed = found.slice(0, schedulesMax);
  const schedules = await loadSchedulesByKeys(
    prisma,
    fed.map(({ key }) => key),
  );
  const deviceIds = [...new Set(schedules.flatMap(({ devices }) => devices.map(({ deviceId }) => deviceId)))];
  const [devices, blackouts, codes] = await Promise.all([
    loadDevices(prisma, deviceIds),
    loadDoorBlackouts(prisma, deviceIds),
    loadFedCodes(
      prisma,
      schedules.map(({ id }) => id),
      at,
    ),
  ]);
  const all: FeedEvent[] = [];
  for (const { key, createdAt, changedAt } of fed) {
    const schedule = schedules.find((one) => one.key === key);
    if (schedule === undefined) continue;
    const nameOf = (deviceId: string): string => devices.get(deviceId)?.name ?? deviceId;
    const blackoutsOf = (deviceId: string) => blackouts.get(deviceId) ?? [];
    const source = { schedule, createdAt, changedAt, nameOf, blackoutsOf, codes: codes.get(schedule.id) ?? [] };
    all.push(...feedEvents(source, span, eventsMax + 1));
    // Others have their turn between two schedules.
    await setImmediate();
  }
  const events = nearestWindows(all, eventsMax, at);
  const isCut = found.length > fed.length || all.length > events.length;
  const name = feed.holder ?? schedules[0]?.name ?? '';
  return { id: feed.id, name, events, from: span.from, to: span.to, isCut };
}
