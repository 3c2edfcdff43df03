// Times and amounts as people say them, in the zone of the schedule that they belong to.
import { formatInTimeZone } from 'date-fns-tz';
import { parseLocalDate } from '../../core/local-date.ts';
import { localDateOf, type Window } from '../../core/windows.ts';
import { type Html, html } from './html.ts';

const minuteMs = 60_000;

/** "New York time" */
export function zoneWords(timezone: string): string {
  const place = timezone.split('/').at(-1)?.replaceAll('_', ' ') ?? timezone;
  return timezone.includes('/') && !timezone.startsWith('Etc/') ? `${place} time` : place;
}

/** "today", "tomorrow", "Tue 9 Mar", and the year where it is another one. */
function dayWords(timezone: string, at: Date, now: Date): string {
  const day = localDateOf(timezone, at);
  const today = localDateOf(timezone, now);
  if (day === today) return 'today';
  // By the calendar: 24 hours on, it may be the day after tomorrow where the clocks go forward.
  if (parseLocalDate(day) === (parseLocalDate(today) ?? 0) + 1) return 'tomorrow';
  const isThisYear = day.slice(0, 4) === today.slice(0, 4);
  return formatInTimeZone(at, timezone, isThisYear ? 'EEE d MMM' : 'EEE d MMM yyyy');
}

/** "17:00" of today, "tomorrow 06:00", "Tue 9 Mar 09:00". */
export function momentWords(timezone: string, at: Date, now: Date): string {
  const time = formatInTimeZone(at, timezone, 'HH:mm');
  const day = dayWords(timezone, at, now);
  return day === 'today' ? time : `${day} ${time}`;
}

/** "today 09:00–17:00", "today 22:00 to tomorrow 06:00". */
export function spanWords(timezone: string, { startsAt, endsAt }: Window, now: Date): string {
  const [from, to] = [dayWords(timezone, startsAt, now), dayWords(timezone, endsAt, now)];
  const local = (at: Date): string => formatInTimeZone(at, timezone, 'HH:mm');
  const isSameDay = localDateOf(timezone, startsAt) === localDateOf(timezone, endsAt);
  return `${from} ${local(startsAt)}${isSameDay ? '–' : ` to ${to} `}${local(endsAt)}`;
}

/** An instant in words, and for programs. */
export function timeTag(at: Date, words: string): Html {
  return html`<time datetime="${at.toISOString()}">${words}</time>`;
}

/** "less than a minute", "25 minutes", "2 hours 5 minutes", "3 days 4 hours"; of nothing below zero. */
export function lengthWords(ms: number): string {
  const minutes = Math.floor(ms / minuteMs);
  if (minutes < 1) return 'less than a minute';
  const [days, hours] = [Math.floor(minutes / 1440), Math.floor((minutes % 1440) / 60)];
  const parts =
    days > 0
      ? [countWords(days, 'day'), hours > 0 ? countWords(hours, 'hour') : '']
      : [hours > 0 ? countWords(hours, 'hour') : '', minutes % 60 > 0 ? countWords(minutes % 60, 'minute') : ''];
  return parts.filter((part) => part !== '').join(' ');
}

/** "begins in 25 minutes", "ends in 2 hours", "is over". */
export function leftWords({ startsAt, endsAt }: Window, now: Date): string {
  if (startsAt > now) return `begins in ${lengthWords(startsAt.getTime() - now.getTime())}`;
  return endsAt > now ? `ends in ${lengthWords(endsAt.getTime() - now.getTime())}` : 'is over';
}

/** As a sentence begins. */
export function capital(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}

/** "1 door", "5,000 doors". */
export function countWords(count: number, noun: string): string {
  return `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`;
}

/** Who it is for: the holder, or else what the schedule is called. */
export function whoWords({ holder, name }: { readonly holder: string | null; readonly name: string }): string {
  return holder ?? name;
}

/** Names of others may hold marks that turn the direction of text: they end with the name. */
export function nameTag(name: string): Html {
  return html`<bdi>${name}</bdi>`;
}

export function doorWords(name: string | null): string {
  return name ?? 'A door without a name yet';
}
