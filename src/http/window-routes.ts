// The next windows of a schedule, with their why.
import { z } from 'zod';
import { comingWindows } from '../flows/coming-windows.ts';
import { type Route, route } from './api-route.ts';
import { Instant, InstantParam, KeyParams } from './api-schemas.ts';
import { scheduleUnknown } from './schedule-routes.ts';

const Windows = z.object({
  key: z.string(),
  status: z.enum(['active', 'paused', 'ended']).meta({ description: 'Only an active schedule has windows.' }),
  timezone: z.string(),
  doors: z.array(
    z.object({
      device_ids: z.array(z.string()).meta({ description: 'Doors that open at the same times.' }),
      windows: z.array(
        z.object({
          starts_at: Instant,
          ends_at: Instant,
          why: z.string().meta({ examples: ['rule 1, 10 min earlier by grace'] }),
        }),
      ),
    }),
  ),
});

export const windowRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/schedules/{key}/windows',
    operationId: 'listWindows',
    tag: 'Schedules',
    summary: 'The next windows, and what made, moved or cut each',
    params: KeyParams,
    query: z.strictObject({
      from: InstantParam.optional().meta({ description: 'Only windows that end after it; now by default.' }),
      count: z.coerce.number().int().min(1).max(200).default(10).meta({ description: 'How many for each door.' }),
      device_id: z.string().max(100).optional().meta({ description: 'Of this door alone.' }),
    }),
    problems: { 404: 'There is no such schedule.' },
    answer: Windows,
    async run({ deps, params: { key }, query: { from, count, device_id: deviceId } }) {
      const wanted = { from: from === undefined ? deps.now() : new Date(from), count, deviceId };
      const found = await comingWindows(deps, key, wanted);
      if (found === null) throw scheduleUnknown(key);
      const { schedule, doors } = found;
      return {
        key,
        status: schedule.status,
        timezone: schedule.timezone,
        doors: doors.map(({ deviceIds, windows }) => ({
          device_ids: [...deviceIds],
          windows: windows.map(({ startsAt, endsAt, why }) => {
            return { starts_at: startsAt.toISOString(), ends_at: endsAt.toISOString(), why };
          }),
        })),
      };
    },
  }),
];
