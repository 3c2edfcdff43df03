// Local time ⇄ instant for IANA zones, from the tz data that comes with Node (through Intl), as RFC 5545 §3.3.5 asks.
// Each zone keeps a table of its offsets, built a year at a time on first use; after that no call asks Intl again.
// The zone of the process plays no part.

import { DAY_MS } from './local-date.ts';

/**
 * A stretch of constant offset; `untilAt` is the instant at which it ends, `untilLocalMs` the local time up to which
 * it answers.
 */
interface OffsetSpan {
  readonly untilAt: number;
  readonly untilLocalMs: number;
  readonly offsetMs: number;
}

interface OffsetBlock {
  /** In order; what lies after the last one has `finalOffsetMs`. */
  readonly spans: readonly OffsetSpan[];
  readonly finalOffsetMs: number;
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
  const block = blockAt(zone, at);
  for (const span of block.spans) if (at < span.untilAt) return span.offsetMs;
  return block.finalOffsetMs;
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
  const block = blockAt(zone, localMs);
  for (const span of block.spans) if (localMs < span.untilLocalMs) return localMs - span.offsetMs;
  return localMs - block.finalOffsetMs;
}

/** Whether a local date-time occurs twice, because the clocks are turned back over it. */
export function isRepeatedLocal(zone: Zone, localMs: number): boolean {
  const firstAt = localToInstant(zone, localMs);
  const { spans, finalOffsetMs } = blockAt(zone, localMs);
  const index = spans.findIndex(({ untilLocalMs }) => localMs < untilLocalMs);
  const nextOffsetMs = index === -1 ? finalOffsetMs : (spans[index + 1]?.offsetMs ?? finalOffsetMs);
  return localMs - nextOffsetMs > firstAt && instantToLocal(zone, localMs - nextOffsetMs) === localMs;
}

/**
 * The largest forward jump of the clocks within some days of an instant, in ms. A skipped local time falls after later
 * ones by at most this much, so it bounds how far local order and the order of instants can disagree.
 */
export function largestGapNear(zone: Zone, at: number): number {
  return blockAt(zone, at).largestGapMs;
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

function blockAt(zone: Zone, ms: number): OffsetBlock {
  const index = Math.min(Math.max(Math.floor(ms / BLOCK_MS), 0), LAST_BLOCK);
  const known = zone.blocks[index];
  if (known !== undefined) return known;
  const block = buildBlock(zone, index);
  zone.blocks[index] = block;
  return block;
}

function buildBlock(zone: Zone, index: number): OffsetBlock {
  const spans: OffsetSpan[] = [];
  const endAt = (index + 1) * BLOCK_MS + BLOCK_OVERLAP_MS;
  let probeAt = index * BLOCK_MS - BLOCK_OVERLAP_MS;
  let offsetMs = askOffset(zone, probeAt);
  let largestGapMs = 0;
  while (probeAt < endAt) {
    const nextAt = probeAt + PROBE_MS;
    const nextOffsetMs = askOffset(zone, nextAt);
    while (offsetMs !== nextOffsetMs) {
      const untilAt = findChange(zone, probeAt, nextAt, offsetMs);
      const changedMs = askOffset(zone, untilAt);
      // The later of the two local times at the change: up to it the old offset answers, both for what is skipped and
      // for the first pass through what is repeated.
      spans.push({ untilAt, untilLocalMs: untilAt + Math.max(offsetMs, changedMs), offsetMs });
      largestGapMs = Math.max(largestGapMs, changedMs - offsetMs);
      offsetMs = changedMs;
      probeAt = untilAt;
    }
    probeAt = nextAt;
  }
  return { spans, finalOffsetMs: offsetMs, largestGapMs };
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
