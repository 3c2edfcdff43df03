// relatch codes …: what is at Seam and on the locks for whom, and taking in a code of Seam's.
import { UserError } from '../core/errors.ts';
import { type CodeView, listCodes } from '../db/views.ts';
import { adoptCode } from '../flows/adopt-code.ts';
import { codeFieldsOf } from '../flows/answer-fields.ts';
import type { FlowDeps } from '../flows/flow-deps.ts';
import { revealPins } from '../flows/reveal-pin.ts';
import { type AddCommand, type Cli, examples, matching, whoeverRunsThis } from './command.ts';
import { deviceNamed } from './device.ts';
import { type Column, printList, spanIn } from './output.ts';
import { scheduleNamed } from './schedule-windows.ts';

interface CodesOptions {
  readonly schedule?: string;
  readonly device?: string;
  readonly all?: boolean;
  readonly reveal?: boolean;
  readonly by?: string;
  readonly json?: boolean;
}

interface AdoptOptions {
  readonly device?: string;
  readonly by?: string;
}

const listedMax = 1_000;
const name = matching((text) => text.trim() !== '' && text.length <= 100, 'Give a name of 100 characters at most.');
const byMeans = 'who it is, for the history; default: the user of this computer';

/** Lists codes, and adopts one. */
export const addCodes: AddCommand = (program, cli) => {
  const codes = program
    .command('codes')
    .description('Access codes. Without a further word they are listed.')
    .addHelpText('after', examples('relatch codes --schedule crew', 'relatch codes adopt 9f0e5a1f-… crew'));
  codes
    .command('list', { isDefault: true })
    .description('Current and coming codes, in order of their windows; without PINs, unless they are asked for.')
    .option('--schedule <KEY>', 'of this schedule')
    .option('--device <ID>', 'on this device, by its id or name')
    .option('--all', `with those that are gone, the last ${listedMax}`)
    .option('--reveal', 'with PINs; the history keeps who saw which')
    .option('--by <NAME>', `with --reveal: ${byMeans}`, name)
    .option('--json', 'one JSON object a line')
    .addHelpText(
      'after',
      examples(
        'relatch codes list --device "Front door"',
        'relatch codes list --schedule crew --all',
        'relatch codes list --schedule crew --reveal --by alice',
      ),
    )
    .action((options: CodesOptions) => list(cli, options));
  codes
    .command('adopt')
    .description(
      "Makes a code of Seam's the code of the schedule's window in progress or next, in which it must lie. It is moved to the times of the window and goes with it; its PIN stays.",
    )
    .argument('<ID>', "Seam's access_code_id")
    .argument('<KEY>', 'the schedule')
    .option('--device <ID>', 'where it is, by id or name; needed where the schedule has several devices')
    .option('--by <NAME>', byMeans, name)
    .addHelpText('after', examples('relatch codes adopt 9f0e5a1f-… crew --device "Front door"'))
    .action((id: string, key: string, options: AdoptOptions) => adopt(cli, id, key, options));
};

async function list({ withTool, print }: Cli, options: CodesOptions): Promise<void> {
  const { schedule: scheduleKey, device, all: withGone = false, reveal = false, json = false } = options;
  if (options.by !== undefined && !reveal)
    throw new UserError('usage', '--by says who sees PINs: give it together with --reveal.');
  await withTool(async (tool) => {
    if (scheduleKey !== undefined) await scheduleNamed(tool, scheduleKey);
    const deviceId = device === undefined ? undefined : await deviceNamed(tool, device);
    const codes = inOrder(await listCodes(tool.db.prisma, { scheduleKey, deviceId, withGone, limit: listedMax }));
    const ids = codes.map(({ id }) => id);
    const pins = reveal ? await revealPins(tool, ids, options.by ?? whoeverRunsThis()) : null;
    const pinOf = ({ id }: CodeView): string | null => pins?.get(id) ?? null;
    printList(print, codes, {
      json: json ? codes.map((code) => ({ ...codeFieldsOf(code), ...(reveal && { pin: pinOf(code) }) })) : null,
      columns: [
        { title: 'SCHEDULE', of: (code) => code.scheduleKey },
        ...(reveal ? [{ title: 'PIN', of: (code: CodeView) => pinOf(code) ?? '–' }] : []),
        ...codeColumns,
      ],
      none: 'No codes.',
    });
  });
}

async function adopt({ withSeam, print }: Cli, id: string, key: string, { device, by }: AdoptOptions): Promise<void> {
  await withSeam(async (deps) => {
    const deviceId = device === undefined ? await onlyDeviceOf(deps, key) : await deviceNamed(deps, device);
    const { message } = await adoptCode(deps, key, deviceId, id, by ?? whoeverRunsThis());
    print(message);
    print(`The running service moves it to its window; watch it with: relatch codes --schedule ${key}`);
  });
}

async function onlyDeviceOf(deps: FlowDeps, key: string): Promise<string> {
  const { devices } = await scheduleNamed(deps, key);
  const [only, ...more] = devices.map(({ deviceId }) => deviceId);
  if (only !== undefined && more.length === 0) return only;
  const ids = [only, ...more].join(', ');
  throw new UserError(
    'device_missing',
    `${key} has several devices: say with --device which one has the code: ${ids}.`,
  );
}

export const codeColumns: readonly Column<CodeView>[] = [
  { title: 'DOOR', of: ({ deviceName, deviceId }) => deviceName ?? deviceId },
  {
    title: 'WINDOW',
    of: ({ timezone, windowStartsAt: startsAt, windowEndsAt: endsAt }) => spanIn(timezone, { startsAt, endsAt }),
  },
  { title: 'ZONE', of: ({ timezone }) => timezone },
  {
    title: 'STATE',
    of: stateOf,
    style: ({ state, readyAt }) => {
      if (state === 'rejected') return 'red';
      return state === 'created' && readyAt !== null ? 'green' : null;
    },
  },
];

const states: Readonly<Record<CodeView['state'], string>> = {
  planned: 'planned, not yet asked of Seam',
  calling: 'being asked of Seam',
  unknown: 'asked of Seam, without an answer yet',
  created: 'at Seam, not yet on the lock',
  removing: 'being taken off the lock',
  rejected: 'refused',
  removed: 'gone',
  closed: 'closed without a code',
};

function stateOf({ state, readyAt, reason }: CodeView): string {
  if (state === 'created' && readyAt !== null) return 'on the lock';
  const isTold = reason !== null && state !== 'created' && state !== 'removed';
  return `${states[state]}${isTold ? `: ${reason}` : ''}`;
}

/** By window, and for one window by door: the order of pages knows ids only. */
export function inOrder(codes: readonly CodeView[]): CodeView[] {
  return codes.toSorted(
    (a, b) => a.windowStartsAt.getTime() - b.windowStartsAt.getTime() || (a.deviceId < b.deviceId ? -1 : 1),
  );
}
