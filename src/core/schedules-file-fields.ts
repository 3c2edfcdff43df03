// What each field of a schedules file may hold. Fields are read one by one, so that a mistake in one hides none in another.
// Messages (their own, or those of field-words.ts) name cause and remedy and never repeat what stands in a field that may hold a PIN.
import { z } from 'zod';
import { type Blackout, compileBlackout, problemOfLocalDateTime } from './blackouts.ts';
import { FIRST_YEAR, isLocalDate, LAST_YEAR } from './local-date.ts';
import { isPin } from './pin.ts';
import { nearest } from './schedules-file-nearest.ts';
import { isTimeZone } from './zone.ts';

/** How the file wants PINs chosen. */
export type PinChoice = { readonly policy: 'keep' | 'rotate' } | { readonly policy: 'given'; readonly pin: string };

const maxListed = 1_000;
const maxWindows = 50;
// The characters that would break a line on a lock's display or in a log.
const controlCharacters = /\p{Cc}/u;

function textField(maxLength: number) {
  return z
    .string()
    .refine(
      (text) => text.trim() === text && text !== '' && text.length <= maxLength && !controlCharacters.test(text),
      {
        error: `It must be 1 to ${maxLength} characters without line breaks, and without spaces at either end.`,
      },
    );
}

function listField<Item extends z.ZodType>(item: Item, of: string, maxLength = maxListed) {
  return z
    .array(item, { error: `It must be a list of ${of}: write [a, b], or one line "- …" for each.` })
    .max(maxLength, { error: `It may hold ${maxLength} ${of} at most.` })
    .superRefine((list, context) => {
      // Of one that is too long, nothing more is looked at.
      const seen = new Set<unknown>();
      for (const [index, entry] of list.slice(0, maxLength).entries()) {
        if (!seen.has(entry)) {
          seen.add(entry);
          continue;
        }
        context.addIssue({ code: 'custom', path: [index], message: `"${entry}" is listed twice: leave one out.` });
      }
    });
}

const dateField = z.string().superRefine((text, context) => {
  const year = Number(text.slice(0, 4));
  if (isLocalDate(text) && year >= FIRST_YEAR && year <= LAST_YEAR) return;
  const message = `"${text}" is no date: write a day that exists as YYYY-MM-DD, from ${FIRST_YEAR} to ${LAST_YEAR}.`;
  context.addIssue(message);
});

const zoneField = z.string().superRefine((name, context) => {
  if (isTimeZone(name)) return;
  const near = nearest(name, Intl.supportedValuesOf('timeZone'));
  const remedy = near === null ? 'write an IANA name such as America/New_York.' : `did you mean "${near}"?`;
  context.addIssue(`"${name}" is not a known time zone: ${remedy}`);
});

const keyField = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/, {
  error: 'It must be 1 to 100 letters, digits, "-", "_" or ".", and begin with a letter or digit.',
});

const deviceField = z
  .string({})
  .regex(/^[A-Za-z0-9_-]{1,100}$/, { error: "It must be a device's id as Seam gives it (device_id), one per entry." });

const pinWords = 'It must be keep, rotate, or a PIN of 4 to 8 digits in quotes.';
const pinField = z
  .string({ error: ({ input }) => (typeof input === 'number' ? unquotedPin : pinWords) })
  .superRefine((text, context) => {
    if (text === 'keep' || text === 'rotate' || isPin(text)) return;
    const isDigits = /^[0-9]+$/.test(text);
    const message = isDigits
      ? `The PIN has ${text.length} digit${text.length === 1 ? '' : 's'}: give it 4 to 8.`
      : pinWords;
    context.addIssue(message);
  })
  .transform(
    (text): PinChoice => (text === 'keep' || text === 'rotate' ? { policy: text } : { policy: 'given', pin: text }),
  );
const unquotedPin = 'A PIN without quotes is a number to YAML, which may change its digits: put it in quotes.';

const timeField = z.string();

