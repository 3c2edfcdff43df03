// How commands show what they found: tables for people, lines of JSON for programs.
import { stripVTControlCharacters, styleText } from 'node:util';
import { formatInTimeZone } from 'date-fns-tz';
import type { Window } from '../core/windows.ts';

type Style = Parameters<typeof styleText>[0];

/** A column of a table. */
export interface Column<Row> {
  readonly title: string;
  readonly of: (row: Row) => string;
  readonly style?: (row: Row) => Style | null;
}

/** Rows under titles, aligned. Colour only where standard output is a terminal and NO_COLOR is not set. */
export function table<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): string {
  const texts = rows.map((row) => columns.map(({ of }) => oneLine(of(row))));
  const widths = columns.map(({ title }, index) =>
    Math.max(title.length, ...texts.map((cells) => cells[index]?.length ?? 0)),
  );
  // The last column needs no room behind it.
  const pad = (text: string, index: number): string =>
    index === columns.length - 1 ? text : text.padEnd((widths[index] ?? 0) + 2);
  const head = columns.map(({ title }, index) => pad(title, index)).join('');
  const lines = rows.map((row, at) =>
    columns.map(({ style }, index) => paint(style?.(row) ?? null, pad(texts[at]?.[index] ?? '', index))).join(''),
  );
  return [paint('bold', head), ...lines].join('\n');
}

export function paint(style: Style | null, text: string): string {
  return style === null ? text : styleText(style, text);
}

/** Names come from Seam and from files: what would move a terminal's cursor is left out. */
export function oneLine(text: string): string {
  return stripVTControlCharacters(text).replaceAll(/\p{Cc}+/gu, ' ');
}

/** "Mon 8 Mar 2027 09:00–17:00" in this zone. */
export function spanIn(timezone: string, { startsAt, endsAt }: Window): string {
  const local = (at: Date, format: string): string => formatInTimeZone(at, timezone, format);
  const isSameDay = local(startsAt, 'yyyy-MM-dd') === local(endsAt, 'yyyy-MM-dd');
  const ends = local(endsAt, isSameDay ? 'HH:mm' : 'EEE d MMM HH:mm');
  return `${momentIn(timezone, startsAt)}–${ends}`;
}

/** "Mon 8 Mar 2027 09:00" in this zone. */
export function momentIn(timezone: string, at: Date): string {
  return formatInTimeZone(at, timezone, 'EEE d MMM yyyy HH:mm');
}

/** As programs read it. */
export function spanJson({ startsAt, endsAt }: Window): { readonly starts_at: string; readonly ends_at: string } {
  return { starts_at: startsAt.toISOString(), ends_at: endsAt.toISOString() };
}

/** "1 code", "2 codes". */
export function countOf(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** Prints a list: a line of JSON each for programs, else a table, or a sentence where there is nothing. */
export function printList<Row>(
  print: (text: string) => void,
  rows: readonly Row[],
  as: { readonly json: object[] | null; readonly columns: readonly Column<Row>[]; readonly none: string },
): void {
  if (as.json !== null) for (const line of as.json) print(JSON.stringify(line));
  else print(rows.length === 0 ? as.none : table(rows, as.columns));
}
