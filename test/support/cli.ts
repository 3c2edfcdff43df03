// The command line in this process, on a world with a clock of its own.
import { stripVTControlCharacters } from 'node:util';
import type { Cli } from '../../src/commands/command.ts';
import { runRelatch } from '../../src/commands/program.ts';
import { UserError } from '../../src/core/errors.ts';
import type { World } from './relatch.ts';

export interface Ran {
  readonly code: 0 | 2;
  readonly output: string;
}

/** Runs a command with its own words, as the shell would split them. */
export async function relatchHere(world: World | null, words: readonly string[], input = ''): Promise<Ran> {
  const lines: string[] = [];
  const cli: Cli = {
    async withTool(run) {
      if (world === null) throw new Error('no database was to be asked');
      return run(world.relatch.deps);
    },
    async withSeam(run) {
      if (world === null) throw new Error('Seam was not to be asked');
      return run(world.relatch.deps);
    },
    // As where there is no terminal, whatever the environment forces.
    print: (text) => void lines.push(stripVTControlCharacters(text)),
    readInput: async () => input,
  };
  try {
    await runRelatch(words, cli);
    return { code: 0, output: lines.join('\n') };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { code: 2, output: [...lines, error.message].join('\n') };
  }
}

/** The lines of JSON that a command printed. */
export function jsonLines({ output }: Ran): Record<string, unknown>[] {
  return output === '' ? [] : output.split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);
}
