// Spans by OpenTelemetry, sent as OTLP over HTTP. This file, and with it OpenTelemetry's libraries, is loaded only where its
// variables ask for it. No global of theirs is set: spans are made by hand, at the four places that hold units of work.

import { AsyncLocalStorage } from 'node:async_hooks';
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Attributes,
  type Context,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  trace,
} from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import {
  defaultResource,
  detectResources,
  envDetector,
  resourceFromAttributes,
  serviceInstanceIdDetector,
} from '@opentelemetry/resources';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  type IdGenerator,
  ParentBasedSampler,
  RandomIdGenerator,
  type Sampler,
  SamplingDecision,
  type SpanExporter,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import type { Log } from './log.ts';
import type { SpanAbout, SpanEnd, Spans } from './telemetry.ts';
import { outsideUnits, type UnitIds } from './unit.ts';

/** https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/#general-sdk-configuration */
export interface Sampling {
  readonly sampler: string | undefined;
  readonly samplerArg: string | undefined;
  /** OTLP over HTTP is all that there is; with another one it is said. */
  readonly protocol: string | undefined;
}

const kinds: Readonly<Record<SpanAbout['kind'], SpanKind>> = {
  server: SpanKind.SERVER,
  consumer: SpanKind.CONSUMER,
  client: SpanKind.CLIENT,
  internal: SpanKind.INTERNAL,
};

/** Whereto, with which headers and under which name spans are sent, the libraries read from the environment by themselves. */
export function openSpans(sampling: Sampling & { version: string; log: Log }): Spans {
  const { version, log, protocol = 'http/json' } = sampling;
  if (!protocol.startsWith('http/')) {
    log.warn(
      { event: 'traces.protocol_unknown', protocol },
      'traces are sent as OTLP over HTTP, whatever else is asked for',
    );
  }
  const sampler = samplerOf(sampling, log);
  const ids = new Ids();
  const named = resourceFromAttributes({ 'service.name': 'relatch', 'service.version': version });
  const provider = new TracerProvider({
    sampler,
    idGenerator: ids,
    resource: defaultResource()
      .merge(named)
      .merge(detectResources({ detectors: [serviceInstanceIdDetector, envDetector] })),
    spanProcessors: [new BatchSpanProcessor({ exporter: tellingOfLoss(new OTLPTraceExporter(), log) })],
  });
  const tracer = provider.getTracer('relatch', version);
  const active = new AsyncLocalStorage<Context>();
  let closing: Promise<void> | undefined;

  /** All that is done for an event is one trace, whichever process does it: its id, and that of its first span, follow from the key. */
  function spanOfEvent(seamEventId: string): SpanContext {
    const hash = createHash('sha256').update(seamEventId).digest('hex');
    const traceId = hash.slice(0, 32);
    const { decision } = sampler.shouldSample(ROOT_CONTEXT, traceId, 'delivery', SpanKind.SERVER, {}, []);
    const traceFlags = decision === SamplingDecision.RECORD_AND_SAMPLED ? TraceFlags.SAMPLED : TraceFlags.NONE;
    return { traceId, spanId: hash.slice(32, 48), traceFlags, isRemote: true };
  }

  function parentOf(cause: SpanAbout['cause']): Context {
    const parent =
      cause !== undefined && 'traceparent' in cause
        ? fromTraceparent(cause.traceparent)
        : cause && spanOfEvent(cause.seamEventId);
    return parent === undefined ? (active.getStore() ?? ROOT_CONTEXT) : trace.setSpanContext(ROOT_CONTEXT, parent);
  }

  return {
    async run(about, work) {
      const parent = parentOf(about.cause);
      const attributes = attributesOf(about.attributes);
      const span = tracer.startSpan(about.name, { kind: kinds[about.kind], attributes }, parent);
      try {
        const ended = await active.run(trace.setSpan(parent, span), () => work(span.spanContext().traceId));
        finish(span, ended.end);
        return ended.result;
      } catch (error) {
        // What it says may hold anything: the log line, which is cleared of secrets, tells it.
        finish(span, { outcome: error instanceof Error ? error.name : 'error', isFailed: true });
        throw error;
      }
    },
    delivery({ seamEventId, durationMs = 0, end }) {
      const own = seamEventId === undefined ? undefined : spanOfEvent(seamEventId);
      const isFirst = end.outcome !== 'duplicate';
      const parent = own === undefined || isFirst ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, own);
      const start = () =>
        tracer.startSpan('delivery', { kind: SpanKind.SERVER, startTime: Date.now() - durationMs }, parent);
      const span = own !== undefined && isFirst ? ids.giving(own, start) : start();
      span.setAttributes(attributesOf({ seam_event_id: seamEventId }));
      finish(span, end);
      return span.spanContext().traceId;
    },
    traceparent() {
      const context = active.getStore();
      const span = context && trace.getSpanContext(context);
      return span && `00-${span.traceId}-${span.spanId}-${span.traceFlags.toString(16).padStart(2, '0')}`;
    },
    close(timeoutMs) {
      // Whether they arrived is told by the exporter's own line.
      closing ??= Promise.race([
        provider.shutdown().catch(() => undefined),
        sleep(timeoutMs, undefined, { ref: false }),
      ]);
      return closing;
    },
  };
}

