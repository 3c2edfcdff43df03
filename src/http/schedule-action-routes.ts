// What people do to a schedule in the middle of things, each action a route.
import { z } from 'zod';
import { isPin } from '../core/pin.ts';
import { scheduleFields } from '../core/schedules-file-fields.ts';
import { type Act, type Acted, actOn } from '../flows/act-on-schedule.ts';
import { planFieldsOf } from '../flows/answer-fields.ts';
import { type Route, route } from './api-route.ts';
import { DateText, DryRun, KeyParams, Reason, TimeText } from './api-schemas.ts';
import { etagOfChanged, ScheduleChanged, versionOf } from './schedule-routes.ts';

interface ActionSpec<Body extends z.ZodType> {
  readonly verb: string;
  readonly operationId: string;
  readonly summary: string;
  readonly description?: string;
  readonly body: Body;
  /** All of its fields may be left out. */
  readonly isBodyOptional?: boolean;
  readonly act: (body: z.output<Body>) => Act;
}

function action<Body extends z.ZodType>({ verb, act, ...spec }: ActionSpec<Body>): Route {
  return route({
    ...spec,
    method: 'post',
    path: `/schedules/{key}/${verb}`,
    tag: 'Actions',
    params: KeyParams,
    query: DryRun,
    ifMatch: 'optional',
    problems: { 404: 'There is no such schedule.', 409: 'It cannot be done as things stand.' },
    answer: ScheduleChanged,
    etag: etagOfChanged,
    async run({ deps, by, params: { key }, query: { dry_run: dryRun }, body, ifMatch, keep }) {
      const answerOf = (acted: Acted): z.input<typeof ScheduleChanged> => actedAnswer(acted, dryRun);
      const acted = await actOn(deps, key, act(body), {
        dryRun,
        by,
        ...(ifMatch !== undefined && { version: versionOf(ifMatch) }),
        along: (tx, done) => keep(tx, answerOf(done)),
      });
      return answerOf(acted);
    },
  });
}

function actedAnswer({ key, outcome, version, message, notes, preview }: Acted, dryRun: boolean) {
  const verb = outcome === 'unchanged' ? 'is already' : dryRun ? 'would be' : 'was';
  return {
    key,
    outcome,
    dry_run: dryRun,
    version,
    message: `Schedule ${key} ${verb} ${message}.`,
    notes: [...notes],
    plan: planFieldsOf(preview),
  };
}

const OptionalDate = DateText.nullable().optional();
const Nothing = z.strictObject({});

// No example: it would be somebody's PIN.
const Pin = z
  .string()
  .refine(isPin, { error: 'It must be a PIN of 4 to 8 digits, in quotes.' })
  .nullable()
  .optional()
  .meta({ description: '4 to 8 digits, where people choose the PIN; else it is drawn.' });

export const scheduleActionRoutes: readonly Route[] = [
  action({
    verb: 'pause',
    operationId: 'pauseSchedule',
    summary: 'Pause: its codes go, and none comes until it is resumed',
    body: Nothing,
    isBodyOptional: true,
    act: () => ({ kind: 'pause' }),
  }),
  action({
    verb: 'resume',
    operationId: 'resumeSchedule',
    summary: 'Resume a paused schedule',
    body: z.strictObject({
      revive: z.boolean().default(false).meta({ description: 'Also one that has ended or was revoked.' }),
    }),
    isBodyOptional: true,
    act: ({ revive }) => ({ kind: 'resume', revive }),
  }),
  action({
    verb: 'end',
    operationId: 'endSchedule',
    summary: 'End: no window begins after a day',
    body: z.strictObject({ on: OptionalDate.meta({ description: 'The last day; today by default.' }) }),
    isBodyOptional: true,
    act: ({ on = null }) => ({ kind: 'end', on }),
  }),
  action({
    verb: 'revoke',
    operationId: 'revokeSchedule',
    summary: 'Revoke: every code goes at once, for good',
    body: Nothing,
    isBodyOptional: true,
    act: () => ({ kind: 'revoke' }),
  }),
  action({
    verb: 'skip',
    operationId: 'skipWindow',
    summary: 'Skip the windows of a day, or the next one that has not begun',
    body: z.strictObject({ date: OptionalDate, reason: Reason.optional() }),
    isBodyOptional: true,
    act: ({ date = null, reason = null }) => ({ kind: 'skip', date, reason }),
  }),
  action({
    verb: 'unskip',
    operationId: 'unskipWindow',
    summary: 'Take skips back: those of a day, or all that are not over',
    body: z.strictObject({ date: OptionalDate }),
    isBodyOptional: true,
    act: ({ date = null }) => ({ kind: 'unskip', date }),
  }),
  action({
    verb: 'extend',
    operationId: 'extendToday',
    summary: "Today's window goes on until a time of day",
    description: 'Also one that is over. A code that is valid is moved in place.',
    body: z.strictObject({ until: TimeText }),
    act: ({ until }) => ({ kind: 'extend', until }),
  }),
  action({
    verb: 'extra-windows',
    operationId: 'addExtraWindow',
    summary: 'Open once more beside the rules',
    body: z.strictObject({ date: DateText, from: TimeText, to: TimeText }),
    act: (extra) => ({ kind: 'extra', ...extra }),
  }),
  action({
    verb: 'reopen',
    operationId: 'reopenWindows',
    summary: 'Open windows again that somebody closed or that were served',
    body: z.strictObject({
      device_ids: scheduleFields.devices.nullable().optional().meta({ description: 'At these doors; all by default.' }),
    }),
    isBodyOptional: true,
    act: ({ device_ids: deviceIds = null }) => ({ kind: 'reopen', deviceIds }),
  }),
  action({
    verb: 'rotate-pin',
    operationId: 'rotatePin',
    summary: 'Take the PIN back: codes that have it go, and their windows get another',
    body: z.strictObject({ pin: Pin }),
    isBodyOptional: true,
    act: ({ pin = null }) => ({ kind: 'rotate_pin', pin }),
  }),
];
