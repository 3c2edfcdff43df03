import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { compileCalendar, type ExtraWindow, type WindowRule, windowsFrom } from '../../src/core/windows.ts';

interface Vector {
  id: string;
  tags: string[];
  input: {
    windows: WindowRule[];
    timezone: string;
    starts_on: string;
    except?: { dates: string[] };
    extra?: ExtraWindow[];
    after: string;
    count: number;
  };
  expected: { starts_at: string; ends_at: string }[];
}

const file = new URL('../fixtures/recurrence-vectors.json', import.meta.url);
const vectors = JSON.parse(readFileSync(file, 'utf8')) as Vector[];

describe('vectors on which independent engines agree', () => {
  it('are all there', () => {
    expect(vectors).toHaveLength(531);
  });

  it.each(vectors)('gives the windows of $id ($tags)', ({ input, expected }) => {
    const compilation = compileCalendar({
      windows: input.windows,
      timezone: input.timezone,
      startsOn: input.starts_on,
      exceptDates: input.except?.dates,
      extra: input.extra,
    });
    if (!compilation.ok) throw new Error(JSON.stringify(compilation.problems));
    const windows = windowsFrom(compilation.calendar, new Date(input.after), input.count);
    const actual = windows.map(({ startsAt, endsAt }) => ({
      starts_at: startsAt.toISOString(),
      ends_at: endsAt.toISOString(),
    }));
    expect(actual).toEqual(expected);
  });
});
