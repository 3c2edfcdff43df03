// How much memory the service takes, as it says itself on /metrics, and whether it stays at that.

import { quantile } from './figures.ts';

export interface Sample {
  /** Since the run began. */
  readonly atMs: number;
  readonly rssBytes: number;
  readonly heapBytes: number;
  readonly cpuSeconds: number;
}

export interface MemoryRow {
  readonly part: string;
  readonly 'RSS MB': number;
  readonly 'RSS max MB': number;
  readonly 'heap used MB': number;
  /** What is left after a collection, or nearly. */
  readonly 'heap least MB': number;
}

const megabyte = 1_048_576;
const hourMs = 3_600_000;
const parts = 5;

/** @throws when the page cannot be had or lacks one of them */
export async function readSample(url: string, token: string, startedAtMs: number): Promise<Sample> {
  const answer = await fetch(`${url}/metrics`, {
    headers: { authorization: `Bearer ${token}` },
    signal: AbortSignal.timeout(10_000),
  });
  const page = await answer.text();
  const value = (name: string): number => {
    const found = new RegExp(`^${name} (\\S+)$`, 'm').exec(page)?.[1];
    if (found === undefined) throw new Error(`/metrics answered ${answer.status} without ${name}`);
    return Number(found);
  };
  return {
    atMs: Date.now() - startedAtMs,
    rssBytes: value('process_resident_memory_bytes'),
    heapBytes: value('nodejs_heap_size_used_bytes'),
    cpuSeconds: value('process_cpu_seconds_total'),
  };
}

/** Before the run, then its fifths: medians, because a heap is at its highest just before it is collected. */
export function memoryTable(samples: readonly Sample[], runMs: number): MemoryRow[] {
  const settled = samples.filter(({ atMs }) => atMs < 0).at(-1);
  const fifths = Array.from({ length: parts }, (_, at) => row(`fifth ${at + 1}`, fifthOf(samples, runMs, at)));
  return [...(settled === undefined ? [] : [row('settled', [settled])]), ...fifths];
}

/**
 * The least heap of the last fifth to that of the second: the first warms up. What grows is not collected; how much garbage lies
 * about meanwhile is Node's own affair, and RSS follows that.
 */
export function growthOf(samples: readonly Sample[], runMs: number): number {
  const least = (at: number): number => Math.min(...fifthOf(samples, runMs, at).map(({ heapBytes }) => heapBytes));
  return least(parts - 1) / least(1);
}

/** MB an hour, by least squares over all but the first fifth. */
export function slopePerHour(samples: readonly Sample[], runMs: number, bytesOf: (sample: Sample) => number): number {
  const kept = samples.filter(({ atMs }) => atMs >= runMs / parts);
  const mean = (of: (sample: Sample) => number): number => kept.reduce((all, one) => all + of(one), 0) / kept.length;
  const [meanAt, meanBytes] = [mean(({ atMs }) => atMs), mean(bytesOf)];
  const covariance = mean((one) => (one.atMs - meanAt) * (bytesOf(one) - meanBytes));
  const variance = mean(({ atMs }) => (atMs - meanAt) ** 2);
  return ((covariance / variance) * hourMs) / megabyte;
}

export const inMegabytes = (bytes: number): number => Math.round(bytes / megabyte);

function fifthOf(samples: readonly Sample[], runMs: number, at: number): Sample[] {
  const ms = runMs / parts;
  return samples.filter(({ atMs }) => atMs >= at * ms && atMs < (at + 1) * ms);
}

function row(part: string, samples: readonly Sample[]): MemoryRow {
  const rss = samples.map(({ rssBytes }) => rssBytes);
  const heap = samples.map(({ heapBytes }) => heapBytes);
  return {
    part,
    'RSS MB': inMegabytes(middle(rss)),
    'RSS max MB': inMegabytes(Math.max(...rss)),
    'heap used MB': inMegabytes(middle(heap)),
    'heap least MB': inMegabytes(Math.min(...heap)),
  };
}

const middle = (values: readonly number[]): number => quantile(values, 0.5);
