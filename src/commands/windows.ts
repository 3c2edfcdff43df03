import type { Command } from 'commander';
import { answerWindows } from '../core/windows-question.ts';
import { linesOf } from '../lines.ts';
import { type AddCommand, countUpTo, examples } from './command.ts';

const questions = `
Questions (--stdin), one JSON object a line: "windows":[{"rrule","from","to"}], "timezone", "starts_on", "after" and "count"
are required; "ends_on", "except":{"dates"}, "extra", "blackouts", "grace" and "merge_gaps_up_to_minutes" are as in the
schedules file. The answer to each is the next windows that end after "after", or {"error":{"code","message","field"}}.`;

/** Tells when a schedule opens, and answers questions to the calculator, which needs no database. */
export const addWindows: AddCommand = (program, cli) => {
  program
    .command('windows')
    .description('When a schedule opens its doors, and what made, moved or cut each window.')
    .argument('[KEY]', 'of a schedule')
    .option('--from <WHEN>', "from this day on, in the schedule's zone, or instant; default: now")
    .option('--to <WHEN>', 'until this day, inclusive, or instant')
    .option('--count <N>', 'how many at most for each door; default 10, with --to 1000', countUpTo(1_000))
    .option('--json', 'one JSON object a line')
    .option('--stdin', 'answers questions to the calculator instead, without a database')
    .option('--why', 'with --stdin: adds to each window what made and moved it')
    .addHelpText(
      'after',
      `${questions}\n${examples('relatch windows cleaning-crew --from 2027-12-20 --to 2028-01-05', 'relatch windows --stdin --why < questions.jsonl')}`,
    )
    .action(async (key: string | undefined, { stdin = false, why = false, ...wanted }: Options, command: Command) => {
      if (stdin && key === undefined) return answerLines(why);
      if (stdin || key === undefined) return command.error('name a schedule by its key, or say --stdin');
      const { showWindows } = await import('./schedule-windows.ts');
      return showWindows(cli, key, wanted);
    });
};

interface Options {
  readonly stdin?: boolean;
  readonly why?: boolean;
  readonly from?: string;
  readonly to?: string;
  readonly count?: number;
  readonly json?: boolean;
}

/** A schedule with all that it may hold has less. */
const maxLineLength = 512_000;

const tooLong = {
  error: { code: 'line_too_long', message: `A line may have at most ${maxLineLength} characters.`, field: '' },
};

/** A bad line gets its error line, and the next one is still answered. Ends quietly when nobody reads any more. */
async function answerLines(why: boolean): Promise<void> {
  process.stdin.setEncoding('utf8');
  let isRead = true;
  process.stdout.on('error', () => {
    isRead = false;
  });
  for await (const line of linesOf(process.stdin, maxLineLength)) {
    if (!isRead) return;
    if (line?.trim() === '') continue;
    const answer = line === null ? tooLong : answerWindows(line, { why });
    if (process.stdout.write(`${JSON.stringify(answer)}\n`)) continue;
    await new Promise<void>((resolve) => {
      for (const event of ['drain', 'close']) process.stdout.once(event, resolve);
    });
  }
}
