// Whether the history of the service explains every code from plan to removal: each row by entries about its very window, and each
// code that Seam ever held for us by its id.
import type pg from 'pg';
import type { Simulator } from '../../src/simulator/simulator.ts';
import type { Door } from './doors.ts';
import type { FaultClock } from './fault-clock.ts';
import type { People } from './people.ts';
import type { PlanBook } from './plan-book.ts';
import { Violation } from './trace.ts';
import type { Watch } from './watch.ts';

export interface ExplainedWorld {
  readonly simulator: Simulator;
  readonly faults: FaultClock;
  readonly people: People;
  readonly watch: Watch;
  readonly book: PlanBook;
  readonly pool: pg.Pool;
  readonly boundMs: number;
}

const invariant = 'the history explains every code';

/** Throws a Violation for the first code that is not explained. */
export async function assertExplained(world: ExplainedWorld, until: number): Promise<void> {
  const { rows } = await world.pool.query<{ key: string; state: string; lacks: string; starts_at: Date }>(unexplained);
  const [row] = rows;
  if (row !== undefined) {
    const { key, state, lacks, starts_at: startsAt } = row;
    throw new Violation(invariant, `${key}: the code of ${startsAt.toISOString()}, which is ${state}, has no ${lacks}`);
  }
  const told = await idsTold(world.pool);
  for (const [id, { door, since, endsAt }] of world.watch.held) {
    // Who asked for it died, and it went with its lock before anybody could look for it.
    const wentWithLock = world.faults.hasBegunSince(`door.gone ${door.deviceId}`, since, since + world.boundMs);
    if (!told.asked.has(id) && wentWithLock && !isAtSeam(world, id)) continue;
    if (!told.asked.has(id))
      throw new Violation(invariant, `no entry asked for or adopted a code that Seam held: ${id}`, door);
    if (isAtSeam(world, id) || told.ended.has(id) || world.watch.isBackup(id)) continue;
    // It may have ended so lately that nobody had to know.
    if (Math.max(disturbedAt(world, door), endsAt <= until ? endsAt : 0) > until - world.boundMs) continue;
    throw new Violation(invariant, `no entry tells how a code ended that Seam held: ${id}`, door);
  }
}

function isAtSeam({ simulator }: ExplainedWorld, id: string): boolean {
  return simulator.codes().some(({ access_code_id }) => access_code_id === id);
}

function disturbedAt({ faults, people, book }: ExplainedWorld, { key, deviceId }: Door): number {
  return Math.max(faults.calmSinceAt(deviceId), people.lastActAt(deviceId), book.changedAt(key));
}

/** Which codes the history asked for, and of which it tells the end, each by its own id at Seam. */
async function idsTold(pool: pg.Pool): Promise<{ asked: Set<string>; ended: Set<string> }> {
  const { rows } = await pool.query<{ id: string; what: 'asked' | 'ended' }>(`
    select detail->>'access_code_id' as id, 'asked' as what from history where ${asks}
    union select detail->>'backup_access_code_id', 'asked' from history where kind = 'code.backup_pulled'
    union select detail->>'access_code_id', 'ended' from history where kind = 'code.removed' or ${isSurplus}
    union select c.access_code_id, 'ended' from access_codes c join history h on h.code_id = c.id
           where c.state in ('removed', 'closed') and h.kind in ('code.removed', 'window.closed', 'window.missed', 'window.reopened')`);
  const of = (wanted: string): Set<string> =>
    new Set(rows.flatMap(({ id, what }) => (what === wanted && id !== null ? [id] : [])));
  return { asked: of('asked'), ended: of('ended') };
}

/** Made beside another one, or too late: its only entry tells both that it came to be and that it goes. */
const isSurplus = `(kind = 'code.deleting' and message ~ '^(A code that came too late|A second code) was made')`;
const asks = `(kind in ('code.created', 'code.adopted', 'code.orphaned', 'code.drifted') or ${isSurplus})`;

const windowOfEntry = `(h.detail->>'window_starts_at')::timestamptz = c.window_starts_at
                   and (h.detail->>'window_ends_at')::timestamptz = c.window_ends_at`;

const unexplained = `
  with codes as (
    select c.*, s.key,
           exists (select 1 from history h
                    where h.schedule_id = c.schedule_id and h.device_id = c.device_id and ${windowOfEntry}
                      and ((h.kind in ('window.planned', 'window.missed') and h.code_id is null)
                        or (h.kind in ('window.moved', 'code.drifted') and h.code_id = c.id)
                        or (h.kind = 'code.adopted' and h.code_id = c.id and h.detail->>'by' is not null))) as is_planned,
           exists (select 1 from history h
                    where h.schedule_id = c.schedule_id and h.device_id = c.device_id and ${windowOfEntry}
                      and h.kind = 'window.missed' and h.code_id is null) as is_missed,
           exists (select 1 from history h
                    where h.schedule_id = c.schedule_id and h.device_id = c.device_id and h.kind = 'code.backup_pulled'
                      and h.detail->>'backup_access_code_id' = c.access_code_id) as is_backup,
           array(select h.kind from history h where h.code_id = c.id) as kinds,
           array(select h.kind from history h where h.code_id = c.id and h.detail->>'drift' is not null) as drifts,
           array(select h.kind from history h
                  where h.code_id = c.id and h.detail->>'access_code_id' = c.access_code_id
                    and (h.kind = 'code.removed' or ${asks.replaceAll('kind', 'h.kind').replaceAll('message', 'h.message')})) as own_kinds
      from access_codes c join schedules s on s.id = c.schedule_id)
  select key, state::text as state, lacks, window_starts_at as starts_at
    from codes, lateral (values
      -- A code that was found where none should be is for no window; a backup stands in for one that is planned. For which window
      -- somebody adopted a code is told with that.
      ('plan', not is_planned and not is_backup and not (generation < 0 and cardinality(drifts) > 0)),
      ('creation', access_code_id is not null and not is_backup
               and not own_kinds && array['code.created', 'code.adopted', 'code.drifted', 'code.deleting']
               and cardinality(drifts) = 0),
      ('removal', state = 'removed' and not own_kinds && array['code.removed']),
      ('end', state = 'closed' and not is_missed
          and not kinds && array['window.closed', 'window.missed', 'window.reopened', 'code.removed'])) as checks(lacks, is_lacking)
   where is_lacking order by key, window_starts_at limit 1`;
