// Which windows and names a lock takes, by what Seam tells of it. What Seam does not tell is not held against anybody.
import { formatInTimeZone } from 'date-fns-tz';
import { codeName, markerLength } from './access-code.ts';
import type { DeviceFacts, TimeFrame } from './device.ts';
import type { Window } from './windows.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/** Why no code can be programmed at all, as the end of a sentence that begins with the lock's name; null: it can. */
export function lockProblem({ canProgram }: Pick<DeviceFacts, 'canProgram'>): string | null {
  if (canProgram) return null;
  return 'takes no codes over the internet, says Seam: connect its hub or bridge, renew its subscription, or use another lock';
}

/**
 * Why the lock cannot hold a window, as the end of a sentence that begins with the lock's name; null where one of its kinds
 * of time frames fits, or it has none. Rules about dates are left to Seam.
 * @param timezone for what is held against local times, where the lock names none
 */
export function windowProblem(
  window: Window,
  { timeFrames }: Pick<DeviceFacts, 'timeFrames'>,
  timezone: string,
): string | null {
  if (timeFrames === null || timeFrames.length === 0) return null;
  const reasons = timeFrames.map((frame) => misfit(window, frame, timezone));
  if (reasons.includes(null)) return null;
  const [only] = reasons;
  if (reasons.length === 1) return `takes ${only}`;
  return `takes only these kinds of windows: ${timeFrames.map(({ name }, index) => `${name} (${reasons[index]})`).join('; ')}`;
}

/** What the frame asks that the window does not have; null: it fits. */
function misfit({ startsAt, endsAt }: Window, frame: TimeFrame, timezone: string): string | null {
  const { minMs, maxMs, hasMatchingTimes, pairs } = frame;
  const lengthMs = endsAt.getTime() - startsAt.getTime();
  if (minMs !== null && lengthMs < minMs)
    return `windows of at least ${inWords(minMs)}, this one has ${inWords(lengthMs)}`;
  if (maxMs !== null && lengthMs > maxMs)
    return `windows of at most ${inWords(maxMs)}, this one has ${inWords(lengthMs)}`;
  const local = (at: Date): string => formatInTimeZone(at, frame.timezone ?? timezone, 'HH:mm');
  const [from, to] = [local(startsAt), local(endsAt)];
  if (hasMatchingTimes && from !== to)
    return `windows that begin and end at the same time of day, this one has ${from} and ${to}`;
  if (pairs !== null && !pairs.some((pair) => pair.from === from && pair.to === to)) {
    const allowed = pairs.map((pair) => `${pair.from}–${pair.to}`).join(' or ');
    return `windows of ${allowed}${frame.timezone === null ? '' : ` (${frame.timezone})`}, this one is ${from}–${to}`;
  }
  return null;
}

/** What is left of a schedule's name on a lock that has no room for all of it; null where it has. */
export function shortName(label: string, { nameLengthMax }: Pick<DeviceFacts, 'nameLengthMax'>): string | null {
  const marker = '#'.repeat(markerLength);
  const name = codeName(label, marker, nameLengthMax);
  return name === `${label.trim()} ${marker}` ? null : name.slice(0, -markerLength).trim();
}

/** Milliseconds of an ISO 8601 duration in weeks, days and smaller; null where it says months or years, or is none. */
export function durationMs(text: string): number | null {
  const parts = /^P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$/.exec(text);
  if (parts === null) return null;
  const [weeks = 0, days = 0, hours = 0, minutes = 0, seconds = 0] = parts.slice(1).map((part) => Number(part ?? 0));
  return weeks * 7 * dayMs + days * dayMs + hours * hourMs + minutes * 60_000 + seconds * 1_000;
}

function inWords(ms: number): string {
  if (ms >= 2 * dayMs && ms % dayMs === 0) return `${ms / dayMs} days`;
  const [hours, minutes] = [Math.floor(ms / hourMs), Math.round((ms % hourMs) / 60_000)];
  return [hours > 0 ? `${hours} h` : '', minutes > 0 || hours === 0 ? `${minutes} min` : ''].filter(Boolean).join(' ');
}
