// Tells one endpoint what is due, a few messages at a time, at least once each: an attempt is noted when it has ended, and one that was
// cut short is made again under the same id. Order is not promised. What one endpoint does holds up no other.
import type { Logger } from 'pino';
import { causeOf } from '../core/alert.ts';
import {
  type Attempt,
  describeAttempt,
  isFailingTooLong,
  isGone,
  isTaken,
  messageIdOf,
  quietMs,
  retryDelayMs,
  wasAway,
} from '../core/endpoint.ts';
import type { Db } from '../db/client.ts';
import { type AttemptNote, type DueMessage, dueMessages, hastenMessages, noteAttempts } from '../db/deliveries.ts';
import {
  disableEndpoint,
  findSigningEndpoint,
  holdEndpoint,
  noteRound,
  type SigningEndpoint,
} from '../db/endpoints.ts';
import { type HistoryEntry, insertHistory } from '../db/history.ts';
import type { PinVault } from '../db/pin-vault.ts';
import type { Destination } from '../outgoing/addresses.ts';
import type { EndpointClient } from '../outgoing/endpoint-client.ts';
import { logEntry } from './record.ts';

/** What is needed to tell endpoints. */
export interface NotifyDeps {
  readonly db: Db;
  readonly vault: PinVault;
  readonly now: () => Date;
  readonly random: (below: number) => number;
  readonly log: Logger;
  readonly endpoints: EndpointClient;
}

const atOnce = 5;
// Three workers tell all endpoints: one that answers late, and has much to be told, leaves its place to others. Its next job goes on.
const roundsWithinMs = 10_000;

/** The aspect of an endpoint's alert: it is about none of the things that alerts name. */
export function causeOfDisabled(endpointId: string): string {
  return causeOf('endpoint.disabled', {}, endpointId);
}

/** When to end: `stopping` begins no further round, `cutShort` gives up what is on its way, to be sent again later. */
export interface Ends {
  readonly stopping: AbortSignal;
  readonly cutShort: AbortSignal;
}

/** Sends what is due until nothing is, or a round fails. */
export async function notifyEndpoint(
  deps: NotifyDeps,
  endpointId: string,
  { stopping, cutShort }: Ends,
): Promise<string> {
  const enough = AbortSignal.any([stopping, AbortSignal.timeout(roundsWithinMs)]);
  while (!enough.aborted) {
    const now = deps.now();
    const endpoint = await findSigningEndpoint(deps.db.prisma, endpointId, now);
    if (endpoint === null || endpoint.disabledAt !== null) return 'not told any more';
    if (endpoint.quietUntil !== null && endpoint.quietUntil > now) return 'left alone for now';
    const due = await dueMessages(deps.db.prisma, endpointId, now, atOnce);
    if (due.length === 0) return 'told';
    if (!(await runRound(deps, endpoint, due, cutShort))) return 'failed';
  }
  return 'goes on later';
}

/** Whether nothing of it failed. */
async function runRound(
  deps: NotifyDeps,
  endpoint: SigningEndpoint,
  due: readonly DueMessage[],
  cutShort: AbortSignal,
): Promise<boolean> {
  const secrets = secretsOf(deps.vault, endpoint);
  if (secrets.length === 0) {
    await giveUp(
      deps,
      endpoint,
      'none of its secrets can be read any more: relatch endpoints rotate-secret gives it another',
    );
    return false;
  }
  const destination = await deps.endpoints.find(endpoint.url);
  const target = { endpoint, destination, secrets, cutShort };
  const tried = (await Promise.all(due.map((message) => tryMessage(deps, target, message)))).filter(
    (one) => one !== null,
  );
  if (tried.length === 0) return true;
  const failed = tried.find(({ attempt }) => !isTaken(attempt));
  const now = deps.now();
  const notes = tried.map(({ note }) => note);
  const isBack = tried.some(({ attempt }) => isTaken(attempt));
  const since = await deps.db.prisma.$transaction(async (tx) => {
    // The endpoint before its deliveries, as who removes it does: the other way round each would wait for the other.
    const held = await holdEndpoint(tx, endpoint);
    // What failed at an address that it has left since, or after somebody disabled it, says nothing of it, and waits as before.
    if (held === null) {
      await noteAttempts(
        tx,
        endpoint.id,
        now,
        notes.filter(({ isDelivered }) => isDelivered),
      );
      return null;
    }
    const failingSince = isBack ? now : (held.failingSince ?? now);
    if (failed !== undefined || held.failingSince !== null) {
      const quiet = failed === undefined ? 0 : quietMs(now.getTime() - failingSince.getTime(), failed.attempt);
      const failing =
        failed === undefined ? null : { since: failingSince, quietUntil: new Date(now.getTime() + quiet) };
      await noteRound(tx, endpoint.id, failing);
    }
    if (isBack && held.failingSince !== null && wasAway(held.failingSince, now))
      await hastenMessages(tx, endpoint.id, now);
    await noteAttempts(tx, endpoint.id, now, notes);
    return failingSince;
  });
  if (failed === undefined) return true;
  if (since === null) return false;
  if (tried.some(({ attempt }) => isGone(attempt)))
    await giveUp(deps, endpoint, 'it answered 410: it wants nothing more');
  else if (isFailingTooLong(since, now))
    await giveUp(deps, endpoint, `nothing was delivered for days, last because ${describeAttempt(failed.attempt)}`);
  return false;
}

