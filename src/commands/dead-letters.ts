import type { Command } from 'commander';
import { z } from 'zod';
import { timesOf } from '../core/dead-letter.ts';
import { UserError } from '../core/errors.ts';
import { type ListedLetter, listLetters, openLetterIds } from '../db/dead-letters.ts';
import { letterFieldsOf } from '../flows/answer-fields.ts';
import { dropDeadLetter, retryDeadLetter } from '../flows/settle-dead-letter.ts';
import { type AddCommand, type Cli, examples, matching } from './command.ts';
import { momentIn, oneLine } from './output.ts';

const listedMax = 1_000;

/** Lists, retries and drops jobs that failed for good. */
export const addDeadLetters: AddCommand = (program, cli) => {
  const letters = program
    .command('dead-letters')
    .description('Jobs that failed for good.')
    .addHelpText('after', examples('relatch dead-letters list'));
  letters
    .command('list')
    .description('What they are about, why they failed and how often they were tried.')
    .option('--json', 'one JSON object a line')
    .addHelpText('after', examples('relatch dead-letters list'))
    .action((options: { readonly json?: boolean }) => list(cli, options));
  letters
    .command('retry')
    .description('Gives them a job again; the running service does it.')
    .argument('[IDS...]', 'as the list shows them', readIds)
    .option('--all', 'all that are open')
    .addHelpText('after', examples('relatch dead-letters retry --all', 'relatch dead-letters retry 0b5f6a3e-…'))
    .action((ids: readonly string[], { all = false }: { readonly all?: boolean }, command: Command) => {
      if (all === ids.length > 0) command.error('name letters by their ids, or say --all');
      return retry(cli, all ? null : ids);
    });
  letters
    .command('drop')
    .description(
      'Gives one up: its event is ignored for good, a door is planned again when next something is due there.',
    )
    .argument('<ID>', 'as the list shows it', matching(isId, 'It is no id of a dead letter.'))
    .requiredOption(
      '--reason <TEXT>',
      'why, for the history',
      matching((reason) => reason.trim() !== '', 'Say why.'),
    )
    .addHelpText('after', examples('relatch dead-letters drop 0b5f6a3e-… --reason "a test of ours"'))
    .action((id: string, { reason }: { readonly reason: string }) => drop(cli, id, reason.trim()));
};

function isId(text: string): boolean {
  return z.guid().safeParse(text).success;
}

function readIds(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, matching(isId, 'It is no id of a dead letter.')(text)];
}

async function list({ withTool, print }: Cli, { json = false }: { readonly json?: boolean }): Promise<void> {
  const letters = await withTool(({ db }) => listLetters(db.prisma, listedMax));
  if (letters.length === 0 && !json) print('No dead letters.');
  for (const letter of letters) print(json ? JSON.stringify(letterFieldsOf(letter)) : forPeople(letter).join('\n'));
}

function forPeople({ subject, error, ...letter }: ListedLetter): string[] {
  const schedule = letter.scheduleName ?? letter.scheduleKey;
  const door = letter.deviceName ?? (letter.deviceId === null ? null : `device ${letter.deviceId}`);
  const where = [schedule, door].filter((part) => part !== null).join(' at ');
  const what =
    'eventKey' in subject
      ? `event ${subject.eventKey} (${letter.eventType ?? 'of unknown type'})${where === '' ? '' : `, ${where}`}`
      : `plan of ${where}`;
  const zone = letter.timezone ?? 'UTC';
  const diedAt = momentIn(zone, letter.diedAt);
  const state = letter.state === 'retried' ? ', has a job again' : '';
  return [
    `${letter.id}  ${oneLine(what)}`,
    `  ${oneLine(`${error.name}: ${error.message}`)}`,
    `  tried ${timesOf(letter.attempts)}, the last time on ${diedAt} (${zone})${state}`,
  ];
}

/** @param named null: all that are open */
async function retry({ withTool, print }: Cli, named: readonly string[] | null): Promise<void> {
  await withTool(async (tool) => {
    const missing: string[] = [];
    const ids = named ?? (await openLetterIds(tool.db.prisma));
    for (const id of ids) {
      if (await retryDeadLetter(tool, id)) print(`retried ${id}`);
      else missing.push(id);
    }
    if (ids.length === 0) print('No dead letters.');
    if (missing.length > 0) throw noneOpen(missing);
  });
}

async function drop({ withTool, print }: Cli, id: string, reason: string): Promise<void> {
  await withTool(async (tool) => {
    if (!(await dropDeadLetter(tool, id, reason))) throw noneOpen([id]);
    print(`dropped ${id}`);
  });
}

function noneOpen(ids: readonly string[]): UserError {
  return new UserError(
    'dead_letter_not_open',
    `No open dead letter has the id ${ids.join(', ')}: see relatch dead-letters list.`,
  );
}
