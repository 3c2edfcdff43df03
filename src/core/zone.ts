// Local time ⇄ instant for IANA zones, from the tz data that comes with Node (through Intl), as RFC 5545 §3.3.5 asks.
// Each zone keeps a table of its offsets, built a year at a time on first use; after that no call asks Intl again.
// The zone of the process plays no part.

import { DAY_MS } from './local-date.ts';

/**
 * A stretch of constant offset; `untilAt` is the instant at which it ends, `untilLocalMs` the local time up to which
 * it answers. The last of a block has no end.
 */
interface OffsetSpan {
  readonly offsetMs: number;
  untilAt: number;
  untilLocalMs: number;
  next: OffsetSpan | undefined;
}

interface OffsetBlock {
  readonly first: OffsetSpan;
  readonly largestGapMs: number;
}

/** A zone with its offset table. Obtained from `zoneNamed`; its content is private to this file. */
export interface Zone {
  readonly name: string;
  readonly offsetFormat: Intl.DateTimeFormat;
  readonly blocks: (OffsetBlock | undefined)[];
}

const BLOCK_MS = 366 * DAY_MS;
/** About the year 2300. Outside 1970 to 2300 the nearest known offset holds, which also bounds the table. */
const LAST_BLOCK = 330;
/**
 * A block overlaps its neighbours, so that a local time and its instant (up to 15 h apart) are always found in one
 * block.
 */
const BLOCK_OVERLAP_MS = 4 * DAY_MS;
/** Short enough to see the shortest period there is between two changes (Morocco's and Egypt's pause for Ramadan). */
const PROBE_MS = 4 * DAY_MS;
const NAMES_MAX = 2_000;

// Intl takes abbreviations too, and reads "IST" as India and "PST" as Los Angeles: no guess for a schedule to hang on.
const ZONE_NAME = /^(?:UTC|GMT|[A-Za-z]+(?:\/[A-Za-z0-9_+-]+)+)$/;

const zonesByName = new Map<string, Zone>();
const zonesByCanonicalName = new Map<string, Zone>();

/** True for an IANA zone of the form Area/City, and for UTC and GMT. Abbreviations and bare offsets are no zones. */
export function isTimeZone(name: string): boolean {
  return findZone(name) !== undefined;
}

/** The zone of that name. Throws a RangeError for what `isTimeZone` refuses. */
export function zoneNamed(name: string): Zone {
  const zone = findZone(name);
  if (zone === undefined) throw new RangeError(`Not an IANA time zone: ${name}`);
  return zone;
}

/** What the zone's clocks add to UTC at an instant, in ms. */
export function offsetAt(zone: Zone, at: number): number {
  let span = blockAt(zone, at).first;
  while (span.next !== undefined && at >= span.untilAt) span = span.next;
  return span.offsetMs;
}

/** The local date-time at an instant, as ms since 1970-01-01T00:00 local. */
export function instantToLocal(zone: Zone, at: number): number {
  return at + offsetAt(zone, at);
}

/**
 * The instant of a local date-time (ms since 1970-01-01T00:00 local) by RFC 5545 §3.3.5: a local time that occurs twice
 * means the first, one that is skipped takes the offset from before the gap.
 */
export function localToInstant(zone: Zone, localMs: number): number {
  return localMs - spanOfLocal(zone, localMs).offsetMs;
}

/** Whether a local date-time occurs twice, because the clocks are turned back over it. */
export function isRepeatedLocal(zone: Zone, localMs: number): boolean {
  const { offsetMs, next } = spanOfLocal(zone, localMs);
  if (next === undefined || next.offsetMs >= offsetMs) return false;
  return instantToLocal(zone, localMs - next.offsetMs) === localMs;
}

/**
 * The largest forward jump of the clocks within some days of an instant, in ms. A skipped local time falls after later
 * ones by at most this much, so it bounds how far local order and the order of instants can disagree.
 */
export function largestGapNear(zone: Zone, at: number): number {
  return blockAt(zone, at).largestGapMs;
}

/** A change of the clocks: what they add to UTC before and from the instant on. */
export interface OffsetChange {
  readonly at: number;
  readonly beforeMs: number;
  readonly afterMs: number;
}

