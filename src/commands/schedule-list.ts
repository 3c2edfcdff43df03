import type { Schedule, ScheduleStatus } from '../core/schedule.ts';
import type { Window } from '../core/windows.ts';
import { loadDevices } from '../db/devices.ts';
import { listSchedules, type ScheduleFilter } from '../db/schedules.ts';
import type { Cli, CliTool } from './command.ts';
import { deviceNamed } from './device.ts';
import { doorsOf, nextWindow } from './outlook.ts';
import { printList, spanIn, spanJson } from './output.ts';

export interface ListOptions {
  readonly device?: string;
  readonly status?: ScheduleStatus;
  readonly holder?: string;
  readonly text?: string;
  readonly json?: boolean;
}

const pageSize = 500;

/** Prints all schedules that fit. */
export async function listThem({ withTool, print }: Cli, options: ListOptions): Promise<void> {
  await withTool(async (tool) => {
    const { device, status, holder, text } = options;
    const deviceId = device === undefined ? undefined : await deviceNamed(tool, device);
    const schedules = await loadAll(tool, { deviceId, status, holder, text });
    const doors = await doorsOf(tool, schedules);
    const names = await loadDevices(tool.db.prisma, [...doorIds(schedules)]);
    const now = tool.now();
    const rows = schedules.map((schedule) => ({ schedule, next: nextWindow(schedule, doors, now) }));
    const doorNames = (schedule: Schedule): string =>
      schedule.devices.map(({ deviceId: id }) => names.get(id)?.name ?? id).join(', ');
    printList(print, rows, {
      json: options.json === true ? rows.map(forPrograms) : null,
      columns: [
        { title: 'KEY', of: ({ schedule }) => schedule.key },
        { title: 'HOLDER', of: ({ schedule }) => schedule.holder ?? '' },
        {
          title: 'STATUS',
          of: ({ schedule }) => schedule.status,
          style: ({ schedule }) => (schedule.status === 'active' ? 'green' : 'yellow'),
        },
        { title: 'NEXT WINDOW', of: ({ schedule, next }) => (next === null ? '' : spanIn(schedule.timezone, next)) },
        { title: 'ZONE', of: ({ schedule }) => schedule.timezone },
        { title: 'DOORS', of: ({ schedule }) => doorNames(schedule) },
      ],
      none: 'No schedules.',
    });
  });
}

async function loadAll({ db }: CliTool, filter: ScheduleFilter): Promise<Schedule[]> {
  const all: Schedule[] = [];
  for (;;) {
    const page = await listSchedules(db.prisma, filter, { after: all.at(-1)?.key, limit: pageSize });
    all.push(...page);
    if (page.length < pageSize) return all;
  }
}

function doorIds(schedules: readonly Schedule[]): Set<string> {
  return new Set(schedules.flatMap(({ devices }) => devices.map(({ deviceId }) => deviceId)));
}

function forPrograms({ schedule, next }: { schedule: Schedule; next: Window | null }): object {
  const { key, name, holder, status, timezone, startsOn, endsOn, devices, version } = schedule;
  return {
    key,
    name,
    holder,
    status,
    timezone,
    starts_on: startsOn,
    ends_on: endsOn,
    devices: devices.map(({ deviceId }) => deviceId),
    next_window: next === null ? null : spanJson(next),
    version,
  };
}
