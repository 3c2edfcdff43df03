// A schedule as the API takes and gives it: the fields of the schedules file, by whose reader it is read.
import { z } from 'zod';
import { parseSchedulesFile, type SchedulesFile } from '../core/schedules-file.ts';
import { scheduleFields } from '../core/schedules-file-fields.ts';
import type { Problem as FileProblem } from '../core/schedules-file-source.ts';
import { ApplyProblems } from '../flows/apply-schedules.ts';
import { Instant, ScheduleKey } from './api-schemas.ts';
import { type FieldError, invalid } from './problem.ts';

const device = '6aae9d08-fed6-4ca5-8328-e36849ab48fe';
const f = scheduleFields;
const optionalFields = {
  holder: f.holder.meta({ description: 'Who carries the PIN.', examples: ['Ana Silva'] }).optional(),
  timezone: f.timezone.meta({ description: 'An IANA zone.', examples: ['America/New_York'] }).optional(),
  starts_on: f.starts_on
    .meta({ description: 'First local date; today by default.', examples: ['2027-03-01'] })
    .optional(),
  ends_on: f.ends_on.meta({ description: 'Last local date; null: for ever.', examples: ['2099-12-31'] }).optional(),
  pin: f.pin.meta({ description: 'keep, rotate or a PIN of 4 to 8 digits.', examples: ['keep', 'rotate'] }).optional(),
  allow_other_pin: f.allow_other_pin.optional(),
  except: f.except.meta({ examples: [{ dates: ['2027-12-24'] }] }).optional(),
  extra: f.extra.meta({ examples: [[{ date: '2027-12-26', from: '10:00', to: '14:00' }]] }).optional(),
  blackouts: f.blackouts
    .meta({ examples: [[{ from: '2027-12-24T12:00', to: '2028-01-02T00:00', reason: 'guest in house' }]] })
    .optional(),
  grace: f.grace.meta({ examples: [{ early_minutes: 10, late_minutes: 15 }] }).optional(),
  merge_gaps_up_to_minutes: f.merge_gaps_up_to_minutes.meta({ examples: [0, 30] }).optional(),
};
const requiredFields = {
  name: f.name.meta({ description: "Part of the codes' names on the lock.", examples: ['Cleaning crew'] }),
  devices: f.devices.meta({ description: "Seam's device ids.", examples: [[device]] }),
  windows: f.windows.meta({
    description: 'RFC 5545 rules over local dates, with local times.',
    examples: [[{ rrule: 'FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR', from: '09:00', to: '17:00' }]],
  }),
};

export const NewSchedule = z
  .strictObject({ key: ScheduleKey, ...requiredFields, ...optionalFields, status: f.status.optional() })
  .meta({ id: 'NewSchedule', description: 'The fields of the schedules file. A new schedule needs a timezone.' });

export const ScheduleChange = z
  .strictObject({ ...optionalFields, ...z.strictObject(requiredFields).partial().shape })
  .meta({
    id: 'ScheduleChange',
    description: 'What is left out stays as it is; null takes holder and ends_on away. The status changes by actions.',
  });

const Dates = z.array(z.string());

export const ScheduleAnswer = z
  .object({
    key: z.string(),
    name: z.string(),
    holder: z.string().nullable(),
    devices: z.array(z.string()),
    timezone: z.string(),
    starts_on: z.string(),
    ends_on: z.string().nullable(),
    pin: z.enum(['keep', 'rotate', 'given']).meta({ description: 'How PINs are chosen; never a PIN.' }),
    allow_other_pin: z.boolean(),
    windows: z.array(z.object({ rrule: z.string(), from: z.string(), to: z.string() })),
    except: z.object({ holidays: z.array(z.string()), dates: Dates }),
    extra: z.array(z.object({ date: z.string(), from: z.string(), to: z.string() })),
    blackouts: z.array(z.object({ from: z.string(), to: z.string(), reason: z.string().nullable() })),
    grace: z.object({ early_minutes: z.number(), late_minutes: z.number() }),
    merge_gaps_up_to_minutes: z.number(),
    by_hand: z
      .object({
        closed: z.array(z.object({ starts_at: Instant, ends_at: Instant, reason: z.string().nullable() })),
        opened: z.array(z.object({ date: z.string(), from: z.string(), to: z.string() })),
      })
      .meta({ description: 'What was skipped, extended and added by actions.' }),
    status: z.enum(['active', 'paused', 'ended']),
    version: z.int().meta({ description: 'Its ETag.' }),
  })
  .meta({ id: 'Schedule' });

/** A file, and what a mistake in it is to be called. */
export interface ReadFile {
  readonly file: SchedulesFile;
  /** Mistakes found so far. */
  readonly problems: readonly FileProblem[];
  /** Has `applySchedules` done with it; its mistakes are told as fields of the request. */
  run<T>(apply: (file: SchedulesFile, problems: readonly FileProblem[]) => Promise<T>): Promise<T>;
}

/** Reads what a request says as a schedules file. @param place what stands before its fields there: "schedules[0]" */
export function readAsFile(content: object, place: string): ReadFile {
  // JSON is YAML.
  const parsed = parseSchedulesFile(JSON.stringify(content));
  const { file } = parsed;
  const problems = parsed.ok ? [] : parsed.problems;
  if (file === null) throw invalid(problems.map((problem) => fieldError(problem, place)));
  return {
    file,
    problems,
    async run(apply) {
      try {
        return await apply(file, problems);
      } catch (error) {
        if (!(error instanceof ApplyProblems)) throw error;
        throw invalid(error.problems.map((problem) => fieldError(problem, place)));
      }
    },
  };
}

function fieldError({ field, message }: FileProblem, place: string): FieldError {
  const path = field.startsWith(place) ? field.slice(place.length).replace(/^\./, '') : field;
  return { path, message };
}
