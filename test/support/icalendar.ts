// A reader of calendars that knows nothing of how ours are made: it holds every line against RFC 5545, and reads local times by the
// VTIMEZONE that comes along, as strict programs do.

export interface ReadEvent {
  readonly uid: string;
  readonly startsAt: string;
  readonly endsAt: string;
  /** Null where it is told in UTC. */
  readonly tzid: string | null;
  readonly sequence: number;
  readonly stamp: string;
  readonly summary: string;
  readonly location: string;
  readonly description: string;
}

export interface ReadCalendar {
  readonly name: string;
  readonly tzids: readonly string[];
  readonly events: readonly ReadEvent[];
}

interface Line {
  readonly name: string;
  readonly params: Readonly<Record<string, string>>;
  readonly value: string;
}

interface Component {
  readonly kind: string;
  readonly lines: Line[];
  readonly parts: Component[];
}

/** @throws Error at the first thing that RFC 5545 does not allow */
export function readCalendar(text: string): ReadCalendar {
  if (!text.endsWith('\r\n')) throw new Error('the last line does not end with CRLF');
  const physical = text.slice(0, -2).split('\r\n');
  for (const line of physical) {
    if (Buffer.byteLength(line) > 75) throw new Error(`longer than 75 octets: ${line}`);
    if (/[\p{Cc}\p{Cs}\ufffe\uffff]/u.test(line)) throw new Error(`a control character: ${JSON.stringify(line)}`);
  }
  const lines = physical.join('\r\n').replaceAll(/\r\n /g, '').split('\r\n').map(readLine);
  const calendar = componentOf(lines);
  if (calendar.kind !== 'VCALENDAR' || fieldOf(calendar, 'VERSION') !== '2.0' || fieldOf(calendar, 'PRODID') === '')
    throw new Error('no calendar');
  const zones = new Map(
    calendar.parts.filter(({ kind }) => kind === 'VTIMEZONE').map((zone) => [fieldOf(zone, 'TZID'), zone]),
  );
  const events = calendar.parts.filter(({ kind }) => kind === 'VEVENT').map((event) => readEvent(event, zones));
  const uids = new Set(events.map(({ uid }) => uid));
  if (uids.size !== events.length) throw new Error('two events have one UID');
  return { name: textOf(fieldOf(calendar, 'X-WR-CALNAME')), tzids: [...zones.keys()], events };
}

function readLine(line: string): Line {
  const match = /^([A-Z-]+)((?:;[A-Z-]+=[^";:,]+)*):(.*)$/.exec(line);
  if (match === null) throw new Error(`no content line: ${line}`);
  const [, name = '', params = '', value = ''] = match;
  const pairs = params.split(';').slice(1);
  return { name, value, params: Object.fromEntries(pairs.map((pair) => pair.split('=') as [string, string])) };
}

function componentOf(lines: readonly Line[]): Component {
  const root: Component = { kind: '', lines: [], parts: [] };
  const open = [root];
  for (const line of lines) {
    const current = open.at(-1)!;
    if (line.name === 'BEGIN') {
      const part: Component = { kind: line.value, lines: [], parts: [] };
      current.parts.push(part);
      open.push(part);
    } else if (line.name === 'END') {
      if (current.kind !== line.value) throw new Error(`${line.value} ends where it did not begin`);
      open.pop();
    } else if (current.parts.length > 0) throw new Error(`${line.name} comes behind a component`);
    else current.lines.push(line);
  }
  const [only] = root.parts;
  if (open.length > 1 || only === undefined || root.parts.length > 1 || root.lines.length > 0)
    throw new Error('not one whole calendar');
  return only;
}

function readEvent(event: Component, zones: ReadonlyMap<string, Component>): ReadEvent {
  const [start, end] = [lineOf(event, 'DTSTART'), lineOf(event, 'DTEND')];
  return {
    uid: fieldOf(event, 'UID'),
    startsAt: instantOf(start, zones),
    endsAt: instantOf(end, zones),
    tzid: start.params['TZID'] ?? null,
    sequence: Number(fieldOf(event, 'SEQUENCE')),
    stamp: instantOf(lineOf(event, 'DTSTAMP'), zones),
    summary: textOf(fieldOf(event, 'SUMMARY')),
    location: textOf(fieldOf(event, 'LOCATION')),
    description: textOf(fieldOf(event, 'DESCRIPTION')),
  };
}

function lineOf({ kind, lines }: Component, name: string): Line {
  const found = lines.filter((line) => line.name === name);
  if (found.length !== 1) throw new Error(`${kind} has ${name} ${found.length} times`);
  return found[0]!;
}

function fieldOf(component: Component, name: string): string {
  return lineOf(component, name).value;
}

function textOf(value: string): string {
  if (/(?<!\\)(?:\\\\)*[,;]|(?<!\\)(?:\\\\)*\\(?![\\,;nN])/.test(value)) throw new Error(`not escaped: ${value}`);
  return value.replaceAll(/\\(.)/g, (_, sign: string) => (sign.toLowerCase() === 'n' ? '\n' : sign));
}

/** By the last change of the clocks at or before the local time; one that occurs twice is the first (RFC 5545 §3.3.5). */
function instantOf({ value, params }: Line, zones: ReadonlyMap<string, Component>): string {
  if (value.endsWith('Z') && params['TZID'] === undefined) return new Date(localMs(value.slice(0, -1))).toISOString();
  const zone = zones.get(params['TZID'] ?? '');
  if (zone === undefined) throw new Error(`no VTIMEZONE ${params['TZID']}`);
  const local = localMs(value);
  const last = zone.parts
    .map((part) => ({ at: localMs(fieldOf(part, 'DTSTART')), after: offsetMs(fieldOf(part, 'TZOFFSETTO')) }))
    .sort((a, b) => a.at - b.at)
    // DTSTART is what the clocks showed at the change. Where they are turned back, it is shown again later: all local times up to it
    // are then read by the old offset.
    .findLast(({ at }) => local >= at);
  if (last === undefined) throw new Error(`${value} is before all that its zone tells`);
  return new Date(local - last.after).toISOString();
}

function localMs(text: string): number {
  const match = /^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})$/.exec(text);
  if (match === null) throw new Error(`no date-time: ${text}`);
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1).map(Number);
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

function offsetMs(text: string): number {
  const match = /^([+-])(\d{2})(\d{2})(\d{2})?$/.exec(text);
  if (match === null) throw new Error(`no offset: ${text}`);
  const [, sign, hours, minutes, seconds = '0'] = match;
  return (sign === '-' ? -1 : 1) * (Number(hours) * 3_600 + Number(minutes) * 60 + Number(seconds)) * 1_000;
}
