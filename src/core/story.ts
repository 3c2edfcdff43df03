// The history as a story that people read: by local day, the life of a code in one sentence instead of ten lines, what was tried
// again and again told once. Pure; no line says less than that something happened, and alerts always stand for themselves.
import { formatInTimeZone } from 'date-fns-tz';
import { momentFormat } from './explain-facts.ts';
import { localDateOf, type Window } from './windows.ts';

/** A line of the history. */
export interface StoryEntry {
  readonly at: Date;
  readonly kind: string;
  readonly isAlert: boolean;
  readonly message: string;
  readonly by: string | null;
  readonly deviceId: string | null;
  readonly scheduleKey: string | null;
  readonly codeId: string | null;
  readonly detail: Readonly<Record<string, unknown>>;
}

export interface StoryLine {
  /** When it last happened. */
  readonly at: Date;
  readonly isAlert: boolean;
  /** Whom it is about, where the text does not say so itself. */
  readonly subjects: readonly string[];
  /** A sentence; goes on after the subjects and a colon, where there are some. */
  readonly text: string;
}

export interface StoryDay {
  /** "YYYY-MM-DD". */
  readonly date: string;
  /** Newest first. */
  readonly lines: readonly StoryLine[];
}

export interface StoryFrame {
  /** In which days are days. */
  readonly timezone: string;
  /** Of a schedule, lines name doors; of a door, schedules. */
  readonly of: 'schedule' | 'door';
  /** Windows of the codes that entries are about, as far as they are known. */
  readonly windows: ReadonlyMap<string, Window>;
}

interface Step {
  readonly at: Date;
  /** Place among the entries of the day. */
  readonly order: number;
  readonly text: string;
}

/** What happened on one day to the code of one window, at one door. */
interface Chapter {
  readonly subject: string;
  readonly window: Window;
  readonly steps: Step[];
}

/** An entry that is told in its own words, and its place among those of the day. */
interface Said {
  readonly entry: StoryEntry;
  readonly order: number;
}

interface OrderedLine {
  readonly line: StoryLine;
  readonly order: number;
}

/** @param entries newest first, as they were written */
export function storyOf(entries: readonly StoryEntry[], frame: StoryFrame): StoryDay[] {
  const days = Map.groupBy(entries, ({ at }) => localDateOf(frame.timezone, at));
  return [...days]
    .map(([date, ofDay]) => ({ date, lines: linesOf(ofDay.toReversed(), frame) }))
    .filter(({ lines }) => lines.length > 0);
}

function linesOf(oldestFirst: readonly StoryEntry[], frame: StoryFrame): StoryLine[] {
  const chapters = new Map<string, Chapter>();
  const repeats = new Map<string, Said[]>();
  for (const [order, entry] of oldestFirst.entries()) {
    if (isNoise(entry)) continue;
    const text = stepOf(entry);
    const window = windowOf(entry, frame);
    if (text === null || window === null) {
      const key = entry.by === null ? `${entry.kind} ${subjectKey(entry)} ${entry.isAlert}` : `${order}`;
      repeats.set(key, [...(repeats.get(key) ?? []), { entry, order }]);
      continue;
    }
    const key = `${subjectKey({ ...entry, codeId: null })} ${window.startsAt.getTime()}`;
    const chapter = chapters.get(key) ?? { subject: subjectOf(entry, frame), window, steps: [] };
    if (chapter.steps.at(-1)?.text !== text) chapter.steps.push({ at: entry.at, order, text });
    chapters.set(key, chapter);
  }
  return [...chapterLines([...chapters.values()], frame), ...[...repeats.values()].map((same) => lineOf(same, frame))]
    .sort((a, b) => b.order - a.order)
    .map(({ line }) => line);
}

/** Seam's account of what it does for us says nothing that our own lines do not. */
function isNoise({ kind, message, isAlert }: StoryEntry): boolean {
  return kind === 'code.reported' && !isAlert && message.startsWith('Seam reports ');
}

function subjectKey({ scheduleKey, deviceId, codeId }: StoryEntry): string {
  return `${scheduleKey} ${deviceId} ${codeId}`;
}

function subjectOf({ deviceId, scheduleKey, detail }: StoryEntry, { of }: StoryFrame): string {
  const name = of === 'schedule' ? detail['device_name'] : detail['schedule_name'];
  if (typeof name === 'string') return name;
  return of === 'schedule' ? `device ${deviceId}` : (scheduleKey ?? 'a schedule');
}

