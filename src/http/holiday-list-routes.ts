// Holiday lists: read, and replaced with every schedule that uses one planned again in the same transaction.
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { fileFields } from '../core/schedules-file-fields.ts';
import type { Tx } from '../db/client.ts';
import { listHolidayLists, loadHolidayList } from '../db/holiday-lists.ts';
import { planFieldsOf } from '../flows/answer-fields.ts';
import { applySchedules } from '../flows/apply-schedules.ts';
import { type Route, route } from './api-route.ts';
import { DryRun, Limit, NextCursor, Plan, pageOf } from './api-schemas.ts';
import { ifMatchMissing, Problem } from './problem.ts';
import { readAsFile } from './schedule-body.ts';

const tag = 'Holiday lists';
const Name = fileFields.holidays.keyType
  // Which no object has as a field of its own.
  .refine((name) => name !== '__proto__', { error: 'This name cannot be used.' })
  .meta({ examples: ['us'] });
const NameParams = z.strictObject({ name: Name });

const HolidayList = z
  .object({ name: z.string(), dates: z.array(z.string()).meta({ description: 'Local dates, sorted.' }) })
  .meta({ id: 'HolidayList' });

const HolidayListChanged = z.object({
  name: z.string(),
  dates: z.array(z.string()),
  dry_run: z.boolean(),
  changed: z.array(z.string()).meta({ description: 'Keys of the schedules that use it and are planned again.' }),
  plan: Plan,
});

/** A list has no version: its content is its own. */
function etagOf({ dates }: { readonly dates: readonly string[] }): string {
  return createHash('sha256').update(dates.join()).digest('hex').slice(0, 16);
}

export const holidayListRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/holiday-lists',
    operationId: 'listHolidayLists',
    tag,
    summary: 'Holiday lists in order of their names',
    query: z.strictObject({ cursor: Name.optional(), limit: Limit }),
    answer: z.object({ items: z.array(HolidayList), next_cursor: NextCursor }),
    async run({ deps, query: { cursor, limit } }) {
      const found = await listHolidayLists(deps.db.prisma, { after: cursor, limit: limit + 1 });
      const page = pageOf(found, limit, ({ name }) => name);
      return { ...page, items: page.items.map(({ name, dates }) => ({ name, dates: [...dates] })) };
    },
  }),
  route({
    method: 'get',
    path: '/holiday-lists/{name}',
    operationId: 'getHolidayList',
    tag,
    summary: 'One holiday list',
    params: NameParams,
    problems: { 404: 'There is no such list.' },
    answer: HolidayList,
    etag: etagOf,
    async run({ deps, params: { name } }) {
      const dates = await loadHolidayList(deps.db.prisma, name);
      if (dates !== null) return { name, dates: [...dates] };
      const detail = `There is no holiday list "${name}".`;
      throw new Problem(404, 'holiday_list_unknown', 'There is no such list.', { detail });
    },
  }),
  route({
    method: 'put',
    path: '/holiday-lists/{name}',
    operationId: 'putHolidayList',
    tag,
    summary: 'Create a list, or replace its dates',
    description:
      'Every schedule that uses it is planned again in the same transaction; dry_run tells what that would do. To replace a list, send its ETag as If-Match.',
    params: NameParams,
    query: DryRun,
    body: z.strictObject({
      dates: fileFields.holidays.valueType.meta({ description: 'Local dates.', examples: [['2027-12-25']] }),
    }),
    ifMatch: 'optional',
    problems: { 412: 'The list was changed meanwhile.', 428: 'The list exists, and If-Match is missing.' },
    answer: HolidayListChanged,
    etag: (answer) => (answer.dry_run ? null : etagOf(answer)),
    async run({ deps, by, params: { name }, query: { dry_run: dryRun }, body, ifMatch }) {
      const dates = body.dates.toSorted();
      const applied = await readAsFile({ holidays: { [name]: dates }, schedules: [] }, `holidays.${name}`).run(
        (file, problems) =>
          applySchedules(deps, file, { problems, dryRun, by, check: (tx) => assertUnchanged(tx, name, ifMatch) }),
      );
      return { name, dates, dry_run: dryRun, changed: [...applied.changed], plan: planFieldsOf(applied.preview) };
    },
  }),
];

/** Nobody replaces a list, or a change of it, that they have not seen. */
async function assertUnchanged(tx: Tx, name: string, ifMatch: string | undefined): Promise<void> {
  const dates = await loadHolidayList(tx, name);
  if (dates === null ? ifMatch === undefined : etagOf({ dates }) === ifMatch) return;
  if (ifMatch === undefined) throw ifMatchMissing();
  const detail = `The holiday list "${name}" was changed meanwhile, or is not there. Read it again.`;
  throw new Problem(412, 'version_differs', 'It was changed meanwhile.', { detail });
}
