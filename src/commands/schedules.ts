// relatch schedules …: the words. What each does lies in a file of its own.
import { type Command, Option } from 'commander';
import { UserError } from '../core/errors.ts';
import { isLocalDate } from '../core/local-date.ts';
import type { ScheduleStatus } from '../core/schedule.ts';
import type { Act } from '../flows/act-on-schedule.ts';
import { type ActOptions, actOnEach } from './act.ts';
import { type ApplyFileOptions, applyFile } from './apply-file.ts';
import { type AddCommand, type Cli, examples, matching } from './command.ts';
import { deviceNamed } from './device.ts';
import { type ListOptions, listThem } from './schedule-list.ts';
import { showIt } from './schedule-show.ts';

const date = matching(isLocalDate, 'It must be a date that exists, such as 2027-03-08.');
const time = matching((text) => /^([01]\d|2[0-3]):[0-5]\d$|^24:00$/.test(text), 'It must be a time such as 19:30.');

export const addSchedules: AddCommand = (program, cli) => {
  const schedules = program
    .command('schedules')
    .description('Schedules: who may open which doors when. Dates and times are local, in the zone of the schedule.')
    .addHelpText(
      'after',
      examples(
        'relatch schedules list',
        'relatch schedules apply schedules.yaml --dry-run',
        'relatch schedules skip cleaning-crew --reason "ill"',
        'relatch schedules revoke cleaning-crew --dry-run',
      ),
    );
  addReads(schedules, cli);
  addApply(schedules, cli);
  addStatusActs(schedules, cli);
  addWindowActs(schedules, cli);
  addCodeActs(schedules, cli);
};

function addReads(schedules: Command, cli: Cli): void {
  const states = ['active', 'paused', 'ended'] satisfies ScheduleStatus[];
  schedules
    .command('list')
    .description('Schedules in order of their keys, with the next window of each.')
    .option('--device <ID>', 'on this device, by its id or name')
    .addOption(new Option('--status <STATUS>', 'in this state').choices(states))
    .option('--holder <NAME>', 'whose PIN it is, as it stands there')
    .option('--text <TEXT>', 'that stands in key, name or holder')
    .option('--json', 'one JSON object a line')
    .addHelpText('after', examples('relatch schedules list --status active --device "Front door"'))
    .action((options: ListOptions) => listThem(cli, options));
  schedules
    .command('show')
    .description('What it says, what was done by hand, its next windows and its codes, without PINs.')
    .argument('<KEY>')
    .option('--json', 'as one JSON object')
    .addHelpText('after', examples('relatch schedules show cleaning-crew'))
    .action((key: string, { json = false }: { readonly json?: boolean }) => showIt(cli, key, json));
}

function addApply(schedules: Command, cli: Cli): void {
  schedules
    .command('apply')
    .description('Applies a schedules file: all of it, or nothing where it has mistakes.')
    .argument('<FILE>', '- reads standard input')
    .option('--dry-run', 'tells per door which windows and codes appear, change and vanish, and writes nothing')
    .option('--prune', 'pauses active schedules that the file does not name')
    .option('--revive', 'lets "status: active" lead back from paused and ended')
    .option('--json', 'as one JSON object')
    .addHelpText(
      'after',
      examples('relatch schedules apply schedules.yaml --dry-run', 'relatch schedules apply schedules.yaml'),
    )
    .action((file: string, options: ApplyFileOptions) => applyFile(cli, file, options));
}

function addStatusActs(schedules: Command, cli: Cli): void {
  acting(schedules, 'pause', 'Takes codes off at once, until it is resumed.')
    .argument('<KEYS...>')
    .addHelpText('after', examples('relatch schedules pause cleaning-crew gardener'))
    .action((keys: readonly string[], options: ActOptions) => actOnEach(cli, keys, { kind: 'pause' }, options));
  acting(schedules, 'resume', 'Opens again what was paused, also a window in progress.')
    .argument('<KEYS...>')
    .option('--revive', 'also what has ended or was revoked')
    .addHelpText('after', examples('relatch schedules resume cleaning-crew'))
    .action((keys: readonly string[], { revive = false, ...options }: ActOptions & { readonly revive?: boolean }) =>
      actOnEach(cli, keys, { kind: 'resume', revive }, options),
    );
  acting(schedules, 'end', 'Lets no window begin after a day; a window in progress goes on to its end.')
    .argument('<KEY>')
    .option('--on <DATE>', 'the last day; default: today', date)
    .addHelpText('after', examples('relatch schedules end cleaning-crew --on 2027-06-30'))
    .action((key: string, { on, ...options }: ActOptions & { readonly on?: string }) =>
      actOnEach(cli, [key], { kind: 'end', on: on ?? null }, options),
    );
  acting(schedules, 'revoke', 'Ends it at once and takes every code off, on all doors.')
    .argument('<KEYS...>')
    .addHelpText(
      'after',
      examples('relatch schedules revoke cleaning-crew', 'relatch schedules revoke ana-front ana-back --dry-run'),
    )
    .action((keys: readonly string[], options: ActOptions) => actOnEach(cli, keys, { kind: 'revoke' }, options));
}

