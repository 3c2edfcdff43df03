// Every metric that Relatch exports, with its help. A registry of its own, so that two services in one process stay apart.
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Meter } from './telemetry.ts';

/** What is read at a scrape; a part that could not be read is null, and its gauges are left out. */
export interface Readings {
  readonly standing: {
    readonly queues: readonly { queue: string; waiting: number; active: number; oldestSeconds: number | null }[];
    readonly inbox: { readonly waiting: number; readonly oldestSeconds: number | null };
    readonly deadLetters: number;
    readonly alerts: readonly { kind: string; state: string; count: number }[];
    readonly schedules: readonly { status: string; count: number }[];
    readonly seamLine: string;
    readonly budgets: readonly { call: string; left: number }[];
  } | null;
  readonly windows: {
    readonly openUnready: number;
    readonly unready15m: number;
    readonly unready2h: number;
    readonly unready24h: number;
    readonly nextUnreadySeconds: number | null;
    readonly begun: readonly { span: string; ready: number; unready: number }[];
  } | null;
  readonly pools: readonly { pool: string; waiting: number; total: number; idle: number }[];
  readonly parts: readonly { name: string; running: boolean }[];
}

export interface Metrics {
  readonly meter: Meter;
  readonly contentType: string;
  /** The page, in the Prometheus text format. */
  page(readings: Readings): Promise<string>;
}

export function createMetrics({ version }: { version: string }): Metrics {
  const counted = new Registry();
  const meter = createMeter(counted);
  collectDefaultMetrics({ register: counted });
  gauge(counted, 'relatch_build_info', 'Always 1: which Relatch runs, on which Node.', ['version', 'node_version']).set(
    { version, node_version: process.version },
    1,
  );
  const upGauge = gauge(
    counted,
    'relatch_database_up',
    '1 when the database answered this scrape, else 0: what is read from it is left out then.',
  );
  const poolGauge = gauge(
    counted,
    'relatch_database_connections',
    'Connections to the database of this process, by pool, and by state; waiting: requests that wait for one.',
    ['pool', 'state'],
  );
  const partGauge = gauge(
    counted,
    'relatch_part_running',
    '1 while this part of the process does its work, else 0; /readyz tells the same.',
    ['part'],
  );
  const standing = new Registry();
  const showStanding = standingGauges(standing);
  const windows = new Registry();
  const showWindows = windowGauges(windows);
  return {
    meter,
    contentType: counted.contentType,
    async page(readings) {
      upGauge.set(readings.standing === null ? 0 : 1);
      for (const { pool, waiting, total, idle } of readings.pools) {
        poolGauge.set({ pool, state: 'waiting' }, waiting);
        poolGauge.set({ pool, state: 'idle' }, idle);
        poolGauge.set({ pool, state: 'busy' }, total - idle);
      }
      for (const { name, running } of readings.parts) partGauge.set({ part: name }, running ? 1 : 0);
      const pages = [await counted.metrics()];
      if (readings.standing !== null) {
        showStanding(readings.standing);
        pages.push(await standing.metrics());
      }
      if (readings.windows !== null) {
        showWindows(readings.windows);
        pages.push(await windows.metrics());
      }
      return pages.join('\n');
    },
  };
}

