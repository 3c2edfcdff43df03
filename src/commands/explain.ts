import { InvalidArgumentError } from 'commander';
import { explanationText } from '../core/explain.ts';
import { type DoorExplanation, explainWord } from '../flows/explain.ts';
import { type AddCommand, examples } from './command.ts';
import { deviceNamed } from './device.ts';

const instantForm = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/;

/** Explains in sentences; with --json a line for each door. */
export const addExplain: AddCommand = (program, { withTool, print }) => {
  program
    .command('explain')
    .description(
      'Why a code works at a door or does not, at an instant: of a schedule, or of each schedule at a device.',
    )
    .argument('<KEY|DEVICE>', 'a schedule, or a device by its id or name')
    .option('--at <INSTANT>', 'now, or such as 2027-03-08T09:00:00-05:00', instantArgument)
    .option('--device <ID>', 'one door of the schedule, by its id or name')
    .option('--json', 'a JSON object a line')
    .addHelpText(
      'after',
      examples('relatch explain cleaning-crew', 'relatch explain cleaning-crew --at 2027-03-08T09:00:00-05:00'),
    )
    .action(async (word: string, { at, device, json = false }: ExplainOptions) => {
      const found = await withTool(async (tool) => {
        const deviceId = device === undefined ? undefined : await deviceNamed(tool, device);
        return explainWord(tool, word, { deviceId, at });
      });
      const texts = json
        ? found.map((one) => JSON.stringify(explanationForPrograms(one)))
        : [found.map((one) => explanationText(one, one.timezone)).join('\n\n')];
      for (const one of texts) print(one);
    });
};

interface ExplainOptions {
  readonly at?: Date;
  readonly device?: string;
  readonly json?: boolean;
}

function instantArgument(text: string): Date {
  const at = new Date(text);
  if (instantForm.test(text) && !Number.isNaN(at.getTime())) return at;
  throw new InvalidArgumentError('It must be an instant with its zone, such as 2027-03-08T09:00:00-05:00.');
}

/** As programs read it. */
function explanationForPrograms(one: DoorExplanation): object {
  return {
    schedule_key: one.scheduleKey,
    device_id: one.deviceId,
    device_name: one.deviceName,
    at: one.at.toISOString(),
    timezone: one.timezone,
    works: one.works,
    cause: one.cause,
    window_starts_at: one.window?.startsAt.toISOString() ?? null,
    window_ends_at: one.window?.endsAt.toISOString() ?? null,
    answer: one.answer,
    about: one.about,
    timeline: one.timeline.map(({ at, text }) => ({ at: at.toISOString(), text })),
    next: one.next,
    remedy: one.remedy,
  };
}
