// Which doors are to be planned: those with a row that is due, and, page by page, those that nothing would wake.
import { type DoorRow, doorOf } from './access-codes.ts';
import type { Tx } from './client.ts';
import type { PlanKey } from './queue.ts';

/** Doors with a code that is due, earliest window first, without those whose plan job is still alive, or dead and waits for a person. */
export async function dueDoors(tx: Tx, now: Date, limit: number): Promise<PlanKey[]> {
  const rows = await tx.$queryRaw<DoorRow[]>`
    select c.schedule_id, c.device_id
      from access_codes c
     where c.next_try_at <= ${now}
       and not exists (select 1 from pgboss.job j
                        where j.name in ('plan', 'plan.dead') and j.state in ('created', 'retry', 'active')
                          and j.singleton_key = c.schedule_id::text || ':' || c.device_id)
       and not exists (select 1 from dead_letters l
                        where l.state = 'open' and l.schedule_id = c.schedule_id and l.device_id = c.device_id)
     group by c.schedule_id, c.device_id
     order by min(c.window_starts_at)
     limit ${limit}`;
  return rows.map(doorOf);
}

/** A page of doors by key: those that were found on it, and the last one that was looked at; null at the end. */
export interface DoorPage {
  readonly found: readonly PlanKey[];
  readonly last: PlanKey | null;
}

/** Doors of active schedules that nothing will wake: no open code, and no plan job alive. */
export async function sleepingDoors(tx: Tx, after: PlanKey | null, pageSize: number): Promise<DoorPage> {
  const { scheduleId, deviceId } = after ?? beforeAll;
  // Paged by what is looked at, so that a healthy fleet costs as little a page as a sick one.
  const rows = await tx.$queryRaw<(DoorRow & { sleeps: boolean })[]>`
    select p.schedule_id, p.device_id,
           not exists (select 1 from access_codes c
                        where c.schedule_id = p.schedule_id and c.device_id = p.device_id and c.next_try_at is not null)
           and not exists (select 1 from pgboss.job j
                        where j.name in ('plan', 'plan.dead') and j.state in ('created', 'retry', 'active')
                          and j.singleton_key = p.schedule_id::text || ':' || p.device_id)
           and not exists (select 1 from dead_letters l
                        where l.state = 'open' and l.schedule_id = p.schedule_id and l.device_id = p.device_id) as sleeps
      from (select d.schedule_id, d.device_id
              from schedule_devices d
              join schedules s on s.id = d.schedule_id and s.status = 'active'
             where (d.schedule_id, d.device_id) > (${scheduleId}::uuid, ${deviceId})
             order by d.schedule_id, d.device_id
             limit ${pageSize}) p
     order by p.schedule_id, p.device_id`;
  return { found: rows.filter(({ sleeps }) => sleeps).map(doorOf), last: lastOf(rows, pageSize) };
}

/** Every door of an active schedule. */
export async function doorsOfActiveSchedules(tx: Tx, after: PlanKey | null, pageSize: number): Promise<DoorPage> {
  const { scheduleId, deviceId } = after ?? beforeAll;
  const rows = await tx.$queryRaw<DoorRow[]>`
    select d.schedule_id, d.device_id
      from schedule_devices d
      join schedules s on s.id = d.schedule_id and s.status = 'active'
     where (d.schedule_id, d.device_id) > (${scheduleId}::uuid, ${deviceId})
     order by d.schedule_id, d.device_id
     limit ${pageSize}`;
  return { found: rows.map(doorOf), last: lastOf(rows, pageSize) };
}

function lastOf(rows: readonly DoorRow[], pageSize: number): PlanKey | null {
  const last = rows.length < pageSize ? undefined : rows.at(-1);
  return last === undefined ? null : doorOf(last);
}

/** Sorts before every door. */
const beforeAll: PlanKey = { scheduleId: '00000000-0000-0000-0000-000000000000', deviceId: '' };
