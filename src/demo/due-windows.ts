// Which windows the demo's schedules should have, worked out without Relatch's own calculator: dates by the library rrule,
// local time by Temporal. Good for the rules of the example file, which is all that it has to be.
import rruleModule from 'rrule';
import type { Schedule } from '../core/schedule.ts';

const { RRule } = rruleModule;

export interface DueWindow {
  readonly startsAt: Date;
  readonly endsAt: Date;
}

/** A schedule's windows that overlap the span, in order; overlapping or touching ones joined. */
export function dueWindows(schedule: Schedule, from: Date, to: Date): DueWindow[] {
  const closed = new Set([...schedule.exceptDates, ...schedule.holidays.flatMap(({ dates }) => dates)]);
  const isOpenOn = (date: string): boolean =>
    !closed.has(date) && (schedule.endsOn === null || date <= schedule.endsOn);
  const windows = schedule.rules.flatMap((rule) =>
    datesOf(rule.rrule, schedule.startsOn, from, to)
      .filter(isOpenOn)
      .map((date) => ({
        startsAt: instantOf(date, rule.from, 0, schedule.timezone),
        endsAt: instantOf(date, rule.to, rule.to <= rule.from ? 1 : 0, schedule.timezone),
      })),
  );
  return joined(windows).filter(({ startsAt, endsAt }) => startsAt < to && endsAt > from);
}

function datesOf(rule: string, startsOn: string, from: Date, to: Date): string[] {
  const dayMs = 86_400_000;
  const rrule = new RRule({ ...RRule.parseString(rule), dtstart: new Date(`${startsOn}T00:00:00Z`) });
  const days = rrule.between(new Date(from.getTime() - 2 * dayMs), new Date(to.getTime() + 2 * dayMs), true);
  return days.map((day) => day.toISOString().slice(0, 10));
}

function instantOf(date: string, time: string, addDays: number, timeZone: string): Date {
  const [day, clock] = time === '24:00' ? [addDays + 1, '00:00'] : [addDays, time];
  const local = Temporal.PlainDate.from(date).add({ days: day }).toPlainDateTime(clock);
  return new Date(local.toZonedDateTime(timeZone, { disambiguation: 'compatible' }).epochMilliseconds);
}

function joined(windows: readonly DueWindow[]): DueWindow[] {
  const result: DueWindow[] = [];
  for (const window of [...windows].sort((a, b) => a.startsAt.getTime() - b.startsAt.getTime())) {
    const last = result.at(-1);
    if (last === undefined || window.startsAt > last.endsAt) result.push(window);
    else if (window.endsAt > last.endsAt)
      result[result.length - 1] = { startsAt: last.startsAt, endsAt: window.endsAt };
  }
  return result;
}
