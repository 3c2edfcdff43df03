// The service: its parts in the order in which they start, and stop.
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { hostname } from 'node:os';
import { SeamWebhook } from 'seam';
import packageJson from '../package.json' with { type: 'json' };
import type { ServiceConfig } from './config.ts';
import { UserError } from './core/errors.ts';
import { flowDeps, type Overrides, openTool } from './deps.ts';
import type { FlowDeps } from './flows/flow-deps.ts';
import { tryAtOnce } from './flows/gate-seam.ts';
import type { NotifyDeps } from './flows/notify-endpoint.ts';
import { leaveObserving } from './flows/observe.ts';
import type { DeadLetterDeps } from './flows/set-aside.ts';
import { createHttpApp, createHttpServer } from './http/app.ts';
import { createMetricsApp } from './http/metrics-route.ts';
import type { Pump } from './jobs/pump.ts';
import { deadLetterPump, dueRowPump, inboxPump, notifyPump, reconciler, retention } from './jobs/pumps.ts';
import { startWorkers } from './jobs/workers.ts';
import { createLog } from './telemetry/log.ts';
import { openTelemetry } from './telemetry/open.ts';

interface QueuePumps {
  readonly inbox: Pump;
  readonly dueRows: Pump;
  readonly deadLetters: Pump;
  readonly notices: Pump;
}

export interface Relatch {
  /** Where it listens. */
  readonly url: string;
  /** Where /metrics is, if on a port of its own. */
  readonly metricsUrl: string | undefined;
  readonly deps: FlowDeps & DeadLetterDeps & NotifyDeps;
  /** Has what is due looked for at once: where time is virtual, no tick comes in time. */
  wake(pump: keyof QueuePumps): void;
  /** Takes no more requests, gives running jobs 8.7 s to finish, and closes the database. Jobs cut short run again. */
  close(): Promise<void>;
}

// Of the 10 s that a stop may take: more than a call to Seam lasts (8 s), so that what became of it is still recorded; what is left
// is for the database and, beside it, for the last spans.
const jobsTimeoutMs = 8_700;
const spansTimeoutMs = 800;

/** @throws UserError for whatever the person who runs Relatch can mend; nothing is left open then */
export async function startRelatch(config: ServiceConfig, overrides: Overrides = {}): Promise<Relatch> {
  await using opened = new AsyncDisposableStack();
  const log = overrides.log ?? createLog(config.log);
  const asked = { metrics: config.metrics !== null, traces: config.traces };
  const { telemetry, metrics } = await openTelemetry(asked, { version: packageJson.version, log });
  opened.defer(() => telemetry.spans.close(spansTimeoutMs));
  const tool = opened.use(await openTool(config, { ...overrides, log, telemetry }));
  const { db, queue } = tool;
  const deps = await flowDeps(tool, config);
  await tryAtOnce(deps);
  if (config.mode === 'active') await leaveObserving(deps);
  const stopping = new AbortController();
  const machine = overrides.now === undefined ? hostname() : undefined;
  const inbox = inboxPump(deps);
  const queuePumps: QueuePumps = {
    inbox,
    dueRows: dueRowPump(deps),
    deadLetters: deadLetterPump(deps),
    notices: notifyPump(deps),
  };
  const pumps = [
    ...Object.values(queuePumps),
    reconciler(deps, config.reconcile.intervalMs, { signal: stopping.signal, machine }),
    retention(deps, config.retention.days, stopping.signal),
  ];
  const parts = () => pumps.map(({ name, isRunning }) => ({ name, running: isRunning }));
  const webhooks = config.seam.webhookSecrets.map((secret) => new SeamWebhook(secret));
  const { tokens } = config.api;
  const api = tokens.length === 0 ? null : { ...deps, tokens, publicUrl: config.publicUrl };
  if (api === null) log.info({ event: 'api.off' }, 'the API is off: set ADMIN_TOKENS to turn it on');
  const { port: metricsPort, token = null } = config.metrics ?? {};
  const measured = metrics === null ? undefined : { ...deps, parts, metrics, token };
  const app = { db, log, now: deps.now, telemetry, webhooks, pump: inbox, parts, api, clients: config.clients };
  const server = createHttpServer(createHttpApp({ ...app, metrics: token === null ? undefined : measured }));
  // Before any work is begun: a port that is taken ends the start.
  await listen(server, config.http, 'PORT');
  opened.defer(() => closeServer(server));
  let metricsUrl: string | undefined;
  if (measured !== undefined && metricsPort !== undefined) {
    const metricsServer = createHttpServer(createMetricsApp(measured));
    await listen(metricsServer, { host: config.http.host, port: metricsPort }, 'METRICS_PORT');
    opened.defer(() => closeServer(metricsServer));
    metricsUrl = `http://127.0.0.1:${portOf(metricsServer)}/metrics`;
  }
  await startWorkers(queue.boss, deps, config.jobs.concurrency, stopping.signal);
  const runs = pumps.map((pump) => pump.run(stopping.signal));
  const port = portOf(server);
  const { host } = config.http;
  log.info({ event: 'service.started', port, host, metrics_url: metricsUrl }, `listening on port ${port}`);

  const open = opened.move();
  return {
    url: `http://127.0.0.1:${port}`,
    metricsUrl,
    deps,
    wake: (pump) => queuePumps[pump].wake(),
    async close() {
      server.close();
      server.closeIdleConnections();
      stopping.abort();
      await Promise.all([...runs, queue.boss.stop({ graceful: true, timeout: jobsTimeoutMs })]);
      await Promise.all([telemetry.spans.close(spansTimeoutMs), open.disposeAsync()]);
      log.info({ event: 'service.stopped' }, 'stopped');
    },
  };
}

async function closeServer(server: Server): Promise<void> {
  if (!server.listening) return server.closeAllConnections();
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

async function listen(server: Server, { host, port }: ServiceConfig['http'], setting: string): Promise<void> {
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
    const reason = code === 'EADDRINUSE' ? 'another program has it' : String(code ?? cause);
    throw new UserError(
      'cannot_listen',
      `Relatch cannot listen on ${host}, port ${port}: ${reason}. Set ${setting} (0 takes any free one) or HOST.`,
      { cause },
    );
  }
}
