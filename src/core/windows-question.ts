// One question to the calculator in the terms of the schedules file, and its answer: what `relatch windows` reads and prints.
import { z } from 'zod';
import { fieldWords } from './field-words.ts';
import { causesOf, describeCauses } from './window-causes.ts';
import { compileCalendar, windowsFrom } from './windows.ts';

const COUNT_MAX = 1_000;

const Span = { from: z.string(), to: z.string() };
const Question = z.strictObject({
  windows: z.array(z.strictObject({ rrule: z.string(), ...Span })),
  timezone: z.string(),
  starts_on: z.string(),
  ends_on: z.string().nullish(),
  except: z.strictObject({ dates: z.array(z.string()).optional() }).optional(),
  extra: z.array(z.strictObject({ date: z.string(), ...Span })).optional(),
  blackouts: z.array(z.strictObject({ ...Span, reason: z.string().nullish() })).optional(),
  grace: z.strictObject({ early_minutes: z.number().optional(), late_minutes: z.number().optional() }).optional(),
  merge_gaps_up_to_minutes: z.number().optional(),
  after: z.iso.datetime({ offset: true, error: 'It must be an instant such as 2026-03-08T07:30:00Z.' }),
  count: z.number().refine((count) => Number.isInteger(count) && count >= 1 && count <= COUNT_MAX, {
    error: `It must be a whole number from 1 to ${COUNT_MAX}.`,
  }),
});

/** `why` only where it was asked for. */
export interface AnsweredWindow {
  readonly starts_at: string;
  readonly ends_at: string;
  readonly why?: string;
}

export type WindowsAnswer =
  | { readonly windows: readonly AnsweredWindow[] }
  | { readonly error: { readonly code: string; readonly message: string; readonly field: string } };

/** Answers one line of JSON; never throws for what stands in it. Of several problems the first one is told. */
export function answerWindows(line: string, options: { readonly why: boolean }): WindowsAnswer {
  let json: unknown;
  try {
    json = JSON.parse(line);
  } catch {
    return refusal('json_invalid', 'The line must be one JSON object.', '');
  }
  const read = Question.safeParse(json, { error: fieldWords });
  if (!read.success) {
    const issue = firstOf(read.error.issues);
    const isUnknown = issue.code === 'unrecognized_keys';
    const path = isUnknown ? [...issue.path, firstOf(issue.keys)] : issue.path;
    return refusal(isUnknown ? 'field_unknown' : 'field_invalid', issue.message, fieldName(path));
  }
  const { after, count, ...given } = read.data;
  const compilation = compileCalendar({
    windows: given.windows,
    timezone: given.timezone,
    startsOn: given.starts_on,
    endsOn: given.ends_on ?? undefined,
    exceptDates: given.except?.dates,
    extra: given.extra,
    grace: { earlyMinutes: given.grace?.early_minutes ?? 0, lateMinutes: given.grace?.late_minutes ?? 0 },
    mergeGapsUpToMinutes: given.merge_gaps_up_to_minutes,
    blackouts: given.blackouts?.map(({ from, to, reason }) => ({ from, to, reason: reason ?? null })),
  });
  if (!compilation.ok) {
    const { code, message, field } = firstOf(compilation.problems);
    return refusal(code, message, field);
  }
  const { calendar } = compilation;
  const windows = windowsFrom(calendar, new Date(after), count).map((window) => ({
    starts_at: window.startsAt.toISOString(),
    ends_at: window.endsAt.toISOString(),
    ...(options.why && { why: describeCauses(causesOf(calendar, window)) }),
  }));
  return { windows };
}

function refusal(code: string, message: string, field: string): WindowsAnswer {
  return { error: { code, message, field } };
}

/** Of a path that begins with a name, as all do in an object. */
function fieldName(path: readonly PropertyKey[]): string {
  return path
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
    .join('')
    .slice(1);
}

/** Of a list that holds something. */
function firstOf<Item>(items: readonly Item[]): Item {
  for (const item of items) return item;
  throw new RangeError('The list is empty.');
}
