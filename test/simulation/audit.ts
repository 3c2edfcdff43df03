// At the end of a history: what the locks remember, to the second, and whether the history of the service explains it.
import type pg from 'pg';
import type { Simulator } from '../../src/simulator/simulator.ts';
import { type Span, union } from '../support/reference-windows.ts';
import type { Door } from './doors.ts';
import { assertExplained } from './explained.ts';
import type { FaultClock } from './fault-clock.ts';
import type { People } from './people.ts';
import type { PlanBook } from './plan-book.ts';
import { neededEvents } from './postman.ts';
import { Violation } from './trace.ts';
import type { Watch } from './watch.ts';

export interface AuditWorld {
  readonly simulator: Simulator;
  readonly book: PlanBook;
  readonly faults: FaultClock;
  readonly people: People;
  readonly watch: Watch;
  readonly pool: pg.Pool;
  readonly boundMs: number;
}

/** Minutes in which doors were to be open, and what became of them. */
export interface Coverage {
  due: number;
  covered: number;
  /** Something was wrong then, or had been shortly before: nobody could have done better. */
  lostToFaults: number;
  /** Somebody had taken the code away, or had the PIN. */
  lostToPeople: number;
  /** What a lock and Seam take after a change, and whatever else. */
  lostOtherwise: number;
}

// A lock takes five seconds to let go of a code, and some clocks of ours are a minute off.
const lagMs = 10_000;

export const noCoverage: Coverage = { due: 0, covered: 0, lostToFaults: 0, lostToPeople: 0, lostOtherwise: 0 };

export async function audit(world: AuditWorld, from: number, until: number): Promise<Coverage> {
  const coverage: Coverage = { ...noCoverage };
  for (const door of world.book.doors()) auditDoor(world, door, { startAt: from, endAt: until }, coverage);
  await assertExplained(world, until);
  await assertNothingForgotten(world, until);
  return coverage;
}

function auditDoor(world: AuditWorld, door: Door, { startAt, endAt }: Span, coverage: Coverage): void {
  const { book, faults, people, watch, boundMs } = world;
  const due = union(book.openSpans(door, startAt, endAt), 0);
  const openings = openingsOf(world, door, endAt);
  const closures = people.closures.filter((one) => one.door === door);
  const leftAlone = closures
    .filter(({ isLeftAlone }) => isLeftAlone === true)
    .map(({ from, until }) => ({ startAt: from, endAt: until + boundMs }));
  const troubled = union([...faults.spans(door.deviceId, boundMs), ...leftAlone], 0);
  const opened = union(openings, 0);
  for (const span of minus(opened, due)) {
    const late = { startAt: span.startAt + lagMs + watch.skewMs, endAt: span.endAt };
    const [unexcused] = minus([late], troubled);
    if (unexcused === undefined) continue;
    throw new Violation('no door opens outside a window', `open ${text(span)}, where nothing was planned`, door);
  }
  for (const { takenBackAt, endAt: openUntil } of openings) {
    if (takenBackAt === undefined) continue;
    const late = { startAt: takenBackAt + lagMs + watch.skewMs, endAt: openUntil };
    const [unexcused] = minus([late], troubled);
    if (unexcused === undefined) continue;
    throw new Violation('no door opens to a PIN that was taken back', `open ${text(unexcused)}`, door);
  }
  for (const [index, one] of openings.entries()) {
    for (const other of openings.slice(index + 1)) {
      const both = { startAt: Math.max(one.startAt, other.startAt) + lagMs, endAt: Math.min(one.endAt, other.endAt) };
      if (watch.isBackup(one.id) || watch.isBackup(other.id)) continue;
      if (one.id === other.id || minus([both], troubled).length === 0) continue;
      throw new Violation('never two codes for one window', `two codes opened the door ${text(both)}`, door);
    }
  }
  const lost = minus(due, opened);
  const closed = closures.map(({ from, until }) => ({ startAt: from, endAt: until }));
  const afterFaults = minus(lost, troubled);
  const afterPeople = minus(afterFaults, closed);
  coverage.due += minutes(due);
  coverage.covered += minutes(due) - minutes(lost);
  coverage.lostToFaults += minutes(lost) - minutes(afterFaults);
  coverage.lostToPeople += minutes(afterFaults) - minutes(afterPeople);
  coverage.lostOtherwise += minutes(afterPeople);
}

interface Opening extends Span {
  readonly id: string;
  /** Since when its PIN is to open nothing. */
  readonly takenBackAt: number | undefined;
}

function openingsOf({ simulator, watch }: AuditWorld, door: Door, until: number): Opening[] {
  return simulator.intervals(door.deviceId).flatMap((interval) => {
    if (watch.isForeign(interval.access_code_id) || watch.doorOfCode(interval) !== door) return [];
    const { access_code_id: id, on_device_from: from, off_device_at: offAt } = interval;
    // Until it was adopted it opened for its own people.
    const startAt = Math.max(from.getTime(), watch.adoptedAt(id) ?? 0);
    const endAt = Math.min(offAt?.getTime() ?? until, until);
    return endAt <= startAt ? [] : [{ id, startAt, endAt, takenBackAt: watch.takenBackAt(interval) }];
  });
}

/**
 * Nothing is dropped in silence: each event that Seam had to tell came in, by delivery or from its list; events are handled, ignored
 * or dropped for a reason; and no letter waits that was retried.
 */
async function assertNothingForgotten({ pool, simulator, boundMs }: AuditWorld, until: number): Promise<void> {
  const { rows } = await pool.query<{ what: string }>(
    `select 'the event ' || event_type || ' is ' || state as what from inbox
      where state in ('received', 'dead') or (state = 'ignored' and reason is null)
     union all select 'a dead letter is ' || state from dead_letters where state in ('open', 'retried')`,
  );
  if (rows[0] !== undefined) throw new Violation('nothing is dropped in silence', `at the end, ${rows[0].what}`);
  const inbox = await pool.query<{ key: string }>('select key from inbox');
  const known = new Set(inbox.rows.map(({ key }) => key));
  const lost = simulator.events.find(
    ({ event_id: id, event_type: type, occurred_at: at }) =>
      neededEvents.has(type) && Date.parse(at) <= until - boundMs && !known.has(id),
  );
  if (lost !== undefined)
    throw new Violation(
      'nothing is dropped in silence',
      `the event ${lost.event_type} of ${lost.occurred_at} never came in`,
    );
}

/** What of the spans lies in none of the holes. */
function minus(spans: readonly Span[], holes: readonly Span[]): Span[] {
  return holes.reduce<Span[]>(
    (left, hole) =>
      left.flatMap((span) =>
        [
          { startAt: span.startAt, endAt: Math.min(span.endAt, hole.startAt) },
          { startAt: Math.max(span.startAt, hole.endAt), endAt: span.endAt },
        ].filter(({ startAt, endAt }) => endAt > startAt),
      ),
    spans.filter(({ startAt, endAt }) => endAt > startAt),
  );
}

function minutes(spans: readonly Span[]): number {
  return spans.reduce((sum, { startAt, endAt }) => sum + (endAt - startAt) / 60_000, 0);
}

function text({ startAt, endAt }: Span): string {
  return `${new Date(startAt).toISOString()}/${new Date(endAt).toISOString()}`;
}