interface Extra {
  readonly date: string;
  readonly from: string;
  readonly to: string;
}

function addWindowActs(schedules: Command, cli: Cli): void {
  type Skip = ActOptions & { readonly date?: string; readonly reason?: string };
  acting(schedules, 'skip', 'Closes the next window that has not begun, or those of a day.')
    .argument('<KEY>')
    .option('--date <DATE>', 'the windows that begin on this day', date)
    .option('--reason <TEXT>', 'for people')
    .addHelpText('after', examples('relatch schedules skip cleaning-crew --date 2027-03-09 --reason "ill"'))
    .action((key: string, { date: on, reason, ...options }: Skip) =>
      actOnEach(cli, [key], { kind: 'skip', date: on ?? null, reason: reason ?? null }, options),
    );
  acting(schedules, 'unskip', 'Opens skipped windows again.')
    .argument('<KEY>')
    .option('--date <DATE>', 'those of this day; default: all', date)
    .addHelpText('after', examples('relatch schedules unskip cleaning-crew --date 2027-03-09'))
    .action((key: string, { date: on, ...options }: ActOptions & { readonly date?: string }) =>
      actOnEach(cli, [key], { kind: 'unskip', date: on ?? null }, options),
    );
  acting(schedules, 'extend', "Lets today's window go on until a time of day: the code is moved in place.")
    .argument('<KEY>')
    .requiredOption('--until <TIME>', 'the new end', time)
    .addHelpText('after', examples('relatch schedules extend cleaning-crew --until 19:00'))
    .action((key: string, { until, ...options }: ActOptions & { readonly until: string }) =>
      actOnEach(cli, [key], { kind: 'extend', until }, options),
    );
  acting(schedules, 'extra', 'Adds a window beside the rules.')
    .argument('<KEY>')
    .requiredOption('--date <DATE>', 'the day on which it begins', date)
    .requiredOption('--from <TIME>', 'its start', time)
    .requiredOption('--to <TIME>', 'its end; not later than the start: on the next day', time)
    .addHelpText('after', examples('relatch schedules extra cleaning-crew --date 2027-03-13 --from 10:00 --to 14:00'))
    .action((key: string, { date: on, from, to, ...options }: ActOptions & Extra) =>
      actOnEach(cli, [key], { kind: 'extra', date: on, from, to }, options),
    );
}

function addCodeActs(schedules: Command, cli: Cli): void {
  acting(schedules, 'reopen', 'Opens windows again that were closed, as by somebody who removed the code in Seam.')
    .argument('<KEY>')
    .option('--device <IDS...>', 'on these devices, by id or name; default: on all that have one')
    .addHelpText('after', examples('relatch schedules reopen cleaning-crew --device "Front door"'))
    .action(async (key: string, { device, ...options }: ActOptions & { readonly device?: readonly string[] }) => {
      const deviceIds = device === undefined ? null : await devicesNamed(cli, device);
      await actOnEach(cli, [key], { kind: 'reopen', deviceIds }, options);
    });
  acting(schedules, 'rotate', 'Takes the PIN back now: codes that have it go, and their windows get another.')
    .argument('<KEY>')
    .option('--pin-stdin', 'reads the new PIN from standard input, where people choose it')
    .addHelpText(
      'after',
      examples('relatch schedules rotate cleaning-crew', 'relatch schedules rotate ana --pin-stdin < pin.txt'),
    )
    .action(async (key: string, { pinStdin = false, ...options }: ActOptions & { readonly pinStdin?: boolean }) => {
      const act: Act = { kind: 'rotate_pin', pin: pinStdin ? await readPin(cli) : null };
      await actOnEach(cli, [key], act, options);
    });
}

function acting(schedules: Command, name: string, description: string): Command {
  return schedules
    .command(name)
    .description(description)
    .option('--dry-run', 'tells what would be done to windows and codes, and does nothing')
    .option('--json', 'one JSON object a line');
}

function devicesNamed({ withTool }: Cli, named: readonly string[]): Promise<string[]> {
  return withTool(async (tool) => {
    const ids: string[] = [];
    for (const one of named) ids.push(await deviceNamed(tool, one));
    return ids;
  });
}

async function readPin({ readInput }: Cli): Promise<string> {
  const pin = (await readInput()).trim();
  if (/^\d{4,8}$/.test(pin)) return pin;
  throw new UserError('pin_invalid', 'What stands on standard input is no PIN: give 4 to 8 digits, and nothing else.');
}