/** What messages are signed with; a ciphertext that does not open is none. */
export function secretsOf(vault: PinVault, { id, secrets }: SigningEndpoint): string[] {
  return secrets.flatMap((secret) => vault.open(secret, id) ?? []);
}

interface Target {
  readonly endpoint: SigningEndpoint;
  readonly destination: Destination;
  readonly secrets: readonly string[];
  readonly cutShort: AbortSignal;
}

/** Null where it was cut short: whether it arrived is not known, so that it is as if it had not been tried. */
async function tryMessage(
  deps: NotifyDeps,
  { endpoint, destination, secrets, cutShort }: Target,
  message: DueMessage,
): Promise<{ attempt: Attempt; note: AttemptNote } | null> {
  const startedMs = performance.now();
  const messageId = messageIdOf(message.id);
  const body = JSON.stringify(message.payload);
  const attempt = await deps.endpoints.post(destination, { messageId, at: deps.now(), body, secrets }, cutShort);
  if (cutShort.aborted && !isTaken(attempt)) return null;
  const note = noteOf(deps, message, attempt);
  const outcome = note.isDelivered ? 'delivered' : note.dueAt === null ? 'given_up' : 'failed';
  deps.log[note.isDelivered ? 'info' : 'warn'](
    {
      event: 'endpoint.notified',
      endpoint_id: endpoint.id,
      host: hostOf(endpoint.url),
      message_id: messageId,
      message_type: message.type,
      attempt: message.attempts + 1,
      outcome,
      status: note.status ?? undefined,
      next_attempt_at: note.dueAt ?? undefined,
      duration_ms: Math.round(performance.now() - startedMs),
    },
    note.isDelivered ? 'endpoint told' : `endpoint not told: ${describeAttempt(attempt)}`,
  );
  return { attempt, note };
}

function noteOf({ now, random }: NotifyDeps, { id, attempts }: DueMessage, attempt: Attempt): AttemptNote {
  const isDelivered = isTaken(attempt);
  const delayMs = isDelivered ? null : retryDelayMs(attempts + 1, random);
  return {
    messageId: id,
    status: 'status' in attempt ? attempt.status : null,
    error: 'error' in attempt ? attempt.error : null,
    isDelivered,
    dueAt: delayMs === null ? null : new Date(now().getTime() + delayMs),
  };
}

/** Has nothing more sent to it, and somebody told; what waits for it is kept. */
async function giveUp(deps: NotifyDeps, { id, url }: SigningEndpoint, because: string): Promise<void> {
  const entry: HistoryEntry = {
    at: deps.now(),
    kind: 'endpoint.disabled',
    alert: true,
    aspect: id,
    message:
      `The webhook endpoint at ${hostOf(url)} is told nothing any more: ${because}. ` +
      `Once it is mended: relatch endpoints enable ${id}`,
    detail: { endpoint_id: id },
  };
  const isDone = await deps.db.prisma.$transaction(async (tx) => {
    if (!(await disableEndpoint(tx, id, entry.at, because))) return false;
    await insertHistory(tx, entry);
    return true;
  });
  if (isDone) logEntry(deps.log, entry);
}

/** Names an endpoint to people: its path or query may hold a key to it. */
export function hostOf(url: string): string {
  return URL.parse(url)?.host ?? 'an address that cannot be read';
}
