import { userInfo } from 'node:os';
import { Command, CommanderError, type HelpContext, InvalidArgumentError } from 'commander';
import { UserError } from '../core/errors.ts';
import type { DoorReader } from '../flows/ask-doors.ts';
import type { FlowDeps } from '../flows/flow-deps.ts';
import type { NotifyDeps } from '../flows/notify-endpoint.ts';

/** What commands are given of the world around them. */
export interface Cli {
  /** Runs something on the database that the environment names, and closes it. */
  withTool<T>(run: (tool: CliTool) => Promise<T>): Promise<T>;
  /** The same for what asks Seam and changes codes there; with the settings of the service. */
  withSeam<T>(run: (deps: FlowDeps) => Promise<T>): Promise<T>;
  /** Writes a line, or several, for whoever reads standard output. */
  print(text: string): void;
  /** All of standard input. */
  readInput(): Promise<string>;
}

/** What works without a key of Seam; with one, doors are asked what they take. */
export type CliTool = Pick<FlowDeps & NotifyDeps, 'db' | 'queue' | 'vault' | 'now' | 'random' | 'log' | 'endpoints'> & {
  readonly seam: DoorReader | null;
};

/** Adds a word of the command line, with the words that follow it, to the program. */
export type AddCommand = (program: Command, cli: Cli) => void;

const exitCodes = `
Exit codes:
  0  done
  1  failed by a mistake of Relatch's own, or by something that broke on the way
  2  refused, used wrongly, or something is to be mended first: the message says what to do`;

/** A command that tells what is wrong, and how it is used, in one UserError instead of ending the process. */
class ExplainingCommand extends Command {
  override createCommand(name?: string): Command {
    return new ExplainingCommand(name);
  }

  override error(message: string): never {
    const words = this.commands.map((one) => one.name()).filter((one) => one !== 'help');
    const told = message
      .replace(/^error: /, '')
      .replace(/^(unknown command '.*')$/, `$1. Say one of ${words.join(', ')}`)
      .replace(/\n\((.*)\)$/, '. $1')
      // What was given too much, or in the wrong place, may be a PIN.
      .replace(/ but got (\d+): .*$/s, ' but got $1')
      .replace(/(--[\w-]+)=.*'/s, "$1'");
    const sentence = told.charAt(0).toUpperCase() + told.slice(1).replace(/([^.?])$/, '$1.');
    const call = [...parentsOf(this), this].map((one) => one.name()).join(' ');
    throw new UserError('usage', `${sentence}\nUsage: ${call} ${this.usage()}\nMore: ${call} --help`);
  }

  override help(context?: HelpContext | ((text: string) => string)): never {
    if (typeof context === 'object' && context.error === true)
      return this.error(`say one of ${this.commands.map((one) => one.name()).join(', ')}`);
    this.outputHelp();
    throw new CommanderError(0, 'commander.help', 'help');
  }
}

function parentsOf(command: Command): Command[] {
  return command.parent === null ? [] : [...parentsOf(command.parent), command.parent];
}

/** A program without commands yet. */
export function newProgram(name: string, print: (text: string) => void): Command {
  return new ExplainingCommand(name)
    .exitOverride()
    .configureOutput({ writeOut: (text) => print(text.replace(/\n$/, '')) })
    .helpOption('-h, --help', 'explains this')
    .helpCommand('help [COMMAND]', 'explains a command')
    .addHelpText('afterAll', exitCodes);
}

/** Runs a program on the words that a person gave it. @throws UserError for what that person can mend */
export async function runWords(program: Command, words: readonly string[]): Promise<void> {
  try {
    await program.parseAsync(words, { from: 'user' });
  } catch (error) {
    const isHelp = error instanceof CommanderError && error.exitCode === 0;
    if (!isHelp) throw error;
  }
}

/** The text that ends a command's help. */
export function examples(...lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  $ ${line}`).join('\n')}`;
}

/** A reader of an argument: what does not match is refused with this sentence. */
export function matching(isRight: (text: string) => boolean, sentence: string): (text: string) => string {
  return (text) => {
    if (isRight(text)) return text;
    throw new InvalidArgumentError(sentence);
  };
}

/** A reader of a whole number from 1 on. */
export function countUpTo(max: number): (text: string) => number {
  return (text) => {
    const count = Number(text);
    if (/^\d+$/.test(text) && count >= 1 && count <= max) return count;
    throw new InvalidArgumentError(`It must be a whole number from 1 to ${max}.`);
  };
}

/** Who stands in the history. Where a container gives its user no name, it is nobody in particular. */
export function whoeverRunsThis(): string {
  try {
    return userInfo().username;
  } catch {
    return 'command line';
  }
}
