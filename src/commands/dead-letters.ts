import { z } from 'zod';
import { UserError } from '../core/errors.ts';
import { type ListedLetter, listLetters, openLetterIds } from '../db/dead-letters.ts';
import { dropDeadLetter, retryDeadLetter } from '../flows/settle-dead-letter.ts';
import { type Command, readArgs, wrongUse } from './command.ts';
import { withTool } from './tool.ts';

const usage = [
  'dead-letters list [--json]',
  '                    jobs that failed for good: what they are about, why they failed, how often they were tried',
  'dead-letters retry ID… | --all',
  '                    gives them a job again; the running service does it',
  'dead-letters drop ID --reason TEXT',
  '                    gives one up: its event is ignored for good, a door is planned again when next something is due there',
];
const listedMax = 1_000;

/** Lists, retries and drops jobs that failed for good. */
export const deadLetters: Command = {
  usage,
  async run([verb, ...args]) {
    if (verb === 'list') return list(args);
    if (verb === 'retry') return retry(args);
    if (verb === 'drop') return drop(args);
    throw wrongUse({ usage }, 'Say list, retry or drop.');
  },
};

async function list(args: readonly string[]): Promise<void> {
  const { values } = readArgs({ usage }, args, { options: { json: { type: 'boolean', default: false } } });
  const letters = await withTool(({ db }) => listLetters(db.prisma, listedMax));
  if (letters.length === 0 && !values.json) console.log('No dead letters.');
  for (const letter of letters)
    console.log(values.json ? JSON.stringify(forPrograms(letter)) : forPeople(letter).join('\n'));
}

function forPrograms({ subject, error, ...letter }: ListedLetter): object {
  return {
    id: letter.id,
    state: letter.state,
    event_key: 'eventKey' in subject ? subject.eventKey : null,
    event_type: letter.eventType,
    schedule_key: letter.scheduleKey,
    device_id: letter.deviceId,
    device_name: letter.deviceName,
    error_name: error.name,
    error_message: error.message,
    attempts: letter.attempts,
    times: letter.times,
    died_at: letter.diedAt.toISOString(),
  };
}

function forPeople({ subject, error, ...letter }: ListedLetter): string[] {
  const schedule = letter.scheduleName ?? letter.scheduleKey;
  const door = letter.deviceName ?? (letter.deviceId === null ? null : `device ${letter.deviceId}`);
  const where = [schedule, door].filter((part) => part !== null).join(' at ');
  const what =
    'eventKey' in subject
      ? `event ${subject.eventKey} (${letter.eventType ?? 'of unknown type'})${where === '' ? '' : `, ${where}`}`
      : `plan of ${where}`;
  const state = letter.state === 'retried' ? ', has a job again' : '';
  return [
    `${letter.id}  ${what}`,
    `  ${error.name}: ${error.message}`,
    `  tried ${letter.attempts} times, the last time at ${letter.diedAt.toISOString()}${state}`,
  ];
}

async function retry(args: readonly string[]): Promise<void> {
  const { values, positionals } = readArgs({ usage }, args, {
    options: { all: { type: 'boolean', default: false } },
    allowPositionals: true,
  });
  if (values.all === positionals.length > 0) throw wrongUse({ usage }, 'Name letters by their ids, or say --all.');
  const given = positionals.map(readId);
  await withTool(async (tool) => {
    const missing: string[] = [];
    const ids = values.all ? await openLetterIds(tool.db.prisma) : given;
    for (const id of ids) {
      if (await retryDeadLetter(tool, id)) console.log(`retried ${id}`);
      else missing.push(id);
    }
    if (ids.length === 0) console.log('No dead letters.');
    if (missing.length > 0) throw noneOpen(missing);
  });
}

async function drop(args: readonly string[]): Promise<void> {
  const { values, positionals } = readArgs({ usage }, args, {
    options: { reason: { type: 'string' } },
    allowPositionals: true,
  });
  const [id, ...more] = positionals.map(readId);
  const reason = values.reason?.trim() ?? '';
  if (id === undefined || more.length > 0 || reason === '')
    throw wrongUse({ usage }, 'Name one letter and the reason.');
  await withTool(async (tool) => {
    if (!(await dropDeadLetter(tool, id, reason))) throw noneOpen([id]);
    console.log(`dropped ${id}`);
  });
}

function readId(text: string): string {
  if (z.guid().safeParse(text).success) return text;
  throw wrongUse({ usage }, `"${text}" is no id of a dead letter.`);
}

function noneOpen(ids: readonly string[]): UserError {
  return new UserError(
    'dead_letter_not_open',
    `No open dead letter has the id ${ids.join(', ')}; see dead-letters list.`,
  );
}