/** The changes of the clocks at or after one instant and before another. */
export function offsetChanges(zone: Zone, fromAt: number, toAt: number): OffsetChange[] {
  const changes: OffsetChange[] = [];
  const lastAt = toAt - 1;
  let beforeMs = offsetAt(zone, fromAt - 1);
  for (let at = fromAt - 1; at < lastAt; at += PROBE_MS) {
    const nextAt = Math.min(at + PROBE_MS, lastAt);
    const afterMs = offsetAt(zone, nextAt);
    if (afterMs === beforeMs) continue;
    changes.push({ at: findChange(zone, at, nextAt, beforeMs), beforeMs, afterMs });
    beforeMs = afterMs;
  }
  return changes;
}

function findZone(name: string): Zone | undefined {
  const known = zonesByName.get(name);
  if (known !== undefined) return known;
  if (!ZONE_NAME.test(name)) return undefined;
  let offsetFormat: Intl.DateTimeFormat;
  try {
    offsetFormat = new Intl.DateTimeFormat('en-US', { timeZone: name, timeZoneName: 'longOffset' });
  } catch {
    return undefined;
  }
  const canonicalName = offsetFormat.resolvedOptions().timeZone;
  const zone = zonesByCanonicalName.get(canonicalName) ?? { name: canonicalName, offsetFormat, blocks: [] };
  // Intl ignores case, so there are endless spellings of one name; the zones behind them are a few hundred.
  if (zonesByName.size >= NAMES_MAX) zonesByName.clear();
  zonesByName.set(name, zone);
  zonesByCanonicalName.set(canonicalName, zone);
  return zone;
}

function spanOfLocal(zone: Zone, localMs: number): OffsetSpan {
  let span = blockAt(zone, localMs).first;
  while (span.next !== undefined && localMs >= span.untilLocalMs) span = span.next;
  return span;
}

function blockAt(zone: Zone, ms: number): OffsetBlock {
  const index = Math.min(Math.max(Math.floor(ms / BLOCK_MS), 0), LAST_BLOCK);
  const known = zone.blocks[index];
  if (known !== undefined) return known;
  const block = buildBlock(zone, index);
  zone.blocks[index] = block;
  return block;
}

function buildBlock(zone: Zone, index: number): OffsetBlock {
  const endAt = (index + 1) * BLOCK_MS + BLOCK_OVERLAP_MS;
  let probeAt = index * BLOCK_MS - BLOCK_OVERLAP_MS;
  const first = endlessSpan(askOffset(zone, probeAt));
  let last = first;
  let largestGapMs = 0;
  while (probeAt < endAt) {
    const nextAt = probeAt + PROBE_MS;
    const nextOffsetMs = askOffset(zone, nextAt);
    while (last.offsetMs !== nextOffsetMs) {
      last.untilAt = findChange(zone, probeAt, nextAt, last.offsetMs);
      const next = endlessSpan(askOffset(zone, last.untilAt));
      // The later of the two local times at the change: up to it the old offset answers, both for what is skipped and
      // for the first pass through what is repeated.
      last.untilLocalMs = last.untilAt + Math.max(last.offsetMs, next.offsetMs);
      largestGapMs = Math.max(largestGapMs, next.offsetMs - last.offsetMs);
      probeAt = last.untilAt;
      last.next = next;
      last = next;
    }
    probeAt = nextAt;
  }
  return { first, largestGapMs };
}

function endlessSpan(offsetMs: number): OffsetSpan {
  return { offsetMs, untilAt: Number.POSITIVE_INFINITY, untilLocalMs: Number.POSITIVE_INFINITY, next: undefined };
}

/** The first instant after `fromAt` with another offset, by bisection to the second. */
function findChange(zone: Zone, fromAt: number, toAt: number, offsetMs: number): number {
  let before = fromAt / 1000;
  let after = toAt / 1000;
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2);
    if (askOffset(zone, middle * 1000) === offsetMs) before = middle;
    else after = middle;
  }
  return after * 1000;
}

function askOffset(zone: Zone, at: number): number {
  // "11/1/2026, GMT-04:00"; a bare "GMT" is zero, and old offsets have seconds ("GMT-00:44:30").
  const match = /GMT(?:([+-])(\d{2}):(\d{2})(?::(\d{2}))?)?$/.exec(zone.offsetFormat.format(at));
  if (match === null) throw new Error(`Intl gave no offset for ${zone.name}`);
  const [, sign, hours = '0', minutes = '0', seconds = '0'] = match;
  const ms = (Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)) * 1000;
  return sign === '-' ? -ms : ms;
}
