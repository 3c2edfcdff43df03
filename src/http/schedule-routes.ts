// Schedules: list, read, create, change.
import { z } from 'zod';
import { noSchedule } from '../core/ways-out.ts';
import { listSchedules, loadSchedulesByKeys } from '../db/schedules.ts';
import { planFieldsOf, scheduleFieldsOf } from '../flows/answer-fields.ts';
import { type Applied, applySchedules } from '../flows/apply-schedules.ts';
import { type Route, route } from './api-route.ts';
import { DryRun, KeyParams, Limit, NextCursor, Outcome, Plan, pageOf, ScheduleKey } from './api-schemas.ts';
import { invalid, Problem } from './problem.ts';
import { NewSchedule, readAsFile, ScheduleAnswer, ScheduleChange } from './schedule-body.ts';

const tag = 'Schedules';

export const ScheduleChanged = z
  .object({
    key: z.string(),
    outcome: Outcome,
    dry_run: z.boolean(),
    version: z
      .int()
      .nullable()
      .meta({ description: 'After it; of a dry run the stored one, null where there is none.' }),
    message: z.string().meta({ description: 'What was done, in words.' }),
    notes: z.array(z.string()).meta({ description: 'What people should know of it.' }),
    plan: Plan,
  })
  .meta({ id: 'ScheduleChanged' });

type ChangedAnswer = z.input<typeof ScheduleChanged>;

export const etagOfChanged = ({ version }: z.output<typeof ScheduleChanged>): string | null =>
  version === null ? null : String(version);

/** The version that an If-Match names. @throws Problem where no schedule ever has such */
export function versionOf(ifMatch: string): number {
  if (/^[1-9]\d{0,8}$/.test(ifMatch)) return Number(ifMatch);
  const detail = 'If-Match is no ETag of a schedule: read it again, and send the one of that answer.';
  throw new Problem(412, 'version_differs', 'It was changed meanwhile.', { detail });
}

export const scheduleRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/schedules',
    operationId: 'listSchedules',
    tag,
    summary: 'Schedules in order of their keys',
    query: z.strictObject({
      device_id: z.string().max(100).optional().meta({ description: 'On this device.' }),
      status: z.enum(['active', 'paused', 'ended']).optional(),
      holder: z.string().max(200).optional().meta({ description: 'Whose PIN it is, as it stands there.' }),
      q: z.string().min(1).max(200).optional().meta({ description: 'Stands in key, name or holder.' }),
      cursor: ScheduleKey.optional().meta({ description: 'next_cursor of the page before.' }),
      limit: Limit,
    }),
    answer: z.object({ items: z.array(ScheduleAnswer), next_cursor: NextCursor }),
    async run({ deps, query: { device_id: deviceId, status, holder, q: text, cursor: after, limit } }) {
      const filter = { deviceId, status, holder, text };
      const found = await listSchedules(deps.db.prisma, filter, { after, limit: limit + 1 });
      const page = pageOf(found, limit, ({ key }) => key);
      return { ...page, items: page.items.map(scheduleFieldsOf) };
    },
  }),
  route({
    method: 'post',
    path: '/schedules',
    operationId: 'createSchedule',
    tag,
    summary: 'Create a schedule',
    description:
      'Its first codes are made at once. With dry_run nothing is created, and the answer tells what would be.',
    query: DryRun,
    body: NewSchedule,
    readsBody: true,
    status: 201,
    problems: { 409: 'There is a schedule of this key.' },
    answer: ScheduleChanged,
    etag: etagOfChanged,
    location: ({ key, version }) => (version === null ? null : `/v1/schedules/${key}`),
    async run({ deps, by, query: { dry_run: dryRun }, body, keep }) {
      const { key } = z.object({ key: z.unknown() }).parse({ key: undefined, ...Object(body) });
      const answerOf = (applied: Applied): ChangedAnswer =>
        changedAnswer(String(key), applied, dryRun, dryRun ? null : 1);
      const applied = await readAsFile({ schedules: [body] }, 'schedules[0]').run((file, problems) =>
        applySchedules(deps, file, {
          problems,
          dryRun,
          by,
          expect: { version: 'none' },
          along: (tx, done) => keep(tx, answerOf(done)),
        }),
      );
      return answerOf(applied);
    },
  }),
  route({
    method: 'get',
    path: '/schedules/{key}',
    operationId: 'getSchedule',
    tag,
    summary: 'One schedule',
    params: KeyParams,
    problems: { 404: 'There is no such schedule.' },
    answer: ScheduleAnswer,
    etag: ({ version }) => String(version),
    async run({ deps, params: { key } }) {
      const [schedule] = await loadSchedulesByKeys(deps.db.prisma, [key]);
      if (schedule === undefined) throw scheduleUnknown(key);
      return scheduleFieldsOf(schedule);
    },
  }),
  route({
    method: 'patch',
    path: '/schedules/{key}',
    operationId: 'changeSchedule',
    tag,
    summary: 'Change fields of a schedule',
    description: 'Codes that exist are moved, replaced or taken away at once; dry_run tells which.',
    params: KeyParams,
    query: DryRun,
    body: ScheduleChange,
    readsBody: true,
    ifMatch: 'required',
    problems: { 404: 'There is no such schedule.' },
    answer: ScheduleChanged,
    etag: etagOfChanged,
    async run({ deps, by, params: { key }, query: { dry_run: dryRun }, body, ifMatch }) {
      const version = versionOf(String(ifMatch));
      refuseFixed(body);
      const applied = await readAsFile({ schedules: [{ ...Object(body), key }] }, 'schedules[0]').run(
        (file, problems) => applySchedules(deps, file, { problems, dryRun, by, expect: { version } }),
      );
      const after = applied.changed.includes(key) && !dryRun ? version + 1 : version;
      return changedAnswer(key, applied, dryRun, after);
    },
  }),
];

export function scheduleUnknown(key: string): Problem {
  return new Problem(404, 'schedule_unknown', 'There is no such schedule.', { detail: noSchedule(key) });
}

const fixedFields: Readonly<Record<string, string>> = {
  key: 'The key of a schedule stays: leave it out here.',
  status: 'The status changes by actions: pause, resume, end or revoke.',
};

function refuseFixed(body: unknown): void {
  const names = Object.keys(Object(body)).filter((name) => Object.hasOwn(fixedFields, name));
  if (names.length > 0) throw invalid(names.map((name) => ({ path: name, message: fixedFields[name] ?? '' })));
}

function changedAnswer(key: string, applied: Applied, dryRun: boolean, version: number | null): ChangedAnswer {
  const outcome = applied.created.length > 0 ? 'created' : applied.changed.includes(key) ? 'changed' : 'unchanged';
  const verb = outcome === 'unchanged' ? 'is so already' : dryRun ? `would be ${outcome}` : `was ${outcome}`;
  const message = `Schedule ${key} ${verb}.`;
  return {
    key,
    outcome,
    dry_run: dryRun,
    version,
    message,
    notes: [...applied.notes],
    plan: planFieldsOf(applied.preview),
  };
}
