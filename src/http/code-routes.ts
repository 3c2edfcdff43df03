// Codes of now and of coming windows, the history, and a code of Seam's that is taken in.
import { z } from 'zod';
import { type HistoryView, isSchedule, listCodes, listHistory } from '../db/views.ts';
import { type Adopted, adoptCode } from '../flows/adopt-code.ts';
import { codeFieldsOf } from '../flows/answer-fields.ts';
import { revealPins } from '../flows/reveal-pin.ts';
import { type ApiDeps, type Route, route } from './api-route.ts';
import {
  Flag,
  Instant,
  KeyParams,
  Limit,
  NextCursor,
  pageOf,
  ScheduleKey,
  TimeCursor,
  timeCursor,
} from './api-schemas.ts';
import { scheduleUnknown } from './schedule-routes.ts';

const DeviceId = z.string().min(1).max(100).meta({ description: "Seam's device_id." });

const Code = z
  .object({
    id: z.string(),
    schedule_key: z.string(),
    holder: z.string().nullable(),
    device_id: z.string(),
    device_name: z.string().nullable(),
    timezone: z.string().meta({ description: "The schedule's." }),
    state: z.enum(['planned', 'calling', 'unknown', 'created', 'removing', 'rejected', 'removed', 'closed']),
    window_starts_at: Instant,
    window_ends_at: Instant,
    asked_starts_at: Instant.nullable().meta({ description: 'Last asked of Seam.' }),
    asked_ends_at: Instant.nullable(),
    confirmed_starts_at: Instant.nullable().meta({ description: 'Last confirmed by Seam.' }),
    confirmed_ends_at: Instant.nullable(),
    ready_since: Instant.nullable().meta({ description: 'Since when the lock holds it, as far as Seam says.' }),
    removed_at: Instant.nullable().meta({ description: 'Since when it is gone.' }),
    quiet_until: Instant.nullable().meta({ description: 'Before then nothing is asked of Seam for it.' }),
    access_code_id: z.string().nullable().meta({ description: "Seam's." }),
    has_other_pin: z.boolean().meta({ description: "It has a PIN of its own, not the schedule's." }),
    reason: z.string().nullable().meta({ description: 'Why it is where it is.' }),
    pin: z.string().nullable().optional().meta({ description: 'Only with reveal=true; null where there is none.' }),
  })
  .meta({ id: 'Code' });

const Codes = z.object({ items: z.array(Code), next_cursor: NextCursor });
const codePage = {
  cursor: TimeCursor.optional(),
  limit: Limit,
  reveal: Flag.meta({ description: 'true: with PINs. The history keeps who saw which.' }),
};

interface CodesWanted {
  readonly scheduleKey?: string | undefined;
  readonly deviceId?: string | undefined;
  readonly cursor?: { readonly at: Date; readonly id: string } | undefined;
  readonly limit: number;
  readonly reveal: boolean;
}

async function pageOfCodes(deps: ApiDeps, by: string, wanted: CodesWanted): Promise<z.input<typeof Codes>> {
  const { scheduleKey, deviceId, cursor: after, limit, reveal } = wanted;
  const found = await listCodes(deps.db.prisma, { scheduleKey, deviceId, after, limit: limit + 1 });
  const page = pageOf(found, limit, ({ windowStartsAt, id }) => timeCursor(windowStartsAt, id));
  const ids = page.items.map(({ id }) => id);
  const pins = reveal ? await revealPins(deps, ids, by) : null;
  const items = page.items.map((code) => ({
    ...codeFieldsOf(code),
    ...(pins !== null && { pin: pins.get(code.id) ?? null }),
  }));
  return { ...page, items };
}

const Entry = z
  .object({
    id: z.string(),
    at: Instant,
    kind: z.string(),
    alert: z.boolean().meta({ description: 'Somebody should have looked.' }),
    message: z.string(),
    schedule_key: z.string().nullable(),
    device_id: z.string().nullable(),
    code_id: z.string().nullable(),
    event_key: z.string().nullable().meta({ description: 'The event of Seam that led to it.' }),
    by: z.string().nullable().meta({ description: 'Who did it, where a person did.' }),
  })
  .meta({ id: 'HistoryEntry' });

const Entries = z.object({ items: z.array(Entry), next_cursor: NextCursor });
const IdCursor = z
  .string()
  .regex(/^[1-9]\d{0,17}$/, { error: 'It must be next_cursor of the page before.' })
  .transform(BigInt)
  .meta({ description: 'next_cursor of the page before.' });
const historyPage = {
  device_id: DeviceId.optional(),
  code_id: z.guid().optional(),
  cursor: IdCursor.optional(),
  limit: Limit,
};

