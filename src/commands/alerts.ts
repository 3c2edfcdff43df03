import { formatInTimeZone } from 'date-fns-tz';
import { z } from 'zod';
import { UserError } from '../core/errors.ts';
import { acknowledgeAlert, listAlerts, type StoredAlert } from '../db/alerts.ts';
import { alertFieldsOf } from '../flows/answer-fields.ts';
import { type AddCommand, type Cli, examples, matching } from './command.ts';
import { momentIn, oneLine } from './output.ts';

const listedMax = 1_000;
const minuteMs = 60_000;

/** Lists and acknowledges alerts. */
export const addAlerts: AddCommand = (program, cli) => {
  const alerts = program
    .command('alerts')
    .description('What needs a person.')
    .addHelpText('after', examples('relatch alerts list'));
  alerts
    .command('list')
    .description('What needs a person, oldest first, with door, holder, window and the minutes left.')
    .option('--all', 'with what was acknowledged')
    .option('--json', 'one JSON object a line')
    .addHelpText('after', examples('relatch alerts list', 'relatch alerts list --json | jq .message'))
    .action((options: ListOptions) => list(cli, options));
  alerts
    .command('acknowledge')
    .alias('ack')
    .description('Notes that somebody has seen it; it resolves by itself once its cause is gone.')
    .argument('<ID>', 'the id that the list shows', matching(isId, 'Name one alert by its id.'))
    .addHelpText('after', examples('relatch alerts acknowledge 0b5f6a3e-…'))
    .action((id: string) => acknowledge(cli, id));
};

interface ListOptions {
  readonly all?: boolean;
  readonly json?: boolean;
}

function isId(text: string): boolean {
  return z.guid().safeParse(text).success;
}

async function list({ withTool, print }: Cli, { all = false, json = false }: ListOptions): Promise<void> {
  const { found, now } = await withTool(async (tool) => ({
    found: await listAlerts(tool.db.prisma, { withAcknowledged: all, limit: listedMax }),
    now: tool.now(),
  }));
  if (found.length === 0 && !json) print('No alerts.');
  for (const alert of found) print(json ? JSON.stringify(forPrograms(alert, now)) : forPeople(alert, now).join('\n'));
}

function forPrograms(alert: StoredAlert, now: Date): object {
  return {
    ...alertFieldsOf(alert),
    minutes_to_start: minutesTo(alert.windowStartsAt, now),
    minutes_to_end: minutesTo(alert.windowEndsAt, now),
  };
}

/** Whole minutes left, negative once it has passed. */
function minutesTo(at: Date | null, now: Date): number | null {
  return at === null ? null : Math.floor((at.getTime() - now.getTime()) / minuteMs);
}

function forPeople(alert: StoredAlert, now: Date): string[] {
  const zone = alert.timezone ?? 'UTC';
  const seen = alert.times > 1 ? `, seen ${alert.times} times, last on ${momentIn(zone, alert.lastSeenAt)}` : '';
  const state = alert.state === 'open' ? '' : `, ${alert.state}`;
  const door = alert.deviceName ?? (alert.deviceId === null ? null : `device ${alert.deviceId}`);
  const facts = [
    door === null ? null : `door ${door}`,
    alert.holder === null ? null : `held by ${alert.holder}`,
    alert.scheduleKey === null ? null : `schedule ${alert.scheduleKey}`,
    windowOf(alert, now),
  ].filter((fact) => fact !== null);
  return [
    `${alert.id}  ${alert.kind} since ${momentIn(zone, alert.raisedAt)} (${zone})${seen}${state}`,
    `  ${oneLine(alert.message)}`,
    ...(facts.length === 0 ? [] : [`  ${oneLine(facts.join('; '))}`]),
  ];
}

/** "window Mon 8 Mar 09:00–17:00 (America/New_York), begins in 95 minutes". */
function windowOf({ windowStartsAt, windowEndsAt, timezone }: StoredAlert, now: Date): string | null {
  if (windowStartsAt === null || windowEndsAt === null) return null;
  const zone = timezone ?? 'UTC';
  const local = (at: Date, format: string): string => formatInTimeZone(at, zone, format);
  const isSameDay = local(windowStartsAt, 'yyyy-MM-dd') === local(windowEndsAt, 'yyyy-MM-dd');
  const ends = local(windowEndsAt, isSameDay ? 'HH:mm' : 'EEE d MMM HH:mm');
  return `window ${local(windowStartsAt, 'EEE d MMM HH:mm')}–${ends} (${zone}), ${timeLeft(windowStartsAt, windowEndsAt, now)}`;
}

function timeLeft(startsAt: Date, endsAt: Date, now: Date): string {
  if (startsAt > now) return `begins in ${minutesTo(startsAt, now)} minutes`;
  return endsAt > now ? `ends in ${minutesTo(endsAt, now)} minutes` : 'is over';
}

async function acknowledge({ withTool, print }: Cli, id: string): Promise<void> {
  const isDone = await withTool((tool) => acknowledgeAlert(tool.db.prisma, id, tool.now()));
  if (!isDone) throw new UserError('alert_not_open', `No open alert has the id ${id}: see relatch alerts list --all.`);
  print(`acknowledged ${id}`);
}
