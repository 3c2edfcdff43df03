import type { Schedule } from '../core/schedule.ts';
import { loadDevices } from '../db/devices.ts';
import { type CodeView, listCodes } from '../db/views.ts';
import { codeFieldsOf, scheduleFieldsOf } from '../flows/answer-fields.ts';
import { comingWindows, type DoorWindows } from '../flows/coming-windows.ts';
import { codeColumns, inOrder } from './codes.ts';
import type { Cli, CliTool } from './command.ts';
import { countOf, oneLine, paint, spanIn, spanJson, table } from './output.ts';
import { scheduleNamed } from './schedule-windows.ts';

interface Shown {
  readonly schedule: Schedule;
  /** Names of devices, where they are known. */
  readonly names: ReadonlyMap<string, { readonly name: string }>;
  readonly doors: readonly DoorWindows[];
  readonly codes: readonly CodeView[];
}

const windowsShown = 5;
const codesShown = 1_000;

/** Prints all about one schedule. */
export async function showIt({ withTool, print }: Cli, key: string, json: boolean): Promise<void> {
  await withTool(async (tool) => {
    const shown = await load(tool, key);
    print(json ? JSON.stringify(forPrograms(shown)) : forPeople(shown).join('\n'));
  });
}

async function load(tool: CliTool, key: string): Promise<Shown> {
  const schedule = await scheduleNamed(tool, key);
  const names = await loadDevices(
    tool.db.prisma,
    schedule.devices.map(({ deviceId }) => deviceId),
  );
  const coming = await comingWindows(tool, key, { from: tool.now(), count: windowsShown });
  return {
    schedule,
    names,
    doors: coming?.doors ?? [],
    codes: inOrder(await listCodes(tool.db.prisma, { scheduleKey: key, limit: codesShown })),
  };
}

function forPeople({ schedule, names, doors, codes }: Shown): string[] {
  const { timezone } = schedule;
  const nameOf = (id: string): string => names.get(id)?.name ?? 'name not known yet';
  const windows = doors.flatMap(({ deviceIds, windows: some }) => {
    const where = doors.length === 1 ? [] : [`  ${deviceIds.map((id) => names.get(id)?.name ?? id).join(', ')}:`];
    return [...where, ...some.map((window) => `  ${spanIn(timezone, window)}  ${window.why}`)];
  });
  return [
    paint('bold', oneLine(`${schedule.key}: ${schedule.name}, ${schedule.status}, version ${schedule.version}`)),
    ...facts(schedule).map(([what, text]) => `  ${what.padEnd(10)} ${oneLine(text)}`),
    paint('bold', 'Doors'),
    ...schedule.devices.map(({ deviceId }) => `  ${deviceId}  ${oneLine(nameOf(deviceId))}`),
    paint('bold', `Next windows (${timezone})`),
    ...(windows.length === 0 ? ['  none'] : windows),
    paint('bold', 'Codes'),
    ...(codes.length === 0
      ? ['  none']
      : table(codes, codeColumns)
          .split('\n')
          .map((line) => `  ${line}`)),
  ];
}

function facts(schedule: Schedule): [string, string][] {
  const { timezone, grace, exceptDates, holidays, extra, blackouts, byHand } = schedule;
  const lists = holidays.map(({ name, dates }) => `${name} (${countOf(dates.length, 'date')})`);
  const { earlyMinutes, lateMinutes } = grace;
  const all: [string, string][] = [
    ['holder', schedule.holder ?? ''],
    ['runs', `from ${schedule.startsOn} ${schedule.endsOn === null ? 'on' : `to ${schedule.endsOn}`}`],
    ...schedule.rules.map(({ rrule, from, to }, at): [string, string] => [`rule ${at + 1}`, `${rrule} ${from}–${to}`]),
    ['but not on', [...lists, ...exceptDates].join(', ')],
    ['extra', extra.map(({ date, from, to }) => `${date} ${from}–${to}`).join(', ')],
    ['blackouts', blackouts.map(({ from, to, reason }) => `${from} to ${to}${because(reason)}`).join(', ')],
    ['grace', earlyMinutes + lateMinutes === 0 ? '' : `${earlyMinutes} min early, ${lateMinutes} min late`],
    ['merged', schedule.mergeGapsUpToMinutes === 0 ? '' : `gaps of up to ${schedule.mergeGapsUpToMinutes} min`],
    [
      'PIN',
      `${schedule.pinPolicy}${schedule.allowOtherPin ? ', another one may be handed out where it is refused' : ''}`,
    ],
    ['skipped', byHand.closed.map((one) => `${spanIn(timezone, datesOf(one))}${because(one.reason)}`).join(', ')],
    ['added', byHand.opened.map(({ date, from, to }) => `${date} ${from}–${to}`).join(', ')],
  ];
  return all.filter(([, text]) => text !== '');
}

function because(reason: string | null): string {
  return reason === null ? '' : ` (${reason})`;
}

function datesOf({ startsAt, endsAt }: { readonly startsAt: string; readonly endsAt: string }) {
  return { startsAt: new Date(startsAt), endsAt: new Date(endsAt) };
}

function forPrograms({ schedule, names, doors, codes }: Shown): object {
  return {
    ...scheduleFieldsOf(schedule),
    devices: schedule.devices.map(({ deviceId: id }) => ({ device_id: id, device_name: names.get(id)?.name ?? null })),
    next_windows: doors.flatMap(({ deviceIds, windows }) =>
      windows.map((window) => ({ device_ids: deviceIds, ...spanJson(window), why: window.why })),
    ),
    codes: codes.map(codeFieldsOf),
  };
}
