// A zone as calendars read it (RFC 5545 §3.6.5): every change of its clocks within a span, from the same data as the windows. Rules
// "each year" would be shorter, and wrong where a zone does not keep to them or gave them up.
import { offsetAt, offsetChanges, zoneNamed } from './zone.ts';

/** The VTIMEZONE component of a zone, true from `fromAt` to `toAt`, in lines that end with CRLF. Both are whole seconds. */
export function vtimezone(tzid: string, fromAt: number, toAt: number): string {
  const zone = zoneNamed(tzid);
  const first = offsetAt(zone, fromAt);
  // One at the very beginning is part of what there is before.
  const changes = offsetChanges(zone, fromAt + 1, toAt + 1);
  // Readers go by the offsets; which of them is the standard one matters to nobody but those who show it.
  const standardMs = Math.min(first, ...changes.map(({ afterMs }) => afterMs));
  // Before all that is told: midnight of 1970.
  const observances = [observance(standardMs, first, first, -first)];
  for (const { at, beforeMs, afterMs } of changes) observances.push(observance(standardMs, beforeMs, afterMs, at));
  return ['BEGIN:VTIMEZONE', `TZID:${tzid}`, ...observances.flat(), 'END:VTIMEZONE', ''].join('\r\n');
}

/** It begins at the local time that the clocks showed just before, as RFC 5545 §3.6.5 has it. */
function observance(standardMs: number, beforeMs: number, offsetMs: number, at: number): string[] {
  const kind = offsetMs > standardMs ? 'DAYLIGHT' : 'STANDARD';
  const local = new Date(at + beforeMs).toISOString().replaceAll(/[-:]|\.000Z$/g, '');
  return [
    `BEGIN:${kind}`,
    `DTSTART:${local}`,
    `TZOFFSETFROM:${offsetText(beforeMs)}`,
    `TZOFFSETTO:${offsetText(offsetMs)}`,
    `END:${kind}`,
  ];
}

/** "+0530", "-033045". */
function offsetText(offsetMs: number): string {
  const seconds = Math.abs(offsetMs) / 1_000;
  const parts = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60, seconds % 60];
  const shown = parts[2] === 0 ? parts.slice(0, 2) : parts;
  return `${offsetMs < 0 ? '-' : '+'}${shown.map((part) => String(part).padStart(2, '0')).join('')}`;
}
