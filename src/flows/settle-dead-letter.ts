// What a person decides about a dead letter.
import { cutSecretsInText } from '../core/redact.ts';
import type { Tx } from '../db/client.ts';
import { ignoreDeadEvent, moveLetter, reviveEvent } from '../db/dead-letters.ts';
import { type HistoryEntry, insertHistory } from '../db/history.ts';
import type { FlowDeps } from './flow-deps.ts';
import { logEntry } from './record.ts';
import { requestPlans } from './request-plans.ts';
import { entryAbout, resolveLetterAlert } from './set-aside.ts';

type SettleDeps = Pick<FlowDeps, 'db' | 'queue' | 'now' | 'log'>;

export interface SettleOptions {
  /** Who does it, for the history. */
  readonly by?: string;
  /** Writes along, in the same transaction. */
  readonly along?: (tx: Tx) => Promise<void>;
}

/** Gives a letter's event or door a job again; false when no open letter has this id. What fails again is open again. */
export function retryDeadLetter(deps: SettleDeps, id: string, options: SettleOptions = {}): Promise<boolean> {
  return settle(deps, options, async (tx) => {
    const letter = await moveLetter(tx, id, { state: 'retried' });
    if (letter === null) return null;
    if ('eventKey' in letter.subject) await reviveEvent(tx, letter.subject.eventKey);
    else await requestPlans(deps, tx, [letter.subject]);
    return entryAbout(tx, letter, 'job.retried', deps.now(), (what) => `Tried again: ${what}.`);
  });
}

/**
 * Gives a letter up; false when no open letter has this id. An event is ignored for good. A door is planned again when next
 * something is due on it: what still ails it will make another letter.
 */
export function dropDeadLetter(
  deps: SettleDeps,
  id: string,
  because: string,
  options: SettleOptions = {},
): Promise<boolean> {
  const reason = cutSecretsInText(because.trim());
  return settle(deps, options, async (tx) => {
    const letter = await moveLetter(tx, id, { state: 'dropped', because: reason });
    if (letter === null) return null;
    const { subject } = letter;
    if ('eventKey' in subject) await ignoreDeadEvent(tx, subject.eventKey, `dropped: ${reason}`);
    await resolveLetterAlert(tx, subject, 'job.dropped', deps.now());
    return entryAbout(
      tx,
      letter,
      'job.dropped',
      deps.now(),
      (what) => `Dropped: ${what}; ${reason.replace(/\.$/, '')}.`,
    );
  });
}

async function settle(
  deps: SettleDeps,
  { by, along }: SettleOptions,
  change: (tx: Tx) => Promise<HistoryEntry | null>,
): Promise<boolean> {
  const entry = await deps.db.prisma.$transaction(async (tx) => {
    const written = await change(tx);
    if (written === null) return null;
    const who = by === undefined ? {} : { by };
    await insertHistory(tx, { ...written, detail: { ...written.detail, ...who } });
    await along?.(tx);
    return written;
  });
  if (entry !== null) logEntry(deps.log, entry);
  return entry !== null;
}
