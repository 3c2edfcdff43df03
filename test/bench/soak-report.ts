// What `soak` came to, for people, and whether it is as promised.

import { loadavg } from 'node:os';
import type { ApiRequest } from '../../src/simulator/server.ts';
import { quantile } from './figures.ts';
import type { Acknowledged, EventsJudged } from './soak-events.ts';
import { growthOf, inMegabytes, memoryTable, type Sample, slopePerHour } from './soak-memory.ts';
import type { SoakPlan } from './soak-plan.ts';
import type { WindowsJudged } from './soak-windows.ts';

export interface SoakOutcome {
  readonly plan: SoakPlan;
  readonly samples: readonly Sample[];
  /** How often /metrics could not be read. */
  readonly unread: number;
  readonly windows: WindowsJudged;
  readonly events: EventsJudged;
  readonly acknowledged: Acknowledged;
  readonly tookMs: readonly number[];
  readonly strayCodes: number;
  /** Not resolved. */
  readonly alerts: readonly { readonly kind: string; readonly open: number }[];
  readonly seamCalls: ReadonlyMap<ApiRequest['status'], readonly ApiRequest[]>;
}

const goals = { growth: 1.1 };
// Before that, a heap that is still finding its size looks like one that grows.
const judgesMemoryFromMs = 20 * 60_000;
const told = 10;

/** Prints it; sets the exit code to 1 where something is not as promised. */
export function reportSoak(outcome: SoakOutcome): void {
  const { plan, windows, events, strayCodes } = outcome;
  const { startsAt, endsAt } = plan.run;
  const runMs = endsAt.getTime() - startsAt.getTime();
  console.log(
    `${plan.schedules.length} schedules, ${plan.doors.length} doors, load ${loadavg()[0]?.toFixed(1)} at the end`,
  );
  reportEvents(outcome);
  console.table([
    {
      'windows begun': windows.begun,
      'ended in the run': windows.ended,
      'minutes due': windows.minutesDue,
      covered: windows.minutesDue - windows.minutesMissing,
      missing: windows.minutesMissing,
      'seconds missing': Number(windows.secondsMissing.toFixed(1)),
      doubles: windows.doubles,
      'minutes outside': Number(windows.minutesOutside.toFixed(2)),
    },
  ]);
  for (const complaint of windows.complaints.slice(0, told)) console.log(complaint);
  if (windows.complaints.length > told) console.log(`and ${windows.complaints.length - told} more`);
  reportMemory(outcome, runMs);
  const inState = (state: string | null): number =>
    events.fates.filter((fate) => fate.state === state).reduce((all, fate) => all + fate.events, 0);
  verdict('acknowledged events without a row', events.acknowledgedWithoutRow, 0);
  verdict('events that Seam told of without a row', inState(null), 0);
  verdict('events that wait at the end', inState('received'), 0);
  verdict('events that failed for good', inState('dead'), 0);
  verdict('window-minutes without a code', windows.minutesMissing, 0);
  verdict('windows with two codes', windows.doubles, 0);
  verdict('codes at Seam that no row knows', strayCodes, 0);
  verdict('minutes open outside of windows', windows.minutesOutside, 0);
  if (runMs >= judgesMemoryFromMs)
    verdict('least heap, last fifth / second fifth', growthOf(outcome.samples, runMs), goals.growth);
}

function reportEvents({ events, acknowledged, tookMs, alerts, seamCalls }: SoakOutcome): void {
  const { p50, p99, max } = events.seconds;
  console.log(
    `events: ${events.told} told by Seam, ${events.acknowledged} acknowledged in ${acknowledged.deliveries} deliveries (${acknowledged.failed} others failed)`,
  );
  console.table(events.fates);
  console.log(
    `from its row to the end of its job, s: p50 ${p50.toFixed(2)}, p99 ${p99.toFixed(2)}, max ${max.toFixed(2)}; alerts unresolved: ${alerts.map(({ kind, open }) => `${open} ${kind}`).join(', ') || 'none'}`,
  );
  const ms = (share: number): string => quantile(tookMs, share).toFixed(1);
  console.log(`acknowledged, as the sender sees it, ms: p50 ${ms(0.5)}, p99 ${ms(0.99)}, max ${ms(1)}`);
  const calls = [...seamCalls].map(([status, all]) => `${all.length} × ${status ?? 'no answer yet'}`);
  console.log(`calls to Seam: ${calls.join(', ')}`);
}

function reportMemory({ samples, unread }: SoakOutcome, runMs: number): void {
  console.table(memoryTable(samples, runMs));
  const slope = (bytesOf: (sample: Sample) => number): string => slopePerHour(samples, runMs, bytesOf).toFixed(1);
  const [first, last] = [samples[0], samples.at(-1)];
  const cores = first && last ? ((last.cpuSeconds - first.cpuSeconds) * 1_000) / (last.atMs - first.atMs) : Number.NaN;
  console.log(
    `memory after the first fifth: RSS ${slope(({ rssBytes }) => rssBytes)} MB an hour, heap ${slope(({ heapBytes }) => heapBytes)} MB an hour; RSS at most ${inMegabytes(Math.max(...samples.map(({ rssBytes }) => rssBytes)))} MB; ${cores.toFixed(2)} cores; ${samples.length} readings, ${unread} failed`,
  );
}

function verdict(what: string, value: number, goal: number): void {
  const isMet = value <= goal;
  console.log(
    `${isMet ? 'met   ' : 'MISSED'} ${what}: ${Number(value.toFixed(2))} (goal ${goal === 0 ? 0 : `≤ ${goal}`})`,
  );
  if (!isMet) process.exitCode = 1;
}
