import { z } from 'zod';
import { UserError } from '../core/errors.ts';
import { DAY_MS, parseLocalDate } from '../core/local-date.ts';
import type { Schedule } from '../core/schedule.ts';
import { noSchedule } from '../core/ways-out.ts';
import { localToInstant, zoneNamed } from '../core/zone.ts';
import { loadDevices } from '../db/devices.ts';
import { loadSchedulesByKeys } from '../db/schedules.ts';
import { comingWindows } from '../flows/coming-windows.ts';
import type { Cli, CliTool } from './command.ts';
import { printList, spanIn, spanJson } from './output.ts';

export interface WindowsOptions {
  readonly from?: string;
  readonly to?: string;
  readonly count?: number;
  readonly json?: boolean;
}

const countMax = 1_000;

/** Prints the windows of a schedule, by door where doors differ. */
export async function showWindows({ withTool, print }: Cli, key: string, options: WindowsOptions): Promise<void> {
  const { from, to, json = false } = options;
  const count = options.count ?? (to === undefined ? 10 : countMax);
  await withTool(async (tool) => {
    const { timezone, status } = await scheduleNamed(tool, key);
    const after = from === undefined ? tool.now() : readWhen(from, timezone, 0);
    const until = to === undefined ? null : readWhen(to, timezone, 1);
    if (until !== null && until <= after)
      throw new UserError('when_invalid', 'The end is not after the start: correct --to, or give --from as well.');
    const doors = (await comingWindows(tool, key, { from: after, count }))?.doors ?? [];
    const names = await loadDevices(
      tool.db.prisma,
      doors.flatMap(({ deviceIds }) => deviceIds),
    );
    const rows = doors
      .flatMap(({ deviceIds, windows }) => windows.map((window) => ({ ...window, deviceIds })))
      .filter(({ startsAt }) => until === null || startsAt < until)
      .sort((a, b) => a.startsAt.getTime() - b.startsAt.getTime());
    const doorOf = ({ deviceIds }: { deviceIds: readonly string[] }): string =>
      deviceIds.map((id) => names.get(id)?.name ?? id).join(', ');
    printList(print, rows, {
      json: json
        ? rows.map((row) => ({
            schedule_key: key,
            timezone,
            device_ids: row.deviceIds,
            ...spanJson(row),
            why: row.why,
          }))
        : null,
      columns: [
        { title: `WINDOW (${timezone})`, of: (row) => spanIn(timezone, row) },
        ...(doors.length > 1 ? [{ title: 'DOORS', of: doorOf }] : []),
        { title: 'WHY', of: ({ why }) => why },
      ],
      none: status === 'active' ? 'No window.' : `No window: the schedule is ${status}.`,
    });
  });
}

/** @throws UserError where there is no such schedule */
export async function scheduleNamed({ db }: Pick<CliTool, 'db'>, key: string): Promise<Schedule> {
  const [schedule] = await loadSchedulesByKeys(db.prisma, [key]);
  if (schedule !== undefined) return schedule;
  throw new UserError('schedule_unknown', noSchedule(key));
}

const Instant = z.iso.datetime({ offset: true });

/** An instant, or the midnight at which a local day begins, or one so many days later. */
function readWhen(text: string, timezone: string, daysLater: number): Date {
  const day = parseLocalDate(text);
  if (day !== undefined) return new Date(localToInstant(zoneNamed(timezone), (day + daysLater) * DAY_MS));
  if (Instant.safeParse(text).success) return new Date(text);
  throw new UserError(
    'when_invalid',
    `"${text}" is neither a date such as 2027-03-08 nor an instant such as 2027-03-08T07:30:00Z.`,
  );
}