interface HistoryWanted {
  readonly scheduleKey?: string | undefined;
  readonly device_id?: string | undefined;
  readonly code_id?: string | undefined;
  readonly cursor?: bigint | undefined;
  readonly limit: number;
}

async function pageOfHistory({ db }: ApiDeps, wanted: HistoryWanted): Promise<z.input<typeof Entries>> {
  const { scheduleKey, device_id: deviceId, code_id: codeId, cursor: before, limit } = wanted;
  const found = await listHistory(db.prisma, { scheduleKey, deviceId, codeId, before, limit: limit + 1 });
  const page = pageOf(found, limit, ({ id }) => String(id));
  return { ...page, items: page.items.map(entryOf) };
}

function entryOf({ id, at, isAlert, ...entry }: HistoryView): z.input<typeof Entry> {
  return {
    id: String(id),
    at: at.toISOString(),
    kind: entry.kind,
    alert: isAlert,
    message: entry.message,
    schedule_key: entry.scheduleKey,
    device_id: entry.deviceId,
    code_id: entry.codeId,
    event_key: entry.eventKey,
    by: entry.by,
  };
}

async function assertSchedule({ db }: ApiDeps, key: string): Promise<void> {
  if (!(await isSchedule(db.prisma, key))) throw scheduleUnknown(key);
}

const noSchedule = { 404: 'There is no such schedule.' };

export const codeRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/schedules/{key}/codes',
    operationId: 'listCodesOfSchedule',
    tag: 'Codes',
    summary: "A schedule's codes of now and of coming windows, earliest window first",
    params: KeyParams,
    query: z.strictObject({ device_id: DeviceId.optional(), ...codePage }),
    problems: noSchedule,
    answer: Codes,
    async run({ deps, by, params: { key }, query: { device_id: deviceId, ...page } }) {
      await assertSchedule(deps, key);
      return pageOfCodes(deps, by, { ...page, scheduleKey: key, deviceId });
    },
  }),
  route({
    method: 'post',
    path: '/schedules/{key}/adopt',
    operationId: 'adoptCode',
    tag: 'Codes',
    summary: "Take a code of Seam's into the window in progress or next, in which it must lie",
    description: 'It is moved to the times of the window, and goes with it. Its PIN stays.',
    params: KeyParams,
    body: z.strictObject({ device_id: DeviceId, access_code_id: z.string().min(1).max(100) }),
    problems: { ...noSchedule, 409: 'It cannot be done as things stand.' },
    answer: z.object({ code_id: z.string(), window_starts_at: Instant, window_ends_at: Instant, message: z.string() }),
    async run({ deps, by, params: { key }, body: { device_id: deviceId, access_code_id: id }, keep }) {
      const answerOf = ({ codeId, window, message }: Adopted) => ({
        code_id: codeId,
        window_starts_at: window.startsAt.toISOString(),
        window_ends_at: window.endsAt.toISOString(),
        message,
      });
      return answerOf(await adoptCode(deps, key, deviceId, id, by, (tx, done) => keep(tx, answerOf(done))));
    },
  }),
  route({
    method: 'get',
    path: '/schedules/{key}/history',
    operationId: 'listHistoryOfSchedule',
    tag: 'History',
    summary: 'What was done for a schedule and why, newest first',
    params: KeyParams,
    query: z.strictObject(historyPage),
    problems: noSchedule,
    answer: Entries,
    async run({ deps, params: { key }, query }) {
      await assertSchedule(deps, key);
      return pageOfHistory(deps, { ...query, scheduleKey: key });
    },
  }),
  route({
    method: 'get',
    path: '/codes',
    operationId: 'listCodes',
    tag: 'Codes',
    summary: 'Codes of now and of coming windows, earliest window first',
    query: z.strictObject({ schedule_key: ScheduleKey.optional(), device_id: DeviceId.optional(), ...codePage }),
    answer: Codes,
    run: ({ deps, by, query: { schedule_key: scheduleKey, device_id: deviceId, ...page } }) =>
      pageOfCodes(deps, by, { ...page, scheduleKey, deviceId }),
  }),
  route({
    method: 'get',
    path: '/history',
    operationId: 'listHistory',
    tag: 'History',
    summary: 'What was done and why, newest first',
    query: z.strictObject({ schedule_key: ScheduleKey.optional(), ...historyPage }),
    answer: Entries,
    run: ({ deps, query: { schedule_key: scheduleKey, ...query } }) => pageOfHistory(deps, { ...query, scheduleKey }),
  }),
];