function createMeter(registry: Registry): Meter {
  const deliveries = counter(
    registry,
    'relatch_deliveries_total',
    'Deliveries of the Seam webhook by outcome: accepted, duplicate, ignored (nothing to do), refused (not signed as it should be, too large), failed (answered 5xx, and sent again by Seam).',
    ['outcome'],
    ['accepted', 'duplicate', 'ignored', 'refused', 'failed'].map((outcome) => ({ outcome })),
  );
  const acknowledgements = histogram(
    registry,
    'relatch_acknowledgement_seconds',
    'From the head of a delivery to its answer of 2xx, which follows the commit.',
    [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15],
  );
  const jobs = counter(
    registry,
    'relatch_jobs_total',
    'Attempts at jobs by queue and outcome; failed: tried again, set_aside: failed for good, a dead letter.',
    ['queue', 'outcome'],
    ['event', 'plan'].flatMap((queue) => ['failed', 'set_aside'].map((outcome) => ({ queue, outcome }))),
  );
  const jobSeconds = histogram(
    registry,
    'relatch_job_seconds',
    'How long an attempt at a job took, calls to Seam included.',
    [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120],
    ['queue'],
  );
  const calls = counter(
    registry,
    'relatch_seam_calls_total',
    'Calls to Seam by route and outcome; unknown: no answer, or one that does not tell whether it was done.',
    ['route', 'outcome'],
  );
  const callSeconds = histogram(
    registry,
    'relatch_seam_call_seconds',
    'How long a call to Seam took; it is given up after 8 seconds.',
    [0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 10],
    ['route'],
  );
  const heldBack = counter(
    registry,
    'relatch_seam_calls_held_back_total',
    'Calls that were put off before Seam was asked: line (it does not answer or refuses our key), slot (the device has had its calls of this minute).',
    ['reason'],
    [{ reason: 'line' }, { reason: 'slot' }],
  );
  const renewals = histogram(
    registry,
    'relatch_renewal_seconds',
    'From the receipt of a removal to the first call that asks Seam for its replacement; those that had to wait for a later job (Seam away, no call left at the device) are not among them.',
    [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300],
  );
  const passes = counter(
    registry,
    'relatch_reconcile_passes_total',
    'Passes of the reconciler by outcome: finished, cut_short (the next one goes on from there), failed, busy (another replica is at it).',
    ['outcome'],
    ['finished', 'cut_short', 'failed', 'busy'].map((outcome) => ({ outcome })),
  );
  const passSeconds = histogram(
    registry,
    'relatch_reconcile_seconds',
    'How long a pass of the reconciler took that was finished or cut short.',
    [0.05, 0.25, 1, 5, 15, 30, 60, 120, 300, 600],
  );
  const drifts = counter(
    registry,
    'relatch_reconcile_repairs_total',
    'Differences that the reconciler found and had put right, by kind: gone, times, found, listed_again, orphan (Seam against rows), overdue (work that no job was to do), event_missed, door_asleep.',
    ['kind'],
    ['gone', 'times', 'found', 'listed_again', 'orphan', 'overdue', 'event_missed', 'door_asleep'].map((kind) => ({
      kind,
    })),
  );
  let finishedMs = performance.now();
  gauge(
    registry,
    'relatch_reconcile_pass_age_seconds',
    'Since this process last finished a pass of the reconciler, or else since it started; the smallest of all replicas counts.',
    [],
    (age) => age.set((performance.now() - finishedMs) / 1_000),
  );
  return {
    delivered(outcome, seconds) {
      deliveries.inc({ outcome });
      const isAcknowledged = outcome !== 'refused' && outcome !== 'failed';
      if (isAcknowledged && seconds !== undefined) acknowledgements.observe(seconds);
    },
    jobDone(queue, outcome, seconds) {
      jobs.inc({ queue, outcome });
      jobSeconds.observe({ queue }, seconds);
    },
    seamCalled(route, outcome, seconds) {
      calls.inc({ route, outcome });
      callSeconds.observe({ route }, seconds);
    },
    seamHeldBack: (reason) => heldBack.inc({ reason }),
    replacementAsked: (seconds) => renewals.observe(seconds),
    reconciled(pass, seconds) {
      passes.inc({ outcome: pass.kind });
      if (!('drifts' in pass)) return;
      passSeconds.observe(seconds);
      for (const [kind, count] of Object.entries(pass.drifts)) drifts.inc({ kind }, count);
      if (pass.kind === 'finished') finishedMs = performance.now();
    },
  };
}

