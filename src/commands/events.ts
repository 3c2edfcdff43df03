import { Option } from 'commander';
import { UserError } from '../core/errors.ts';
import { type EventState, type ListedEvent, listEvents } from '../db/listed-events.ts';
import { type Replayed, replayEvent } from '../flows/replay-event.ts';
import { type AddCommand, type Cli, countUpTo, examples } from './command.ts';
import { printList } from './output.ts';

interface ListOptions {
  readonly state?: EventState;
  readonly type?: string;
  readonly limit: number;
  readonly json?: boolean;
}

/** Lists events of Seam and has them handled again. */
export const addEvents: AddCommand = (program, cli) => {
  const events = program
    .command('events')
    .description("Seam's events, as they came in.")
    .addHelpText('after', examples('relatch events list'));
  const states = ['received', 'handled', 'ignored', 'dead'] satisfies EventState[];
  events
    .command('list')
    .description('The last events that came in, newest first.')
    .addOption(new Option('--state <STATE>', 'received: waits; dead: a dead letter').choices(states))
    .option('--type <TYPE>', 'such as access_code.set_on_device')
    .option('--limit <N>', 'how many at most', countUpTo(10_000), 50)
    .option('--json', 'one JSON object a line')
    .addHelpText('after', examples('relatch events list --state ignored --limit 20'))
    .action((options: ListOptions) => list(cli, options));
  events
    .command('replay')
    .description('Has the running service handle an event again: it is judged against what is known now.')
    .argument('<ID>', 'event_id, as the list shows it')
    .addHelpText('after', examples('relatch events replay 8c3e2f51-…'))
    .action((id: string) => replay(cli, id));
};

async function list({ withTool, print }: Cli, { state, type, limit, json = false }: ListOptions): Promise<void> {
  const filter = { ...(state !== undefined && { state }), ...(type !== undefined && { eventType: type }) };
  const events = await withTool(({ db }) => listEvents(db.prisma, filter, limit));
  printList(print, events, {
    json: json ? events.map(forPrograms) : null,
    columns: [
      { title: 'RECEIVED (UTC)', of: ({ receivedAt }) => receivedAt.toISOString().slice(0, 19).replace('T', ' ') },
      { title: 'TYPE', of: ({ eventType }) => eventType ?? 'unknown' },
      { title: 'STATE', of: (event) => event.state, style: (event) => (event.state === 'dead' ? 'red' : null) },
      { title: 'REASON', of: ({ reason }) => reason ?? '' },
      { title: 'DEVICE', of: ({ deviceId }) => deviceId ?? '' },
      { title: 'ID', of: ({ key }) => key },
    ],
    none: 'No events.',
  });
}

function forPrograms(event: ListedEvent): object {
  return {
    id: event.key,
    event_type: event.eventType,
    state: event.state,
    reason: event.reason,
    device_id: event.deviceId,
    access_code_id: event.accessCodeId,
    occurred_at: event.occurredAt?.toISOString() ?? null,
    received_at: event.receivedAt.toISOString(),
    done_at: event.doneAt?.toISOString() ?? null,
  };
}

const told: Readonly<Record<Exclude<Replayed, 'unknown'>, string>> = {
  reopened: 'The running service handles it again within seconds; see what came of it with: relatch events list',
  retried: 'Its dead letter was retried: the running service handles it within seconds.',
  waiting: 'It has not been handled yet, and waits for the running service.',
};

async function replay({ withTool, print }: Cli, id: string): Promise<void> {
  const outcome = await withTool((tool) => replayEvent(tool, id));
  if (outcome === 'unknown')
    throw new UserError('event_unknown', `There is no event ${id}, or it was cleared away: see relatch events list.`);
  print(told[outcome]);
}
