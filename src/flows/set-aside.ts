// Jobs that failed for good become dead letters: rows that wait for a person, with one alert each. The queue itself keeps a dead job
// until it is taken from there, also that of a worker that was lost, so that none is dropped in silence.
import { z } from 'zod';
import { causeOf } from '../core/alert.ts';
import { type JobError, jobErrorFromOutput, timesOf } from '../core/dead-letter.ts';
import { settleLetterCommands } from '../core/ways-out.ts';
import { resolveCause } from '../db/alerts.ts';
import type { Tx } from '../db/client.ts';
import {
  type DeadLetter,
  type Death,
  type LetterSubject,
  markEventDead,
  saveDoorLetter,
  saveEventLetter,
  settleRecovered,
} from '../db/dead-letters.ts';
import { loadDoorNames } from '../db/devices.ts';
import { type HistoryEntry, type HistoryKind, insertHistory } from '../db/history.ts';
import type { DeadJob, PlanKey, Queue } from '../db/queue.ts';
import type { FlowDeps } from './flow-deps.ts';
import { logEntry } from './record.ts';

/** What a flow about dead letters is given. */
export interface DeadLetterDeps extends Pick<FlowDeps, 'db' | 'now' | 'log'> {
  readonly queue: Queue;
}

const EventData = z.object({ key: z.string() });
const PlanData = z.object({ scheduleId: z.guid(), deviceId: z.string() });
const atOnce = 50;

/** Takes dead jobs from the queue and settles letters whose retry went well; answers whether more may be left. */
export async function setDeadJobsAside(deps: DeadLetterDeps): Promise<boolean> {
  const { entries, isMore } = await deps.db.prisma.$transaction(async (tx) => {
    const jobs = await deps.queue.takeDead(tx, atOnce);
    const aside: HistoryEntry[] = [];
    for (const job of jobs) {
      const entry = await setAside(tx, job, deps.now());
      if (entry !== null) aside.push(entry);
    }
    const recovered = await settleRecovered(tx, atOnce);
    for (const letter of recovered) aside.push(await recordRecovered(tx, letter, deps.now()));
    return { entries: aside, isMore: jobs.length >= atOnce || recovered.length >= atOnce };
  });
  for (const entry of entries) logEntry(deps.log, entry);
  return isMore;
}

async function setAside(tx: Tx, job: DeadJob, at: Date): Promise<HistoryEntry | null> {
  const subject = subjectIn(job);
  if (subject === null) return recordUnreadable(tx, job, at);
  const death: Death = { error: jobErrorFromOutput(job.output), attempts: job.attempts, diedAt: job.diedAt };
  const letter =
    'eventKey' in subject ? await eventLetter(tx, subject.eventKey, death) : await saveDoorLetter(tx, subject, death);
  if (letter === null) return null;
  const entry = await entryAbout(tx, letter, 'job.set_aside', at, (what) => {
    const way = letter.state === 'retried' ? 'It has another job already.' : settleLetterCommands(letter.id);
    return `Failed ${timesOf(letter.attempts)} and is set aside: ${what}; ${sentence(letter.error)}. ${way}`;
  });
  const told = { ...entry, alert: true };
  await insertHistory(tx, told);
  return told;
}

/** What a job is about; null where its data do not say. */
function subjectIn({ queue, data }: DeadJob): LetterSubject | null {
  if (queue === 'plan') return PlanData.safeParse(data).data ?? null;
  const event = EventData.safeParse(data);
  return event.success ? { eventKey: event.data.key } : null;
}

/** A letter is about an event or a door. A job that is about neither would stand before all others for ever, so it goes. */
async function recordUnreadable(tx: Tx, job: DeadJob, at: Date): Promise<HistoryEntry> {
  const { queue, attempts, output } = job;
  const error = jobErrorFromOutput(output);
  const lacks = queue === 'event' ? 'event' : 'door';
  const entry = {
    at,
    kind: 'job.dropped',
    alert: true,
    aspect: queue,
    message: `Dropped a job of the queue ${queue} that failed ${timesOf(attempts)}: its data name no ${lacks}. It last said ${sentence(error)}.`,
    detail: { attempts, error_name: error.name, error_message: error.message },
  } as const;
  await insertHistory(tx, entry);
  return entry;
}

async function eventLetter(tx: Tx, eventKey: string, death: Death): Promise<DeadLetter | null> {
  if (!(await markEventDead(tx, eventKey, death))) return null;
  return saveEventLetter(tx, eventKey, death);
}

async function recordRecovered(tx: Tx, letter: DeadLetter, at: Date): Promise<HistoryEntry> {
  const entry = await entryAbout(tx, letter, 'job.recovered', at, (what) => `Done after all: ${what}.`);
  await insertHistory(tx, entry);
  await resolveLetterAlert(tx, letter.subject, 'job.recovered', at);
  return entry;
}

/** Resolves the alert that a letter raised. */
export async function resolveLetterAlert(
  tx: Tx,
  subject: LetterSubject,
  because: HistoryKind,
  at: Date,
): Promise<void> {
  await resolveCause(tx, causeOf('job.set_aside', subjectOf(subject), aspectOf(subject)), because, at);
}

/** An entry of the history about a letter. @param tell the sentence, given what the letter is about */
export async function entryAbout(
  tx: Tx,
  letter: DeadLetter,
  kind: HistoryKind,
  at: Date,
  tell: (what: string) => string,
): Promise<HistoryEntry> {
  const { subject, error, id } = letter;
  const isEvent = 'eventKey' in subject;
  return {
    at,
    kind,
    message: tell(isEvent ? `the event ${subject.eventKey}` : `the plan of ${await whoseDoor(tx, subject)}`),
    aspect: aspectOf(subject),
    ...subjectOf(subject),
    ...(isEvent && { eventKey: subject.eventKey }),
    detail: { dead_letter_id: id, attempts: letter.attempts, error_name: error.name, error_message: error.message },
  };
}

async function whoseDoor(tx: Tx, door: PlanKey): Promise<string> {
  const { scheduleName, deviceName } = await loadDoorNames(tx, door);
  return `${scheduleName ?? `schedule ${door.scheduleId}`} at ${deviceName ?? `device ${door.deviceId}`}`;
}

function subjectOf(subject: LetterSubject): Partial<PlanKey> {
  return 'eventKey' in subject ? {} : { scheduleId: subject.scheduleId, deviceId: subject.deviceId };
}

function aspectOf(subject: LetterSubject): string | undefined {
  return 'eventKey' in subject ? subject.eventKey : undefined;
}

function sentence(error: JobError): string {
  return `${error.name}: ${error.message}`.replace(/[.:\s]+$/, '');
}