function standingGauges(registry: Registry): (standing: NonNullable<Readings['standing']>) => void {
  const jobs = gauge(registry, 'relatch_queue_jobs', 'Jobs by queue and state; waiting: due and not begun.', [
    'queue',
    'state',
  ]);
  const oldestJob = gauge(
    registry,
    'relatch_queue_oldest_seconds',
    'How long the oldest job has waited that is due and not begun; 0 when there is none.',
    ['queue'],
  );
  const inbox = gauge(registry, 'relatch_inbox_waiting', 'Events that were acknowledged and are not handled yet.');
  const oldestEvent = gauge(
    registry,
    'relatch_inbox_oldest_seconds',
    'How long the oldest event has waited that is due and not handled; 0 when there is none.',
  );
  const letters = gauge(registry, 'relatch_dead_letters_open', 'Jobs that failed for good and wait for a person.');
  const alerts = gauge(
    registry,
    'relatch_alerts',
    'Alerts that are not resolved, by kind and state; open: nobody has acknowledged it.',
    ['kind', 'state'],
  );
  const schedules = gauge(registry, 'relatch_schedules', 'Schedules by status.', ['status']);
  const line = gauge(
    registry,
    'relatch_seam_line',
    '1 for the state that the line to Seam is in: clear, silent (no answer: one call at a time tries) or refused (our key is not taken).',
    ['state'],
  );
  const budget = gauge(
    registry,
    'relatch_seam_budget_calls',
    'Calls of a kind that are left in this minute at the device that has the fewest left.',
    ['call'],
  );
  return (now) => {
    for (const { queue, waiting, active, oldestSeconds } of now.queues) {
      jobs.set({ queue, state: 'waiting' }, waiting);
      jobs.set({ queue, state: 'active' }, active);
      oldestJob.set({ queue }, Math.max(0, oldestSeconds ?? 0));
    }
    inbox.set(now.inbox.waiting);
    oldestEvent.set(Math.max(0, now.inbox.oldestSeconds ?? 0));
    letters.set(now.deadLetters);
    // One that was resolved must not go on standing there.
    alerts.reset();
    for (const { kind, state, count } of now.alerts) alerts.set({ kind, state }, count);
    for (const { status, count } of now.schedules) schedules.set({ status }, count);
    for (const state of ['clear', 'silent', 'refused']) line.set({ state }, state === now.seamLine ? 1 : 0);
    for (const { call, left } of now.budgets) budget.set({ call }, left);
  };
}

function windowGauges(registry: Registry): (windows: NonNullable<Readings['windows']>) => void {
  const begun = gauge(
    registry,
    'relatch_windows_begun',
    'Windows that began in the last hour (1h) or day (24h), by whether their code was on the lock then, give or take a minute. Read from the database: the same on every replica, and across restarts. Windows that were taken back are not among them.',
    ['span', 'code'],
  );
  const unready = gauge(
    registry,
    'relatch_windows_unready',
    'Windows whose code is not on the lock: now (they are in progress), or that begin within 15m, 2h or 24h. Only the next window of a door is planned, and with one PIN for all windows it waits for the one before it to end.',
    ['begins'],
  );
  const next = gauge(
    registry,
    'relatch_next_unready_window_seconds',
    'Until the next planned window begins whose code is not on the lock; left out when there is none.',
  );
  return (now) => {
    for (const { span, ready, unready: missed } of now.begun) {
      begun.set({ span, code: 'ready' }, ready);
      begun.set({ span, code: 'unready' }, missed);
    }
    unready.set({ begins: 'now' }, now.openUnready);
    unready.set({ begins: '15m' }, now.unready15m);
    unready.set({ begins: '2h' }, now.unready2h);
    unready.set({ begins: '24h' }, now.unready24h);
    if (now.nextUnreadySeconds === null) next.remove();
    else next.set(now.nextUnreadySeconds);
  };
}

/** @param known label values that are shown from the start: a series that begins with its first failure hides that one */
function counter<L extends string>(
  registry: Registry,
  name: string,
  help: string,
  labelNames: readonly L[],
  known: readonly Readonly<Record<L, string>>[] = [],
): Counter<L> {
  const made = new Counter({ name, help, labelNames: [...labelNames], registers: [registry] });
  for (const labels of known) made.inc(labels, 0);
  return made;
}

function gauge<L extends string>(
  registry: Registry,
  name: string,
  help: string,
  labelNames: readonly L[] = [],
  read?: (self: Gauge<L>) => void,
): Gauge<L> {
  return new Gauge({
    name,
    help,
    labelNames: [...labelNames],
    registers: [registry],
    ...(read !== undefined && {
      collect() {
        read(this);
      },
    }),
  });
}

function histogram<L extends string>(
  registry: Registry,
  name: string,
  help: string,
  buckets: number[],
  labelNames: readonly L[] = [],
): Histogram<L> {
  return new Histogram({ name, help, buckets, labelNames: [...labelNames], registers: [registry] });
}
