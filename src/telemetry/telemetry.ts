// What a unit of work tells beside its log line: counts for /metrics, and a span where traces are on.
import { inUnit, type UnitIds } from './unit.ts';

/** Counts what happens. Labels are from fixed lists; ids belong into log lines and spans. */
export interface Meter {
  /** A delivery was answered. @param seconds since its first byte was read; undefined where nobody looked at the clock */
  delivered(outcome: DeliveryOutcome, seconds: number | undefined): void;
  /** @param outcome what its handler said, or `failed`, or `set_aside` for good */
  jobDone(queue: string, outcome: string, seconds: number): void;
  /** A call that was made. @param outcome `ok`, or the kind of failure */
  seamCalled(route: string, outcome: string, seconds: number): void;
  /** A call that was not made. @param reason `line`: Seam cannot be asked; `slot`: the device has had its calls of this minute */
  seamHeldBack(reason: 'line' | 'slot'): void;
  /** The replacement of a removed code was asked of Seam. @param seconds since the report of the removal was received */
  replacementAsked(seconds: number): void;
  reconciled(pass: ReconcileOutcome, seconds: number): void;
}

export type DeliveryOutcome = 'accepted' | 'duplicate' | 'ignored' | 'refused' | 'failed';

/** `busy`: another replica is at it. `drifts`: how many differences of each kind it found. */
export type ReconcileOutcome =
  | { readonly kind: 'busy' | 'failed' }
  | { readonly kind: 'finished' | 'cut_short'; readonly drifts: Readonly<Record<string, number>> };

/** A piece of work as a trace shows it. */
export interface SpanAbout {
  readonly name: string;
  readonly kind: 'server' | 'consumer' | 'client' | 'internal';
  readonly attributes: UnitIds;
  /** What it belongs to: an event, by its key, or a span of another process. Absent: the span under way, if any. */
  readonly cause?: { readonly seamEventId: string } | { readonly traceparent: string } | undefined;
}

/** How a piece of work ended. */
export interface SpanEnd {
  readonly outcome: string;
  readonly isFailed: boolean;
  readonly attributes?: UnitIds;
}

/** Spans, where they are wanted. None of it throws or waits. */
export interface Spans {
  /** @param work answers its result, and how it ended; what it throws is a failure */
  run<T>(about: SpanAbout, work: (traceId: string | undefined) => Promise<Ended<T>>): Promise<T>;
  /** A delivery, told when it is over: only then its event is known. Answers the id of its trace. */
  delivery(told: { seamEventId: string | undefined; durationMs: number | undefined; end: SpanEnd }): string | undefined;
  /** The span under way, as W3C Trace Context writes it. */
  traceparent(): string | undefined;
  /** Sends what is left, for no longer than `timeoutMs`. */
  close(timeoutMs: number): Promise<void>;
}

export interface Ended<T> {
  readonly result: T;
  readonly end: SpanEnd;
}

/** Given to whatever does units of work. */
export interface Telemetry {
  readonly meter: Meter;
  readonly spans: Spans;
}

/** Counts nothing and makes no spans. */
export const quietTelemetry: Telemetry = {
  meter: {
    delivered: () => undefined,
    jobDone: () => undefined,
    seamCalled: () => undefined,
    seamHeldBack: () => undefined,
    replacementAsked: () => undefined,
    reconciled: () => undefined,
  },
  spans: {
    run: async (_about, work) => (await work(undefined)).result,
    delivery: () => undefined,
    traceparent: () => undefined,
    close: async () => undefined,
  },
};

/** Runs a unit of work in a span, its ids in every log line that it writes. */
export function runUnit<T>(
  { spans }: Telemetry,
  about: SpanAbout & { readonly removalReceivedAt?: Date | undefined },
  work: () => Promise<Ended<T>>,
): Promise<T> {
  const { attributes, removalReceivedAt } = about;
  return spans.run(about, (traceId) => inUnit({ ids: { ...attributes, trace_id: traceId }, removalReceivedAt }, work));
}
