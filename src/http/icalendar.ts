// A feed as RFC 5545 text.
import ical, { ICalCalendarMethod, ICalEventTransparency } from 'ical-generator';
import type { FeedEvent } from '../core/feed.ts';
import { DAY_MS } from '../core/local-date.ts';
import { vtimezone } from '../core/vtimezone.ts';
import { instantToLocal, localToInstant, zoneNamed } from '../core/zone.ts';
import type { ReadFeed } from '../flows/feeds.ts';

/** How often calendars are asked to read it again. */
const refreshSeconds = 3_600;

/** The calendar of a feed: the same text for the same windows. */
export function icalendar({ name, events, from, to, isCut }: ReadFeed): string {
  const calendar = ical({
    prodId: { company: 'Relatch', product: 'Relatch', language: 'EN' },
    // The library writes it as it is.
    name: escaped(plain(name)),
    method: ICalCalendarMethod.PUBLISH,
    ttl: refreshSeconds,
    ...(isCut && { description: 'Too much for one calendar: a part is shown. Make feeds of single schedules.' }),
  });
  const zones = new Set<string>();
  for (const event of events) {
    const { startsAt, endsAt, timezone, uid, sequence, changedAt } = event;
    // By the name that people gave it: the one that Intl calls the canonical one may be the older one.
    const zone = isLocallyClear(event) ? timezone : 'UTC';
    if (zone !== 'UTC') zones.add(zone);
    calendar.createEvent({
      id: uid,
      sequence,
      stamp: changedAt,
      lastModified: changedAt,
      start: inZone(startsAt, zone),
      end: inZone(endsAt, zone),
      timezone: zone,
      summary: plain(event.summary),
      location: plain(event.location),
      description: plain(event.description),
      // That a door may be opened makes nobody busy.
      transparency: ICalEventTransparency.TRANSPARENT,
    });
  }
  // A year back, so that both offsets of a zone are there; and windows at the edge reach beyond it, a month at most.
  const span = [from.getTime() - 366 * DAY_MS, to.getTime() + 40 * DAY_MS] as const;
  const components = [...zones].map((zone) => vtimezone(zone, ...span)).join('');
  const text = calendar.toString();
  // The library would have properties behind them, which RFC 5545 §3.6 does not.
  const at = text.search(/^(?:BEGIN:VEVENT|END:VCALENDAR)/m);
  return `${text.slice(0, at)}${components}${text.slice(at)}\r\n`;
}

/**
 * Whether local times say when it is: one that occurs twice means the first (RFC 5545 §3.3.5), so that the second can be said in
 * UTC alone.
 */
function isLocallyClear({ timezone, startsAt, endsAt }: FeedEvent): boolean {
  const zone = zoneNamed(timezone);
  if (zone.name === 'UTC') return false;
  return [startsAt, endsAt].every((at) => localToInstant(zone, instantToLocal(zone, at.getTime())) === at.getTime());
}

/** An instant as the library takes those that know their zone: of a bare Date it would tell the time of this process's zone. */
function inZone(at: Date, zone: string) {
  // date-fns-tz would be wrong by an hour for times that the zone of this process skips.
  const [date = '', time = ''] = new Date(instantToLocal(zoneNamed(zone), at.getTime())).toISOString().split('T');
  const digits = (text: string): string => text.replaceAll(/[-:]|\..*/g, '');
  return {
    isValid: true,
    zone: { type: 'iana' },
    setZone: () => inZone(at, zone),
    toFormat: (format: string): string => digits(format === 'HHmmss' ? time : date),
    toJSDate: () => at,
    toJSON: () => at.toISOString(),
  };
}

/** Without what no text of a calendar may hold. Line ends stay, and are escaped. */
function plain(text: string): string {
  return text.replaceAll(/(?:(?!\n)\p{Cc})+/gu, ' ').replaceAll(/\p{Cs}/gu, '\ufffd');
}

function escaped(text: string): string {
  return text.replaceAll(/[\\;,]/g, '\\$&').replaceAll('\n', '\\n');
}
