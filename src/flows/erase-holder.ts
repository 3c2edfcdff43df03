// Takes a person out of the database: the name, and the PINs that the person knew. The chain of facts stays: which windows had
// codes, when, and why. The name in the holder's place is nobody's business once the schedule has no code on a lock any more.
import { UserError } from '../core/errors.ts';
import { noSchedule } from '../core/ways-out.ts';
import { deleteFeedsOf } from '../db/feeds.ts';
import { insertHistory } from '../db/history.ts';
import { devicesNaming, eraseSchedule, eraseWords, keysNaming, lockHeldSchedules, wordyTables } from '../db/holders.ts';
import { lockSchedules } from '../db/schedules-lock.ts';
import type { FlowDeps } from './flow-deps.ts';

type EraseDeps = Pick<FlowDeps, 'db' | 'now'>;

export interface Erasure {
  /** Keys of the schedules whose holder and PINs are gone. */
  readonly schedules: readonly string[];
  /** Rows of history, alerts, dead letters, jobs, codes, stored events, blackouts and devices that held the name. */
  readonly words: number;
  /** Keys of schedules that still bear the name in their key or label, and holiday lists; they are left to their owner. */
  readonly stillNaming: readonly string[];
  /** Ids of devices that bore the name: Seam still calls them so, and tells it again. */
  readonly devices: readonly string[];
  /** How many of their calendar feeds were ended. */
  readonly feeds: number;
}

const pageSize = 2_000;
// Shorter ones stand in too many other words to be erased everywhere.
const nameLengthMin = 3;

/**
 * Erases a holder by name, in all schedules and words, or the holder of one schedule. Safe to repeat.
 * @throws UserError where a schedule is still active or has a code that is not proved gone, and where nobody is to be erased
 */
export async function eraseHolder(deps: EraseDeps, by: { holder: string } | { key: string }): Promise<Erasure> {
  const { prisma } = deps.db;
  if ('holder' in by && by.holder.trim().length < nameLengthMin)
    throw new UserError('holder_too_short', `A name to erase has at least ${nameLengthMin} characters.`);
  const found = await prisma.$transaction((tx) => lockHeldSchedules(tx, by));
  if ('key' in by && found.length === 0) throw new UserError('schedule_unknown', noSchedule(by.key));
  assertIdle(found);
  const names = [...new Set('holder' in by ? [by.holder.trim()] : found.flatMap(({ holder }) => holder ?? []))];
  // The schedules last: while they hold the name, a run that was cut short can be made again by their key.
  const devices = new Set<string>();
  for (const name of names) for (const id of await devicesNaming(prisma, name)) devices.add(id);
  let words = 0;
  for (const name of names) words += await eraseEverywhere(deps, name);
  const { schedules, feeds } = await prisma.$transaction(async (tx) => {
    await lockSchedules(tx);
    const held = await lockHeldSchedules(tx, by);
    assertIdle(held);
    for (const schedule of held) {
      await eraseSchedule(tx, schedule);
      const message = 'The holder of the schedule was erased, and the PINs with them.';
      await insertHistory(tx, { at: deps.now(), kind: 'holder.erased', message, scheduleId: schedule.id });
    }
    const ended = await deleteFeedsOf(tx, { scheduleIds: held.map(({ id }) => id), holders: names });
    return { schedules: held.map(({ key }) => key), feeds: ended };
  });
  const stillNaming = new Set<string>();
  for (const name of names) for (const key of await keysNaming(prisma, name)) stillNaming.add(key);
  return { schedules, words, stillNaming: [...stillNaming], devices: [...devices], feeds };
}

/** A PIN that a lock still has, or may have, must be known until it is taken away. */
function assertIdle(schedules: Awaited<ReturnType<typeof lockHeldSchedules>>): void {
  const busy = schedules.filter(({ status, openCodes }) => status === 'active' || openCodes > 0);
  if (busy.length === 0) return;
  const list = busy.map(({ key, status, openCodes }) =>
    status === 'active'
      ? `${key} is active`
      : `${key} has ${openCodes} ${openCodes === 1 ? 'code that is' : 'codes that are'} not proved gone`,
  );
  const active = busy.flatMap(({ key, status }) => (status === 'active' ? [key] : []));
  const way =
    active.length === 0
      ? 'Wait until the codes are gone, and say it again.'
      : `Pause them first, wait until their codes are gone, and say it again: relatch schedules pause ${active.join(' ')}`;
  throw new UserError('holder_has_codes', `Nothing was erased: ${list.join('; ')}. ${way}`);
}

async function eraseEverywhere(deps: EraseDeps, name: string): Promise<number> {
  let words = 0;
  for (const table of wordyTables) {
    let after: string | null = null;
    do {
      const page: { erased: number; last: string | null } = await eraseWords(deps.db.prisma, table, name, {
        after,
        pageSize,
      });
      words += page.erased;
      after = page.last;
    } while (after !== null);
  }
  return words;
}