function finish(span: Span, { outcome, isFailed, attributes = {} }: SpanEnd): void {
  span.setAttributes(attributesOf({ ...attributes, outcome }));
  if (isFailed) span.setStatus({ code: SpanStatusCode.ERROR });
  span.end();
}

function attributesOf(ids: UnitIds): Attributes {
  const entries = Object.entries(ids).filter(([, value]) => value !== undefined && value !== '');
  return Object.fromEntries(entries.map(([name, value]) => [`relatch.${name}`, value]));
}

// https://www.w3.org/TR/trace-context/#traceparent-header
const traceparentForm = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;

function fromTraceparent(text: string): SpanContext | undefined {
  const [, traceId, spanId, flags] = traceparentForm.exec(text) ?? [];
  if (traceId === undefined || spanId === undefined) return undefined;
  return { traceId, spanId, traceFlags: Number.parseInt(flags ?? '', 16), isRemote: true };
}

/** Ids by chance, but for a span that is given its own. */
class Ids implements IdGenerator {
  readonly #chance = new RandomIdGenerator();
  #given: Pick<SpanContext, 'traceId' | 'spanId'> | undefined;

  generateTraceId(): string {
    return this.#given?.traceId ?? this.#chance.generateTraceId();
  }

  generateSpanId(): string {
    return this.#given?.spanId ?? this.#chance.generateSpanId();
  }

  giving(own: Pick<SpanContext, 'traceId' | 'spanId'>, start: () => Span): Span {
    this.#given = own;
    try {
      return start();
    } finally {
      this.#given = undefined;
    }
  }
}

/** Says once that spans are lost, and once that they arrive again. */
function tellingOfLoss(exporter: SpanExporter, log: Log): SpanExporter {
  let isLosing = false;
  function tell(error: Error | undefined): void {
    const isLost = error !== undefined;
    if (isLost && !isLosing) {
      // Its message may repeat what the collector said.
      const reason = String(Reflect.get(error, 'code') ?? error.name);
      log.warn(
        { event: 'traces.lost', reason },
        'traces: spans cannot be sent and are lost; nothing else suffers from it',
      );
    }
    if (!isLost && isLosing) log.info({ event: 'traces.sent' }, 'traces: spans arrive again');
    isLosing = isLost;
  }
  return {
    export(spans, done) {
      exporter.export(spans, (result) => {
        outsideUnits(() => tell(result.error));
        done(result);
      });
    },
    shutdown: () => exporter.shutdown(),
    forceFlush: async () => exporter.forceFlush?.(),
  };
}

function samplerOf({ sampler, samplerArg }: Sampling, log: Log): Sampler {
  const ratio = (): Sampler => new TraceIdRatioBasedSampler(ratioOf(samplerArg, log));
  switch (sampler ?? 'parentbased_always_on') {
    case 'always_on':
      return new AlwaysOnSampler();
    case 'always_off':
      return new AlwaysOffSampler();
    case 'traceidratio':
      return ratio();
    case 'parentbased_always_off':
      return new ParentBasedSampler({ root: new AlwaysOffSampler() });
    case 'parentbased_traceidratio':
      return new ParentBasedSampler({ root: ratio() });
    case 'parentbased_always_on':
      break;
    default:
      log.warn(
        { event: 'traces.sampler_unknown', sampler },
        'OTEL_TRACES_SAMPLER is none that is known: all is traced',
      );
  }
  return new ParentBasedSampler({ root: new AlwaysOnSampler() });
}

function ratioOf(text: string | undefined, log: Log): number {
  const ratio = Number(text ?? '1');
  if (ratio >= 0 && ratio <= 1) return ratio;
  log.warn({ event: 'traces.sampler_unknown' }, 'OTEL_TRACES_SAMPLER_ARG is no number from 0 to 1: all is traced');
  return 1;
}
