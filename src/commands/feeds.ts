import type { Command } from 'commander';
import { z } from 'zod';
import { inspectConfig } from '../config.ts';
import { UserError } from '../core/errors.ts';
import { listFeeds } from '../db/feeds.ts';
import { feedFieldsOf } from '../flows/answer-fields.ts';
import { createFeed, type FeedWanted, type NewFeed, renewAddress, revokeFeed } from '../flows/feeds.ts';
import { type AddCommand, type Cli, examples, matching } from './command.ts';
import { printList } from './output.ts';

const listedMax = 10_000;

/** Who did it, as the history keeps it. */
const by = 'command line';

/** Makes, lists, renews and revokes the secret addresses that calendars read windows from. */
export const addFeeds: AddCommand = (program, cli) => {
  const feeds = program
    .command('feeds')
    .description('Secret addresses from which calendars read windows.')
    .addHelpText('after', examples('relatch feeds create --schedule cleaning-crew', 'relatch feeds list'));
  feeds
    .command('create')
    .description(
      'Makes an address for Google Calendar, Apple Calendar and the like. Whoever has it reads the windows, without PINs; it is shown this once.',
    )
    .option('--schedule <KEY>', 'the windows of this schedule')
    .option('--holder <NAME>', 'the windows of all schedules of this holder')
    .addHelpText(
      'after',
      examples('relatch feeds create --schedule cleaning-crew', 'relatch feeds create --holder "Ana Silva"'),
    )
    .action(
      (
        { schedule: scheduleKey, holder }: Readonly<Record<'schedule' | 'holder', string | undefined>>,
        command: Command,
      ) => {
        const wanted = scheduleKey !== undefined ? { scheduleKey } : holder !== undefined ? { holder } : null;
        if (wanted === null || (scheduleKey !== undefined && holder !== undefined))
          return command.error('give --schedule KEY or --holder NAME');
        return create(cli, wanted);
      },
    );
  feeds
    .command('list')
    .description('The feeds there are; their addresses are not known to Relatch.')
    .option('--json', 'one JSON object a line')
    .addHelpText('after', examples('relatch feeds list'))
    .action((options: { readonly json?: boolean }) => list(cli, options));
  feeds
    .command('renew')
    .description('Gives a feed another address; the old one is no more.')
    .argument('<ID>', 'as the list shows it', readId)
    .addHelpText('after', examples('relatch feeds renew 0b5f6a3e-…'))
    .action((id: string) => renew(cli, id));
  feeds
    .command('revoke')
    .description('Ends a feed: its address answers 404 from now on.')
    .argument('<ID>', 'as the list shows it', readId)
    .addHelpText('after', examples('relatch feeds revoke 0b5f6a3e-…'))
    .action((id: string) => revoke(cli, id));
};

const readId = matching((text) => z.guid().safeParse(text).success, 'It is no id of a feed.');

async function create({ withTool, print }: Cli, wanted: FeedWanted): Promise<void> {
  print(addressLines(await withTool((tool) => createFeed(tool, wanted, by))));
}

async function renew({ withTool, print }: Cli, id: string): Promise<void> {
  const feed = await withTool((tool) => renewAddress(tool, id, by));
  if (feed === null) throw feedUnknown();
  print(addressLines(feed));
}

async function revoke({ withTool, print }: Cli, id: string): Promise<void> {
  if (!(await withTool((tool) => revokeFeed(tool, id, by)))) throw feedUnknown();
  print('Revoked. Calendars keep what they have read until they ask again.');
}

function addressLines({ id, path }: NewFeed): string {
  const { publicUrl } = inspectConfig(process.env);
  const before =
    publicUrl === null ? ' Put the address before it at which people reach Relatch (or set PUBLIC_URL).' : '';
  return `${publicUrl ?? ''}${path}\nShown this once; who has it needs no password.${before} To end it: relatch feeds revoke ${id}`;
}

async function list({ withTool, print }: Cli, { json = false }: { readonly json?: boolean }): Promise<void> {
  const feeds = await withTool(({ db }) => listFeeds(db.prisma, { limit: listedMax }));
  printList(print, feeds, {
    json: json ? feeds.map(feedFieldsOf) : null,
    columns: [
      { title: 'ID', of: ({ id }) => id },
      { title: 'OF', of: ({ scheduleKey, holder }) => scheduleKey ?? `holder ${holder}` },
      { title: 'ADDRESS MADE', of: ({ madeAt }) => madeAt.toISOString() },
    ],
    none: 'No feeds.',
  });
}

function feedUnknown(): UserError {
  return new UserError('feed_unknown', 'There is no such feed: see relatch feeds list.');
}
