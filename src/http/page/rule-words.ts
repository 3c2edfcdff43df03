// A rule as people say it, where it is one of the everyday kinds; else as it is written, which says it exactly.
import type { WindowRule } from '../../core/windows.ts';

const days: Readonly<Record<string, string>> = {
  MO: 'Mon',
  TU: 'Tue',
  WE: 'Wed',
  TH: 'Thu',
  FR: 'Fri',
  SA: 'Sat',
  SU: 'Sun',
};

/** "Mon, Tue, Wed, Thu, Fri 09:00–17:00", "every day 22:00–06:00, into the next day", "FREQ=MONTHLY;BYDAY=1MO 09:00–17:00". */
export function ruleWords({ rrule, from, to }: WindowRule): string {
  const overnight = to <= from ? ', into the next day' : '';
  return `${dayWords(rrule)} ${from}–${to}${overnight}`;
}

function dayWords(rrule: string): string {
  const parts = Object.fromEntries(rrule.split(';').map((part) => part.split('=')));
  const { FREQ: freq, BYDAY: byday, WKST: _, ...rest } = parts as Record<string, string>;
  if (Object.keys(rest).length > 0) return rrule;
  if (freq === 'DAILY' && byday === undefined) return 'every day';
  const names = (byday ?? '').split(',').map((day) => days[day]);
  if ((freq !== 'WEEKLY' && freq !== 'DAILY') || names.includes(undefined)) return rrule;
  return names.join(', ');
}
