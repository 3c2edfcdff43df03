import { answerWindows } from '../core/windows-question.ts';
import { linesOf } from '../lines.ts';
import { type Command, readArgs, wrongUse } from './command.ts';

const usage = [
  'windows --stdin [--why]',
  '                    reads a question per line, {"windows":[{"rrule","from","to"}],"timezone","starts_on","after","count"} and',
  '                    optionally "ends_on","except":{"dates"},"extra","blackouts","grace","merge_gaps_up_to_minutes", and prints',
  '                    the next windows that end after "after", or {"error":{"code","message","field"}}, a line each;',
  '                    --why adds to each window what made and moved it',
];

/** Answers questions to the calculator; needs no database. */
export const windows: Command = {
  usage,
  async run(args) {
    const options = { stdin: { type: 'boolean', default: false }, why: { type: 'boolean', default: false } } as const;
    const { values } = readArgs({ usage }, args, { options });
    if (!values.stdin) throw wrongUse({ usage }, 'Questions are read with --stdin.');
    await answerLines(values.why);
  },
};

/** A schedule with all that it may hold has less. */
const maxLineLength = 512_000;

const tooLong = {
  error: { code: 'line_too_long', message: `A line may have at most ${maxLineLength} characters.`, field: '' },
};

/** A bad line gets its error line, and the next one is still answered. Ends quietly when nobody reads any more. */
async function answerLines(why: boolean): Promise<void> {
  process.stdin.setEncoding('utf8');
  let isRead = true;
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
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
