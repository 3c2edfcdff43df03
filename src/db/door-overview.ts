// Doors as people look over them: a page of them, and what is on them now and next. Reads only, bounded by the page.
import type { CodeState } from '../core/access-code.ts';
import type { Tx } from './client.ts';
import type { PlanKey } from './queue.ts';

/** A device with schedules, or with codes that are not gone yet. */
export interface OverviewDoor {
  readonly deviceId: string;
  /** Null where Seam has not told it yet. */
  readonly name: string | null;
  readonly awaySince: Date | null;
  /** How many alerts about it are open. */
  readonly alerts: number;
  /** How many schedules it is a door of. */
  readonly schedules: number;
}

/** Of which doors a list is: all, or those whose name, schedule or holder holds a text, in whatever case. */
export interface DoorsWanted {
  readonly text: string | null;
  /** Behind this device. */
  readonly after: string | null;
  readonly limit: number;
}

/** A page of doors by name, those without one last, and how many there are in all. */
export async function listDoors(
  tx: Tx,
  { text, after, limit }: DoorsWanted,
): Promise<{ doors: OverviewDoor[]; total: number }> {
  const pattern = text === null ? null : `%${text.replaceAll(/[\\%_]/g, '\\$&')}%`;
  const rows = await tx.$queryRaw<
    { id: string; name: string | null; away_since: Date | null; alerts: number; schedules: number; total: number }[]
  >`
    with used as (
      select device_id as id from schedule_devices
       union
      select device_id from access_codes where next_try_at is not null),
    found as (
      select u.id, d.name, d.away_since, d.name is null as nameless, coalesce(lower(d.name), '') as sort
        from used u left join devices d on d.id = u.id
       where ${pattern}::text is null or u.id = ${text} or d.name ilike ${pattern}
          or u.id in (select sd.device_id from schedule_devices sd join schedules s on s.id = sd.schedule_id
                       where s.key ilike ${pattern} or s.name ilike ${pattern} or s.holder ilike ${pattern})),
    page as (
      select * from found f
       where ${after}::text is null
          or (f.nameless, f.sort, f.id) > (select p.nameless, p.sort, p.id from found p where p.id = ${after})
       order by nameless, sort, id
       limit ${limit})
    select id, name, away_since, (select count(*) from found)::int as total,
           (select count(*) from alerts a where a.device_id = page.id and a.state = 'open')::int as alerts,
           (select count(*) from schedule_devices sd where sd.device_id = page.id)::int as schedules
      from page order by nameless, sort, id`;
  const doors = rows.map(({ id, name, away_since: awaySince, alerts, schedules }) => {
    return { deviceId: id, name, awaySince, alerts, schedules };
  });
  return { doors, total: rows[0]?.total ?? 0 };
}

/** A code at a door, with whose it is. */
export interface OverviewCode {
  readonly id: string;
  readonly deviceId: string;
  readonly scheduleKey: string;
  readonly scheduleName: string;
  readonly holder: string | null;
  readonly timezone: string;
  readonly state: CodeState;
  readonly windowStartsAt: Date;
  readonly windowEndsAt: Date;
  readonly readyAt: Date | null;
  readonly reason: string | null;
}

/** The first codes at each of these doors that are not gone, by the start of their windows. */
export async function codesAtDoors(tx: Tx, deviceIds: readonly string[], perDoor: number): Promise<OverviewCode[]> {
  const rows = await tx.$queryRaw<
    {
      id: string;
      device_id: string;
      key: string;
      name: string;
      holder: string | null;
      timezone: string;
      state: CodeState;
      window_starts_at: Date;
      window_ends_at: Date;
      ready_at: Date | null;
      reason: string | null;
    }[]
  >`
    select c.*, s.key, s.name, s.holder, s.timezone
      from unnest(${[...deviceIds]}::text[]) as door(id)
     cross join lateral (
       select id, device_id, schedule_id, state::text, window_starts_at, window_ends_at, ready_at, reason
         from access_codes
        where device_id = door.id and state in ('planned', 'calling', 'unknown', 'created', 'removing', 'rejected')
        order by window_starts_at, id
        limit ${perDoor}) c
      join schedules s on s.id = c.schedule_id
     order by c.window_starts_at, c.id`;
  return rows.map((row) => ({
    id: row.id,
    deviceId: row.device_id,
    scheduleKey: row.key,
    scheduleName: row.name,
    holder: row.holder,
    timezone: row.timezone,
    state: row.state,
    windowStartsAt: row.window_starts_at,
    windowEndsAt: row.window_ends_at,
    readyAt: row.ready_at,
    reason: row.reason,
  }));
}

/** The first schedules at each of these doors, active ones first. */
export async function schedulesAtDoors(tx: Tx, deviceIds: readonly string[], perDoor: number): Promise<PlanKey[]> {
  const rows = await tx.$queryRaw<{ schedule_id: string; device_id: string }[]>`
    select s.id as schedule_id, door.id as device_id
      from unnest(${[...deviceIds]}::text[]) as door(id)
     cross join lateral (
       select s.id from schedule_devices sd join schedules s on s.id = sd.schedule_id
        where sd.device_id = door.id
        order by s.status, s.key
        limit ${perDoor}) s`;
  return rows.map((row) => ({ scheduleId: row.schedule_id, deviceId: row.device_id }));
}

/** How rows of these doors ended whose windows go on at an instant: reason by "schedule device". */
export async function endedInWindow(
  tx: Tx,
  doors: readonly PlanKey[],
  at: Date,
): Promise<ReadonlyMap<string, string | null>> {
  if (doors.length === 0) return new Map();
  const rows = await tx.accessCode.findMany({
    where: {
      OR: doors.map((door) => ({ ...door })),
      state: { in: ['removed', 'closed'] },
      windowStartsAt: { lte: at },
      windowEndsAt: { gt: at },
    },
    select: { scheduleId: true, deviceId: true, reason: true },
    orderBy: { createdAt: 'asc' },
  });
  return new Map(rows.map(({ scheduleId, deviceId, reason }) => [`${scheduleId} ${deviceId}`, reason]));
}
