import { UserError } from './core/errors.ts';

/**
 * Runs a program to its end and turns what it throws into what a person and a script can use: 2 and a sentence for what they
 * can mend, 1 and the whole error for what they cannot.
 */
export async function runProgram(main: () => Promise<void>): Promise<void> {
  // Times are told in the zones of schedules; date-fns-tz tells those wrong that the clocks of this process skip, so it has clocks
  // that skip none.
  process.env['TZ'] = 'UTC';
  try {
    await main();
  } catch (error) {
    process.exitCode = error instanceof UserError ? 2 : 1;
    console.error(error instanceof UserError ? error.message : error);
  }
}

/** Prints lines. Whoever reads them may stop before the end, as head does: what was asked for is done all the same. */
export function linePrinter(): (line: string) => void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
  return (line) => console.log(line);
}
