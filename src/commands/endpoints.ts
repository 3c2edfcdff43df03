import { type Command, InvalidArgumentError, Option } from 'commander';
import { z } from 'zod';
import { describeAttempt, type EventType, eventTypes, isTaken, messageIdOf } from '../core/endpoint.ts';
import { UserError } from '../core/errors.ts';
import { countWaiting, type DeliveryView, listDeliveries, type Replayed } from '../db/deliveries.ts';
import { findEndpoint, listEndpoints } from '../db/endpoints.ts';
import { deliveryFieldsOf, endpointFieldsOf } from '../flows/answer-fields.ts';
import {
  addEndpoint,
  changeEndpoint,
  removeEndpoint,
  replayToEndpoint,
  rotateSecret,
  testEndpoint,
} from '../flows/change-endpoints.ts';
import { type AddCommand, type Cli, countUpTo, examples, matching, whoeverRunsThis } from './command.ts';
import { countOf, printList } from './output.ts';

/** Adds, changes and tries endpoints that are told of alerts and codes. */
export const addEndpoints: AddCommand = (program, cli) => {
  const endpoints = program
    .command('endpoints')
    .description('Systems of yours that are told of alerts and codes, by signed webhooks.')
    .addHelpText(
      'after',
      examples('relatch endpoints add https://alerts.example.com/relatch', 'relatch endpoints list'),
    );
  const word = (name: string, description: string, ...calls: readonly string[]): Command =>
    endpoints
      .command(name)
      .description(description)
      .addHelpText('after', examples(...calls.map((call) => `relatch endpoints ${name} ${call}`.trim())));
  const ofOne = (name: string, description: string, ...calls: readonly string[]): Command =>
    word(name, description, ...calls).argument(
      '<ID>',
      'as the list shows it',
      matching(isId, 'Name one endpoint by its id.'),
    );
  const types = new Option(
    '--events <TYPES>',
    `comma separated, of ${eventTypes.join(', ')}; without it all`,
  ).argParser(readTypes);

  word(
    'add',
    'Has an endpoint told from now on, and shows its signing secret this once.',
    'https://alerts.example.com/relatch --events alert.raised,window.missed',
  )
    .argument('<URL>', 'where messages are posted')
    .addOption(types)
    .action((url: string, { events = [] }: { readonly events?: readonly EventType[] }) => add(cli, url, events));
  word('list', 'Which there are, how they are doing, and how many messages wait for each.', '')
    .option('--json', 'one JSON object a line')
    .action((options: { readonly json?: boolean }) => list(cli, options));
  ofOne('change', 'Changes where it is, or what it is told of.', '0b5f6a3e-… --events all')
    .option('--url <URL>', 'where messages are posted')
    .addOption(
      new Option('--events <TYPES>', 'comma separated, or all').argParser((text) =>
        text === 'all' ? [] : readTypes(text),
      ),
    )
    .action(
      (
        id: string,
        { url, events: types }: { readonly url?: string; readonly events?: readonly EventType[] },
        command: Command,
      ) =>
        url === undefined && types === undefined
          ? command.error('say --url or --events')
          : change(cli, id, { url, eventTypes: types }, 'changed'),
    );
  ofOne('disable', 'Sends it nothing more. What waits for it is kept.', '0b5f6a3e-…').action((id: string) =>
    change(cli, id, { isDisabled: true }, 'disabled'),
  );
  ofOne('enable', 'Has it told again, beginning with what waits for it.', '0b5f6a3e-…').action((id: string) =>
    change(cli, id, { isDisabled: false }, 'enabled'),
  );
  ofOne('remove', 'Takes it out, with what waits for it.', '0b5f6a3e-…').action((id: string) => remove(cli, id));
  ofOne(
    'rotate-secret',
    'Signs with a new secret, which is shown this once, and for some hours with the old one too.',
    '0b5f6a3e-…',
  )
    .option('--old-valid-hours <N>', 'how long the old one signs too; 0: no longer', readHours, 24)
    .action((id: string, { oldValidHours }: { readonly oldValidHours: number }) => rotate(cli, id, oldValidHours));
  ofOne('test', 'Sends it a message of type endpoint.test now, and tells what it answers.', '0b5f6a3e-…').action(
    (id: string) => test(cli, id),
  );
  ofOne(
    'replay',
    'Has messages sent again, with the ids that they have.',
    '0b5f6a3e-… --since 2027-03-08T07:30:00Z',
    '0b5f6a3e-… --message msg_…',
  )
    .option('--since <INSTANT>', 'all since then that it wants to be told of', readInstant)
    .option('--message <ID>', 'one, by its webhook-id', readMessageId)
    .action(
      (id: string, { since, message }: { readonly since?: Date; readonly message?: string }, command: Command) => {
        if (since !== undefined && message === undefined) return replay(cli, id, { since });
        if (message !== undefined && since === undefined) return replay(cli, id, { messageId: message });
        return command.error('say --since or --message');
      },
    );
  ofOne('deliveries', 'Its messages, the latest first, and what became of them.', '0b5f6a3e-… --state waiting')
    .addOption(new Option('--state <STATE>', 'of which kind').choices(['waiting', 'delivered', 'given_up']))
    .option('--limit <N>', 'how many at most', countUpTo(1_000), 50)
    .option('--json', 'one JSON object a line')
    .action((id: string, options: DeliveriesOptions) => deliveries(cli, id, options));
};

interface DeliveriesOptions {
  readonly state?: DeliveryView['state'];
  readonly limit: number;
  readonly json?: boolean;
}

function isId(text: string): boolean {
  return z.guid().safeParse(text).success;
}

function readTypes(text: string): EventType[] {
  return text.split(',').map((part) => {
    const known = eventTypes.find((type) => type === part.trim());
    if (known === undefined) throw new InvalidArgumentError(`Take from ${eventTypes.join(', ')}.`);
    return known;
  });
}

