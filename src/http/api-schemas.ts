// What several routes take and give, as zod schemas with the words that the document has for them.
import { z } from 'zod';
import { scheduleFields } from '../core/schedules-file-fields.ts';
import type { After } from '../db/alerts.ts';

export const ScheduleKey = scheduleFields.key.meta({
  description: "The schedule's own stable name.",
  examples: ['cleaning-crew'],
});

export const KeyParams = z.strictObject({ key: ScheduleKey });
export const IdParams = z.strictObject({ id: z.guid().meta({ examples: ['b7c1c5f0-3f0e-4f6e-9a54-0a2f6f1f7f10'] }) });

export const Flag = z
  .enum(['true', 'false'])
  .default('false')
  .transform((text) => text === 'true');

export const DryRun = z.strictObject({
  dry_run: Flag.meta({ description: 'true: tells what would be done, and does nothing.' }),
});

export const Limit = z.coerce.number().int().min(1).max(200).default(50).meta({ description: 'How many at most.' });

export const NextCursor = z
  .string()
  .nullable()
  .meta({ description: 'Send it as cursor to get what follows; null: nothing does.' });

const instantPattern = /^(19[7-9]\d|2[01]\d\d)-/;

/** An instant in a year in which there are windows. */
export const InstantParam = z.iso
  .datetime({ offset: true, abort: true, error: 'It must be an instant such as 2027-03-08T07:30:00Z.' })
  .refine((text) => instantPattern.test(text), { error: 'It must be from 1970 to 2199.' })
  .meta({ examples: ['2027-03-08T07:30:00Z'] });

const cursorMessage = 'It must be next_cursor of the page before.';

/** Of a list in the order of time. */
export const TimeCursor = z
  .string()
  .max(100)
  .transform((text, context): After => {
    const [at = '', id = ''] = text.split('~');
    if (InstantParam.safeParse(at).success && z.guid().safeParse(id).success) return { at: new Date(at), id };
    context.addIssue(cursorMessage);
    return z.NEVER;
  })
  .meta({ description: 'next_cursor of the page before.' });

/** A page of one more than was wanted, which tells whether anything follows. */
export function pageOf<Item>(
  found: readonly Item[],
  limit: number,
  cursorOf: (item: Item) => string,
): { readonly items: readonly Item[]; readonly next_cursor: string | null } {
  const items = found.slice(0, limit);
  const last = items.at(-1);
  return { items, next_cursor: found.length > limit && last !== undefined ? cursorOf(last) : null };
}

export function timeCursor(at: Date, id: string): string {
  return `${at.toISOString()}~${id}`;
}

export const DateText = scheduleFields.starts_on.meta({ description: 'A local date.', examples: ['2027-03-08'] });
export const TimeText = z
  .string()
  .regex(/^(([01]\d|2[0-3]):[0-5]\d|24:00)$/, { error: 'It must be a time of day as HH:MM.' })
  .meta({ description: 'A local time of day.', examples: ['19:00'] });
export const Reason = scheduleFields.holder.meta({ description: 'Why, for people.', examples: ['ill'] });
export const Instant = z.iso.datetime().meta({ description: 'In UTC.' });

const Span = z.object({ starts_at: Instant, ends_at: Instant });

const DoorPlan = z
  .object({
    schedule_key: z.string(),
    device_id: z.string(),
    device_name: z.string().nullable(),
    appearing: z.array(Span).meta({ description: 'Windows of the next two weeks that come in.' }),
    vanishing: z.array(Span).meta({ description: 'Windows of the next two weeks that go.' }),
    would: z.array(z.string()).meta({ description: 'What is done at once, in words.' }),
  })
  .meta({ id: 'DoorPlan', description: 'What a change would do at one door.' });

export const Outcome = z.enum(['created', 'changed', 'unchanged']);
export const Plan = z.array(DoorPlan).meta({ description: 'What a dry run tells, door by door; else empty.' });

const FieldProblem = z.object({
  path: z.string().meta({ examples: ['windows[0].rrule'] }),
  message: z.string(),
});

export const ProblemDetails = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int().min(400).max(599),
    detail: z.string().meta({ description: 'What happened and what to do.' }),
    code: z.string().meta({ description: 'The same for the same kind of problem, for programs.' }),
    request_id: z.string().meta({ description: 'Stands in the log line, too.' }),
    errors: z.array(FieldProblem).optional().meta({ description: 'What is wrong with the fields, 100 at most.' }),
  })
  .meta({ id: 'Problem', description: 'RFC 9457 problem details.' });