// Names that are not known are told by the reader of the file: it knows what else may stand there.
const windowField = z.strictObject(
  {
    rrule: z.string(),
    from: timeField,
    to: timeField,
  },
  { error: 'It must hold rrule, from and to.' },
);

const extraField = z.strictObject(
  { date: dateField, from: timeField, to: timeField },
  { error: 'It must hold date, from and to.' },
);

const localDateTimeField = timeField.superRefine((text, context) => {
  const message = problemOfLocalDateTime(text);
  if (message !== undefined) context.addIssue(message);
});

const blackoutFields = {
  from: localDateTimeField,
  to: localDateTimeField,
  reason: textField(200)
    .nullish()
    .transform((reason) => reason ?? null),
};

// At each entry, so that no mistake in another hides it.
function checkOrder(blackout: Blackout, context: z.RefinementCtx): void {
  const compilation = compileBlackout(blackout, undefined);
  if (!('problem' in compilation)) return;
  const { field, message } = compilation.problem;
  context.addIssue({ code: 'custom', path: [field], message });
}

const blackoutField = z
  .strictObject(blackoutFields, { error: 'It must hold from, to and, if you like, reason.' })
  .superRefine(checkOrder);

const minutesField = z.number({ error: 'It must be a number of minutes.' });

const graceField = z.strictObject(
  { early_minutes: minutesField.optional(), late_minutes: minutesField.optional() },
  { error: 'It must hold early_minutes, late_minutes or both.' },
);

const exceptField = z.strictObject(
  {
    holidays: listField(textField(100), 'names of holiday lists').optional(),
    dates: listField(dateField, 'dates').optional(),
  },
  { error: 'It must hold holidays, dates or both.' },
);

/** At the top of the file: for every schedule on those doors. */
const doorBlackoutField = z
  .strictObject(
    {
      ...blackoutFields,
      devices: listField(deviceField, 'device ids').min(1, { error: 'It is empty: list at least one device id.' }),
    },
    { error: 'It must hold devices, from, to and, if you like, reason.' },
  )
  .superRefine(checkOrder);

/** The fields of a schedule. `holder` and `ends_on` may be null: that clears what is stored. */
export const scheduleFields = {
  key: keyField,
  name: textField(100),
  holder: textField(200).nullable(),
  devices: listField(deviceField, 'device ids').min(1, { error: 'It is empty: list at least one device id.' }),
  timezone: zoneField,
  starts_on: dateField,
  ends_on: dateField.nullable(),
  pin: pinField,
  allow_other_pin: z.boolean(),
  windows: listField(windowField, 'windows', maxWindows).min(1, {
    error: 'It is empty: give at least one window with rrule, from and to.',
  }),
  except: exceptField,
  extra: listField(extraField, 'extra windows'),
  blackouts: listField(blackoutField, 'blackouts'),
  grace: graceField,
  merge_gaps_up_to_minutes: minutesField,
  status: z.enum(['active', 'paused']),
} as const;

/** The fields at the top of the file. */
export const fileFields = {
  timezone: zoneField,
  holidays: z.record(textField(100), listField(dateField, 'dates'), { error: 'It must hold lists of dates by name.' }),
  blackouts: listField(doorBlackoutField, 'blackouts'),
} as const;

/** Field names that may stand at a place in the file, for the suggestion when another one does. */
export const knownNames = {
  file: ['timezone', 'holidays', 'blackouts', 'schedules'],
  schedule: Object.keys(scheduleFields),
  window: ['rrule', 'from', 'to'],
  except: ['holidays', 'dates'],
  extra: ['date', 'from', 'to'],
  blackouts: ['from', 'to', 'reason'],
  doorBlackouts: ['devices', 'from', 'to', 'reason'],
  grace: ['early_minutes', 'late_minutes'],
} as const;

/** What a schedule in the file says; what it leaves out keeps its stored value. */
export type ScheduleFields = {
  readonly [Name in Exclude<keyof typeof scheduleFields, 'key'>]?: z.output<(typeof scheduleFields)[Name]>;
};
