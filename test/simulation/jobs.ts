// The queue's real tables, worked off by the scheduler in the place of pg-boss: what was sent in a transaction that was rolled
// back is not there, and of one door only one job is active.
import type pg from 'pg';
import type { PgBoss } from 'pg-boss';
import { jobErrorOf } from '../../src/core/dead-letter.ts';
import { doorOf } from './doors.ts';

// As the queues are set up in src/db/queue.ts.
const retryLimit = 8;

export interface Job {
  readonly id: string;
  readonly queue: 'event' | 'plan';
  /** The inbox row's key, or "schedule@device". */
  readonly label: string;
  readonly data: { readonly key?: string; readonly scheduleId?: string; readonly deviceId?: string };
  readonly retryCount: number;
}

interface Row {
  id: string;
  name: 'event' | 'plan';
  data: Job['data'];
  retry_count: number;
  schedule_key: string | null;
}

/** When something is due by the database's own account: instants of virtual time. */
export interface Due {
  readonly jobs: Job[];
  /** The earliest `next_try_at` of a door without a live plan job. */
  readonly rowAt: number | null;
  /** The earliest inbox row that waits to become a job. */
  readonly inboxAt: number | null;
  /** Jobs that failed for good wait to be set aside, or a letter may have recovered. */
  readonly hasDead: boolean;
}

export class Jobs {
  readonly #pool: pg.Pool;
  readonly #boss: PgBoss;
  /** Jobs of dead processes, and of failed handlers: when they may run again. */
  readonly #returning = new Map<string, { at: number; queue: string }>();
  readonly #active = new Map<string, string>();
  #ended: Job[] = [];

  constructor(pool: pg.Pool, boss: PgBoss) {
    this.#pool = pool;
    this.#boss = boss;
  }

  /** Sets the clock of the database. */
  async setNow(now: number): Promise<void> {
    await this.#pool.query({ name: 'now', text: 'update simulation.clock set at = $1', values: [new Date(now)] });
  }

  /** Also sets the clock of the database, and ends jobs: one way there and back for all. */
  async due(now: number): Promise<Due> {
    const ended = this.#ended;
    this.#ended = [];
    // Of a door the last completed job is enough: there are thousands. Ids of event jobs are kept: the queue refuses them for ever.
    const doors = ended.flatMap(({ queue, data }) => (queue === 'plan' ? [`${data.scheduleId}:${data.deviceId}`] : []));
    const { rows } = await this.#pool.query<{
      jobs: Row[] | null;
      row_at: Date | null;
      inbox_at: Date | null;
      has_dead: boolean;
    }>({
      name: 'due',
      values: [new Date(now), ended.map(({ id }) => id), doors],
      text: `with tick as (update simulation.clock set at = $1 where at <> $1),
      ended as (update pgboss.job set state = 'completed', completed_on = $1
                 where name in ('event', 'plan') and id = any($2::uuid[])),
      older as (delete from pgboss.job where name = 'plan' and state = 'completed' and singleton_key = any($3))
      select
        (select jsonb_agg(jsonb_build_object('id', j.id, 'name', j.name, 'data', j.data, 'retry_count', j.retry_count, 'schedule_key', s.key))
           from pgboss.job j left join schedules s on s.id::text = j.data->>'scheduleId'
          where j.name in ('event', 'plan') and j.state in ('created', 'retry')) as jobs,
        (select min(c.next_try_at) from access_codes c
          where c.next_try_at is not null
            and not exists (select 1 from pgboss.job j where j.name in ('plan', 'plan.dead') and j.state in ('created', 'retry', 'active')
                             and j.singleton_key = c.schedule_id::text || ':' || c.device_id and j.id <> all($2::uuid[]))
            and not exists (select 1 from dead_letters l
                             where l.state = 'open' and l.schedule_id = c.schedule_id and l.device_id = c.device_id)) as row_at,
        (select min(i.due_at) from inbox i where i.state = 'received'
            and not exists (select 1 from pgboss.job j where j.name = 'event' and j.id = i.job_id and j.state in ('created', 'retry', 'active')
                             and j.id <> all($2::uuid[]))
            and not exists (select 1 from pgboss.job j where j.name = 'event.dead' and j.source_id = i.job_id)) as inbox_at,
        exists (select 1 from pgboss.job j where j.name in ('event.dead', 'plan.dead'))
          or exists (select 1 from dead_letters where state = 'retried') as has_dead`,
    });
    const [row] = rows;
    const jobs = (row?.jobs ?? []).map((job) => ({
      id: job.id,
      queue: job.name,
      label: job.data.key ?? String(doorOf(job.schedule_key ?? '?', job.data.deviceId ?? '?')),
      data: job.data,
      retryCount: job.retry_count,
    }));
    jobs.sort((a, b) => compare(a.queue, b.queue) || compare(a.label, b.label) || a.retryCount - b.retryCount);
    const busy = new Set(this.#active.values());
    return {
      jobs: jobs.filter(({ id, queue, label }) => !this.#returning.has(id) && !(queue === 'plan' && busy.has(label))),
      rowAt: row?.row_at?.getTime() ?? null,
      inboxAt: row?.inbox_at?.getTime() ?? null,
      hasDead: row?.has_dead === true,
    };
  }

  async take(job: Job): Promise<void> {
    this.#active.set(job.id, job.label);
    await this.#pool.query({
      name: 'take',
      text: `update pgboss.job set state = 'active', started_on = now() where name = $1 and id = $2`,
      values: [job.queue, job.id],
    });
  }

  /** Ends a job for good, as of the next look at what is due. */
  complete(job: Job): void {
    this.#active.delete(job.id);
    this.#ended.push(job);
  }

  /**
   * Its handler failed, or its process is dead and its heartbeat missed: lets it run again at an instant. The queue's last retry
   * is the queue's own doing: it lays the job among the dead ones.
   */
  async giveBack(job: Job, at: number, error: unknown): Promise<void> {
    if (job.retryCount < retryLimit) {
      this.#returning.set(job.id, { at, queue: job.queue });
      return;
    }
    this.#active.delete(job.id);
    await this.#boss.fail(job.queue, job.id, jobErrorOf(error));
  }

  get nextReturnAt(): number | null {
    const instants = [...this.#returning.values()].map(({ at }) => at);
    return instants.length === 0 ? null : Math.min(...instants);
  }

  /** Whether any did. */
  async returnDue(now: number): Promise<boolean> {
    let hasReturned = false;
    for (const [id, { at, queue }] of [...this.#returning]) {
      if (at > now) continue;
      hasReturned = true;
      this.#returning.delete(id);
      this.#active.delete(id);
      await this.#pool.query(
        `update pgboss.job set state = 'retry', retry_count = retry_count + 1 where name = $1 and id = $2`,
        [queue, id],
      );
    }
    return hasReturned;
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
