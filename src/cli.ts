// npm run relatch -- COMMAND: what people and scripts ask of Relatch.
import { parseArgs } from 'node:util';
import { reconcileCommand } from './commands/reconcile.ts';
import { UserError } from './core/errors.ts';
import { answerWindows } from './core/windows-question.ts';
import { linesOf } from './lines.ts';
import { runProgram } from './run-program.ts';

const usage = `Usage: npm run --silent relatch -- windows --stdin [--why]
  windows --stdin   reads a question per line, {"windows":[{"rrule","from","to"}],"timezone","starts_on","after","count"} and
                    optionally "ends_on","except":{"dates"},"extra","blackouts","grace","merge_gaps_up_to_minutes", and prints
                    the next windows that end after "after", or {"error":{"code","message","field"}}, a line each
  --why             adds to each window what made and moved it
       npm run --silent relatch -- reconcile [--dry-run]
  reconcile         compares plan, rows and Seam now, and has put right what differs
  --dry-run         only tells, per door, what it would do`;

/** A schedule with all that it may hold has less. */
const maxLineLength = 512_000;

const tooLong = {
  error: { code: 'line_too_long', message: `A line may have at most ${maxLineLength} characters.`, field: '' },
};

await runProgram(async () => {
  const [name, ...more] = process.argv.slice(2);
  if (name === 'reconcile' && more.every((word) => word === '--dry-run')) {
    return reconcileCommand({ dryRun: more.length > 0 });
  }
  const { command, why } = readArguments(process.argv.slice(2));
  if (command !== 'windows') throw new UserError('usage', usage);
  await answerLines(why);
});

function readArguments(args: string[]): { command: string | undefined; why: boolean } {
  try {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: { stdin: { type: 'boolean', default: false }, why: { type: 'boolean', default: false } },
    });
    const [command, ...more] = positionals;
    if (more.length > 0 || !values.stdin) return { command: undefined, why: false };
    return { command, why: values.why };
  } catch (error) {
    throw new UserError('usage', `${error instanceof Error ? error.message : String(error)}\n${usage}`, {
      cause: error,
    });
  }
}

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
