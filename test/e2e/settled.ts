// What must be so after every fault, whatever it was: nothing that was acknowledged is lost, nothing is there twice, both sides
// agree, and nothing is left hanging.
import { expect, vi } from 'vitest';
import { bearsMarker } from '../../src/core/access-code.ts';
import { type Stage, slowMs } from './stage.ts';

/** What a scenario did, for its line of the table. */
export interface Scenario {
  readonly scenario: string;
  /** How many faults struck. */
  readonly faults: number;
  /** When the last of them did, as `performance.now()` tells. */
  readonly struckAtMs: number;
}

// What the pools of one instance may hold: 10 + 8 for its own statements; 6 for the queue, and the one that listens.
const connectionsOfInstance = { relatch: 18, 'relatch-queue': 7 } as const;
// A job whose worker gave no sign for so long belongs to nobody, and nobody has noticed.
const silentAfterSeconds = 30;

/** Waits until all of it holds, and prints what the scenario came to. */
export async function assertSettled(stage: Stage, { scenario, faults, struckAtMs }: Scenario): Promise<void> {
  const events = await vi.waitFor(
    async () => {
      const { events: taken, ...unsettled } = await look(stage);
      expect(unsettled).toEqual(settled);
      return taken;
    },
    { timeout: slowMs, interval: 50 },
  );
  const seconds = ((performance.now() - struckAtMs) / 1_000).toFixed(1);
  console.log(
    `| ${scenario} | ${events} events | ${faults} faults | ${settled.lost.length} lost | ${settled.doubled.length} doubled | recovered in ${seconds} s |`,
  );
}

/** Each by name, so that a failure says what is wrong. */
export interface Findings {
  /** Ids of acknowledged messages without a row, and ids of rows whose code Seam does not have. */
  readonly lost: readonly string[];
  /** Ids of codes that Seam ever made and no row knows, or has under a marker that is another's, or nobody's any more. */
  readonly doubled: readonly string[];
  /** Rows whose story is not at an end: of events, and of codes of which it is not known what Seam has. */
  readonly unfinished: number;
  readonly silentJobs: number;
  /** Dead letters without their alert, and alerts without their dead letter. */
  readonly lettersUnlikeAlerts: number;
  /** Sessions beyond what the instances' pools hold, or left within a transaction. */
  readonly strayConnections: number;
}

export const settled: Findings = {
  lost: [],
  doubled: [],
  unfinished: 0,
  silentJobs: 0,
  lettersUnlikeAlerts: 0,
  strayConnections: 0,
};

interface CodeOfRow {
  readonly state: string;
  readonly device_id: string;
  readonly marker: string;
  readonly access_code_id: string | null;
}

/** All that is not as it must be at this moment, and how many events were taken in. */
export async function look(stage: Stage): Promise<Findings & { events: number }> {
  const { db, simulator, acknowledged } = stage;
  const [counts] = (
    await db.query<{ events: number; unfinished: number; silent_jobs: number; letters: number; alerts: number }>(
      `select (select count(*)::int from inbox) as events,
              (select count(*)::int from inbox i
                where state = 'received' or state = 'dead' and not exists (
                  select 1 from dead_letters l where l.event_key = i.key and l.state = 'open')) as unfinished,
              (select count(*)::int from pgboss.job where state = 'active'
                  and coalesce(heartbeat_on, started_on) < now() - make_interval(secs => $1)) as silent_jobs,
              (select count(*)::int from dead_letters where state in ('open', 'retried'))
                + (select count(*)::int from pgboss.job where name in ('event.dead', 'plan.dead') and state < 'completed') as letters,
              (select count(*)::int from alerts where kind = 'job.set_aside' and state <> 'resolved') as alerts`,
      [silentAfterSeconds],
    )
  ).rows;
  const forgotten = await db.query<{ id: string }>(
    `select promised.id from unnest($1::text[], $2::text[]) as promised(id, event_id)
      where not exists (select 1 from inbox where key = promised.event_id)
        and promised.id not in (select svix_id from inbox where svix_id is not null)`,
    [[...acknowledged.keys()], [...acknowledged.values()]],
  );
  const { rows } = await db.query<CodeOfRow>('select state::text, device_id, marker, access_code_id from access_codes');
  const codes = simulator.codes();
  const made = simulator.events.flatMap((event) =>
    event.event_type === 'access_code.created' ? [event.access_code_id] : [],
  );
  const recorded = new Set(rows.map(({ access_code_id }) => access_code_id));
  const theirs = (row: CodeOfRow): string[] =>
    codes
      .filter(({ device_id, name }) => device_id === row.device_id && bearsMarker(name, row.marker))
      .map(({ access_code_id }) => access_code_id);
  return {
    events: counts!.events,
    lost: [
      ...forgotten.rows.map(({ id }) => id),
      ...rows.flatMap((row) =>
        row.state === 'created' && !theirs(row).some((id) => id === row.access_code_id) ? [row.access_code_id!] : [],
      ),
    ],
    doubled: [
      ...made.filter((id) => !recorded.has(id)),
      ...rows.flatMap((row) => theirs(row).filter((id) => row.state !== 'created' || id !== row.access_code_id)),
    ],
    unfinished:
      counts!.unfinished + rows.filter(({ state }) => ['calling', 'unknown', 'removing'].includes(state)).length,
    silentJobs: counts!.silent_jobs,
    lettersUnlikeAlerts: Math.abs(counts!.letters - counts!.alerts),
    strayConnections: await strayConnections(stage),
  };
}

async function strayConnections({ db, running }: Stage): Promise<number> {
  const { rows } = await db.query<{ application_name: string; sessions: number; in_transaction: number }>(
    `select application_name, count(*)::int as sessions,
            (count(*) filter (where state like 'idle in transaction%'))::int as in_transaction
       from pg_stat_activity where datname = current_database() group by 1`,
  );
  return Object.entries(connectionsOfInstance).reduce((strays, [name, most]) => {
    const its = rows.find(({ application_name }) => application_name === name);
    return strays + (its?.in_transaction ?? 0) + Math.max(0, (its?.sessions ?? 0) - most * running.size);
  }, 0);
}
