import { type ParseArgsConfig, parseArgs } from 'node:util';
import { UserError } from '../core/errors.ts';

/** A word of the command line and what it does. */
export interface Command {
  /** How it is called and what that does, as people read it: a line each, the call first. */
  readonly usage: readonly string[];
  /** @param args what follows the word */
  run(args: readonly string[]): Promise<void>;
}

export const invocation = 'npm run --silent relatch --';

/** The text that explains commands. */
export function usageOf(commands: readonly Command[]): string {
  const lines = commands.flatMap(({ usage }) => usage);
  return lines.map((line, index) => `${index === 0 ? `Usage: ${invocation} ` : '  '}${line}`).join('\n');
}

/** As parseArgs of node:util, but what is wrong is told with the usage. @throws UserError `usage` */
export function readArgs<T extends ParseArgsConfig>(
  command: Pick<Command, 'usage'>,
  args: readonly string[],
  config: T,
): ReturnType<typeof parseArgs<T>> {
  try {
    return parseArgs<T>({ ...config, args: [...args] });
  } catch (error) {
    const [reason] = (error instanceof Error ? error.message : String(error)).split('. ');
    throw wrongUse(command, `${reason}.`, error);
  }
}

/** @param reason a sentence */
export function wrongUse(command: Pick<Command, 'usage'>, reason: string, cause?: unknown): UserError {
  return new UserError('usage', `${reason}\n${usageOf([{ ...command, run: async () => undefined }])}`, { cause });
}
