import { setTimeout as sleep } from 'node:timers/promises';
import { UserError } from '../core/errors.ts';
import type { Tx } from './client.ts';

// Any number will do that nothing else in this database uses.
const schedulesLock = 5_820_137_461;
const lockWaitMs = 30_000;
const lockPollMs = 50;

/**
 * Makes those who change schedules wait for each other until the transaction ends: PINs are compared over all schedules of
 * a door. Waits by asking again, because a statement that waits would be cut by the pool's statement timeout.
 * @throws UserError `schedules_busy` after 30 s.
 */
export async function lockSchedules(tx: Tx): Promise<void> {
  for (let waitedMs = 0; waitedMs <= lockWaitMs; waitedMs += lockPollMs) {
    const rows = await tx.$queryRaw<
      { locked: boolean }[]
    >`SELECT pg_try_advisory_xact_lock(${schedulesLock}) AS locked`;
    if (rows[0]?.locked === true) return;
    await sleep(lockPollMs);
  }
  throw new UserError('schedules_busy', 'Another process is changing schedules and does not finish; try again.');
}