function readHours(text: string): number {
  return text === '0' ? 0 : countUpTo(168)(text);
}

function readInstant(text: string): Date {
  return new Date(
    matching(
      (one) => z.iso.datetime({ offset: true }).safeParse(one).success,
      'It must be an instant such as 2027-03-08T07:30:00Z.',
    )(text),
  );
}

function readMessageId(text: string): string {
  const prefix = messageIdOf('');
  const isRight = (one: string) => one.startsWith(prefix) && isId(one.slice(prefix.length));
  return matching(isRight, 'It must be a webhook-id: msg_….')(text).slice(prefix.length);
}

async function add({ withTool, print }: Cli, url: string, types: readonly EventType[]): Promise<void> {
  const by = whoeverRunsThis();
  const { endpoint, secret } = await withTool((tool) => addEndpoint(tool, { url, eventTypes: types }, { by }));
  print(`added ${endpoint.id}, told of ${types.length === 0 ? 'everything' : types.join(', ')}`);
  printSecret(print, secret);
  print(`Try it: relatch endpoints test ${endpoint.id}`);
}

/** To the terminal only. */
function printSecret(print: Cli['print'], secret: string): void {
  print('Its signing secret is shown this once. The receiver verifies with it (standardwebhooks.com has libraries):');
  print(`  ${secret}`);
}

async function list({ withTool, print }: Cli, { json = false }: { readonly json?: boolean }): Promise<void> {
  const { found, waiting } = await withTool(async ({ db }) => ({
    found: await listEndpoints(db.prisma),
    waiting: await countWaiting(db.prisma),
  }));
  const waitingFor = (id: string): number => waiting.get(id) ?? 0;
  printList(print, found, {
    json: json ? found.map((one) => ({ ...endpointFieldsOf(one), waiting: waitingFor(one.id) })) : null,
    columns: [
      { title: 'ID', of: ({ id }) => id },
      { title: 'WAITING', of: ({ id }) => `${waitingFor(id)}` },
      {
        title: 'STATE',
        of: ({ disabledAt, failingSince }) =>
          disabledAt !== null ? 'disabled' : failingSince !== null ? 'failing' : 'ok',
        style: ({ disabledAt, failingSince }) => (disabledAt !== null || failingSince !== null ? 'red' : null),
      },
      { title: 'EVENTS', of: ({ eventTypes: types }) => types.join(',') || 'all' },
      { title: 'URL', of: ({ url }) => url },
      {
        title: 'WHY',
        of: ({ disabledBecause, failingSince }) =>
          disabledBecause ?? (failingSince === null ? '' : `since ${failingSince.toISOString()}`),
      },
    ],
    none: 'No endpoints.',
  });
}

async function change(
  { withTool, print }: Cli,
  id: string,
  what: Parameters<typeof changeEndpoint>[2],
  done: string,
): Promise<void> {
  const before = await withTool(async (tool) => {
    const known = await findEndpoint(tool.db.prisma, id);
    await changeEndpoint(tool, id, what, { by: whoeverRunsThis() });
    return known;
  });
  print(`${done} ${id}`);
  if (what.isDisabled === false && before?.disabledAt != null)
    print(
      `What happened meanwhile was not kept for it: relatch endpoints replay ${id} --since ${before.disabledAt.toISOString()}`,
    );
}

async function remove({ withTool, print }: Cli, id: string): Promise<void> {
  await withTool((tool) => removeEndpoint(tool, id, whoeverRunsThis()));
  print(`removed ${id}`);
}

async function rotate({ withTool, print }: Cli, id: string, hours: number): Promise<void> {
  const { secret, oldUntil } = await withTool((tool) => rotateSecret(tool, id, hours, { by: whoeverRunsThis() }));
  print(
    hours === 0
      ? `rotated ${id}`
      : `rotated ${id}: until ${oldUntil.toISOString()} messages are signed with the old secret too`,
  );
  printSecret(print, secret);
}

async function test({ withTool, print }: Cli, id: string): Promise<void> {
  const attempt = await withTool((tool) => testEndpoint(tool, id));
  if (!isTaken(attempt))
    throw new UserError('endpoint_not_told', `The message was not delivered: ${describeAttempt(attempt)}.`);
  print(`delivered: ${describeAttempt(attempt)}`);
}

async function replay({ withTool, print }: Cli, id: string, which: Replayed): Promise<void> {
  const replayed = await withTool((tool) => replayToEndpoint(tool, id, which));
  print(`${countOf(replayed, 'message')} to be sent again by the running service`);
}

async function deliveries(
  { withTool, print }: Cli,
  id: string,
  { state, limit, json = false }: DeliveriesOptions,
): Promise<void> {
  const found = await withTool(({ db }) => listDeliveries(db.prisma, id, { state, limit }));
  printList(print, found, {
    json: json ? found.map(deliveryFieldsOf) : null,
    columns: [
      { title: 'AT (UTC)', of: ({ at }) => at.toISOString().slice(0, 19).replace('T', ' ') },
      { title: 'TYPE', of: ({ type }) => type },
      { title: 'STATE', of: (one) => one.state, style: (one) => (one.state === 'delivered' ? null : 'red') },
      { title: 'TRIES', of: ({ attempts }) => `${attempts}` },
      { title: 'LAST ANSWER', of: ({ status, error }) => error ?? (status === null ? '' : `${status}`) },
      { title: 'NEXT TRY (UTC)', of: ({ dueAt }) => dueAt?.toISOString().slice(0, 19).replace('T', ' ') ?? '' },
      { title: 'ID', of: ({ messageId }) => messageIdOf(messageId) },
    ],
    none: 'No messages.',
  });
}
