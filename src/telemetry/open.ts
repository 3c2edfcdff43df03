// What is asked for is loaded, and nothing else: neither prom-client nor OpenTelemetry costs a service that wants neither.
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';
import { quietTelemetry, type Telemetry } from './telemetry.ts';
import type { Sampling } from './traces.ts';

export interface OpenTelemetry {
  readonly telemetry: Telemetry;
  /** Null: nothing is counted. */
  readonly metrics: Metrics | null;
}

/** @param asked metrics: whether anything is to be counted; traces: how much is to be traced, null for nothing */
export async function openTelemetry(
  asked: { readonly metrics: boolean; readonly traces: Sampling | null },
  { version, log }: { version: string; log: Log },
): Promise<OpenTelemetry> {
  const metrics = asked.metrics ? (await import('./metrics.ts')).createMetrics({ version }) : null;
  const { meter, spans } = quietTelemetry;
  const telemetry = {
    meter: metrics?.meter ?? meter,
    spans: asked.traces === null ? spans : (await import('./traces.ts')).openSpans({ ...asked.traces, version, log }),
  };
  if (asked.traces !== null) log.info({ event: 'traces.on', sampler: asked.traces.sampler }, 'traces are on');
  return { telemetry, metrics };
}
