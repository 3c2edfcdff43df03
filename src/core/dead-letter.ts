// What is known of a job that failed for good, in words. Pure.
import { z } from 'zod';
import { cutSecretsInText } from './redact.ts';

/** Why a job failed; without anything like a PIN or a secret. */
export interface JobError {
  readonly name: string;
  readonly message: string;
}

const messageLengthMax = 500;

/** "once", "twice", "9 times". */
export function timesOf(attempts: number): string {
  return ['never', 'once', 'twice'][attempts] ?? `${attempts} times`;
}

/** What an error says and what its causes say, short enough to be read in a list. */
export function jobErrorOf(error: unknown): JobError {
  if (!(error instanceof Error)) return { name: 'error', message: shortened(lastLine(String(error))) };
  const parts: string[] = [];
  for (let one: unknown = error; one instanceof Error && parts.length < 4; one = one.cause)
    parts.push(lastLine(one.message));
  return { name: error.name, message: shortened(parts.filter((part) => part !== '').join('; because ')) };
}

/** Prisma puts a piece of our source and the whole query before the reason. */
function lastLine(message: string): string {
  return message.trim().split('\n').at(-1)?.trim() ?? '';
}

function shortened(message: string): string {
  const clean = cutSecretsInText(message);
  return clean.length <= messageLengthMax ? clean : `${clean.slice(0, messageLengthMax - 1).toWellFormed()}…`;
}

const Told = z.object({ name: z.string(), message: z.string() });
const LostByQueue = z.object({ value: z.object({ message: z.string() }) });

/** What the queue kept of a dead job's last attempt: the worker's words, or that the worker was lost. */
export function jobErrorFromOutput(output: unknown): JobError {
  const told = Told.safeParse(output);
  if (told.success) return { name: told.data.name, message: shortened(told.data.message) };
  const lost = LostByQueue.safeParse(output);
  const why = lost.success ? ` (${lost.data.value.message})` : '';
  return { name: 'WorkerLost', message: `the process that ran it stopped or hung${why}` };
}
