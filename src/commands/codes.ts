import { loadDevices } from '../db/devices.ts';
import { type ListedCode, listCodes } from '../db/listed-codes.ts';
import { type AddCommand, type Cli, type CliTool, examples } from './command.ts';
import { deviceNamed } from './device.ts';
import { type Column, printList, spanIn, spanJson } from './output.ts';
import { scheduleNamed } from './schedule-windows.ts';

interface CodesOptions {
  readonly schedule?: string;
  readonly device?: string;
  readonly all?: boolean;
  readonly json?: boolean;
}

/** A code with the name of its door. */
interface NamedCode extends ListedCode {
  readonly deviceName: string | null;
}

const listedMax = 1_000;

/** Lists codes. */
export const addCodes: AddCommand = (program, cli) => {
  program
    .command('codes')
    .description('Current and coming codes, in order of their windows. A PIN is never shown.')
    .option('--schedule <KEY>', 'of this schedule')
    .option('--device <ID>', 'on this device, by its id or name')
    .option('--all', `with those that are gone, the last ${listedMax}`)
    .option('--json', 'one JSON object a line')
    .addHelpText('after', examples('relatch codes --device "Front door"', 'relatch codes --schedule crew --all'))
    .action((options: CodesOptions) => list(cli, options));
};

async function list({ withTool, print }: Cli, options: CodesOptions): Promise<void> {
  await withTool(async (tool) => {
    const { schedule, device } = options;
    if (schedule !== undefined) await scheduleNamed(tool, schedule);
    const codes = await loadNamedCodes(tool, {
      ...(schedule !== undefined && { scheduleKey: schedule }),
      ...(device !== undefined && { deviceId: await deviceNamed(tool, device) }),
      withGone: options.all === true,
    });
    printList(print, codes, {
      json: options.json === true ? codes.map(codeJson) : null,
      columns: [{ title: 'SCHEDULE', of: (code) => code.schedule.key }, ...codeColumns],
      none: 'No codes.',
    });
  });
}

/** Codes with the names of their doors. */
export async function loadNamedCodes({ db }: CliTool, filter: Parameters<typeof listCodes>[1]): Promise<NamedCode[]> {
  const codes = await listCodes(db.prisma, filter, listedMax);
  const devices = await loadDevices(db.prisma, [...new Set(codes.map(({ deviceId }) => deviceId))]);
  return codes.map((code) => ({ ...code, deviceName: devices.get(code.deviceId)?.name ?? null }));
}

export const codeColumns: readonly Column<NamedCode>[] = [
  { title: 'DOOR', of: ({ deviceName, deviceId }) => deviceName ?? deviceId },
  { title: 'WINDOW', of: (code) => spanIn(code.schedule.timezone, windowOf(code)) },
  { title: 'ZONE', of: ({ schedule }) => schedule.timezone },
  {
    title: 'STATE',
    of: stateOf,
    style: ({ state, readyAt }) => {
      if (state === 'rejected') return 'red';
      return state === 'created' && readyAt !== null ? 'green' : null;
    },
  },
];

const states: Readonly<Record<ListedCode['state'], string>> = {
  planned: 'planned, not yet asked of Seam',
  calling: 'being asked of Seam',
  unknown: 'asked of Seam, without an answer yet',
  created: 'at Seam, not yet on the lock',
  removing: 'being taken off the lock',
  rejected: 'refused',
  removed: 'gone',
  closed: 'closed without a code',
};

function stateOf({ state, readyAt, reason }: NamedCode): string {
  if (state === 'created' && readyAt !== null) return 'on the lock';
  const isTold = reason !== null && state !== 'created' && state !== 'removed';
  return `${states[state]}${isTold ? `: ${reason}` : ''}`;
}

export function codeJson(code: NamedCode): object {
  const span = spanJson(windowOf(code));
  return {
    id: code.id,
    schedule_key: code.schedule.key,
    holder: code.schedule.holder,
    device_id: code.deviceId,
    device_name: code.deviceName,
    window_starts_at: span.starts_at,
    window_ends_at: span.ends_at,
    timezone: code.schedule.timezone,
    state: code.state,
    reason: code.reason,
    access_code_id: code.accessCodeId,
    has_other_pin: code.hasOtherPin,
    ready_at: code.readyAt?.toISOString() ?? null,
    removed_at: code.removedAt?.toISOString() ?? null,
    quiet_until: code.quietUntil?.toISOString() ?? null,
  };
}

function windowOf({ windowStartsAt: startsAt, windowEndsAt: endsAt }: ListedCode) {
  return { startsAt, endsAt };
}