/** What an ordinary moment in the life of a code is called; null for what is told by itself. */
function stepOf({ kind, isAlert, message, detail }: StoryEntry): string | null {
  if (isAlert) return null;
  switch (kind) {
    case 'window.planned':
      return 'planned';
    case 'code.created':
      return message.includes('longer than asked') ? null : 'made by Seam';
    case 'code.adopted':
      return 'found at Seam and taken over';
    case 'code.ready':
      return detail['event_type'] === 'access_code.scheduled_on_device'
        ? 'stored on the lock ahead of its time'
        : 'set on the lock';
    case 'window.moved':
      return 'moved to these hours';
    case 'code.updated':
      return 'given its new times';
    case 'code.reported':
      return message.startsWith('Gone from the lock: ') ? 'taken off the lock' : null;
    case 'code.removed':
      return message.includes('gets another one') ? null : 'taken off the lock';
    default:
      return null;
  }
}

function windowOf({ codeId, detail }: StoryEntry, { windows }: StoryFrame): Window | null {
  const known = codeId === null ? undefined : windows.get(codeId);
  if (known !== undefined) return known;
  const { window_starts_at: startsAt, window_ends_at: endsAt } = detail;
  if (typeof startsAt !== 'string' || typeof endsAt !== 'string') return null;
  return { startsAt: new Date(startsAt), endsAt: new Date(endsAt) };
}

/** One line for all that had the same done at the same minutes. */
function chapterLines(chapters: readonly Chapter[], frame: StoryFrame): OrderedLine[] {
  const told = chapters.map((chapter) => ({ ...chapter, text: sentenceOf(chapter, frame) }));
  return [...Map.groupBy(told, ({ text }) => text)].flatMap(([text, same]) => {
    const last = same.flatMap(({ steps }) => steps).reduce((a, b) => (a.order > b.order ? a : b));
    const subjects = [...new Set(same.map(({ subject }) => subject))].sort((a, b) => a.localeCompare(b, 'en'));
    return [{ line: { at: last.at, isAlert: false, subjects, text }, order: last.order }];
  });
}

/** "the code for Tue 9 Mar 09:00–17:00 was planned and made by Seam at 07:00; set on the lock at 09:00." */
function sentenceOf({ window, steps }: Chapter, { timezone }: StoryFrame): string {
  const clock = (at: Date): string => formatInTimeZone(at, timezone, 'HH:mm');
  const groups = [...Map.groupBy(steps, ({ at }) => clock(at))];
  const told = groups.map(
    ([time, some]) => `${listed(some.map(({ text }) => text))}${groups.length > 1 ? ` at ${time}` : ''}`,
  );
  return `the code for ${hoursOf(timezone, window)} was ${told.join('; ')}.`;
}

function hoursOf(timezone: string, { startsAt, endsAt }: Window): string {
  const isSameDay = localDateOf(timezone, startsAt) === localDateOf(timezone, new Date(endsAt.getTime() - 1));
  const from = formatInTimeZone(startsAt, timezone, momentFormat);
  if (!isSameDay) return `${from} to ${formatInTimeZone(endsAt, timezone, momentFormat)}`;
  const to = formatInTimeZone(endsAt, timezone, 'HH:mm');
  return `${from}–${to === '00:00' ? '24:00' : to}`;
}

function listed(words: readonly string[]): string {
  return words.length < 2 ? (words[0] ?? '') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
}

/** What was said last, who did it, and how often the like was said that day. */
function lineOf(same: readonly Said[], { timezone }: StoryFrame): OrderedLine {
  const [first, last] = [same[0], same.at(-1)];
  if (first === undefined || last === undefined) throw new Error('a line of nothing');
  const { at, isAlert, by, message } = last.entry;
  const who = by === null || message.includes(by) ? '' : `, by ${by}`;
  const since = formatInTimeZone(first.entry.at, timezone, 'HH:mm');
  const often = same.length === 1 ? '' : ` Said ${same.length} times since ${since}.`;
  return {
    line: { at, isAlert, subjects: [], text: `${message.replace(/\.$/, '')}${who}.${often}` },
    order: last.order,
  };
}
