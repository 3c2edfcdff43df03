import type pg from 'pg';

/** Inbox rows as an outage leaves them, acknowledged and not begun; a third is about codes of ours, spread over the doors: how many. */
export async function leaveBehind(db: pg.Pool, rows: number): Promise<number> {
  await db.query(
    `with doors as (select row_number() over () as door, device_id, access_code_id from access_codes where state = 'created'),
          events as (select gen_random_uuid()::text as id, device_id,
                            case when number % 3 = 0 then access_code_id else gen_random_uuid()::text end as code
                       from generate_series(1, $1::int) as number
                       join doors on door = 1 + number % (select count(*) from doors))
     insert into inbox (key, svix_id, event_type, access_code_id, device_id, occurred_at, payload)
       select id, 'behind ' || id, 'access_code.set_on_device', code, device_id, now(), json_build_object(
                'event_id', id, 'event_type', 'access_code.set_on_device', 'access_code_id', code, 'device_id', device_id)
         from events`,
    [rows],
  );
  return Math.floor(rows / 3);
}
