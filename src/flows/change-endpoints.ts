// Adds, changes and tries endpoints. Whoever does it stands in the history; a signing secret is told once and kept encrypted.
import { randomBytes, randomUUID } from 'node:crypto';
import type { HistoryKind } from '../core/alert.ts';
import { type Attempt, type EventType, messageIdOf, testType } from '../core/endpoint.ts';
import { UserError } from '../core/errors.ts';
import { resolveCause } from '../db/alerts.ts';
import type { Tx } from '../db/client.ts';
import { type Replayed, replayMessages } from '../db/deliveries.ts';
import {
  countEndpoints,
  deleteDeliveries,
  deleteEndpoint,
  disableEndpoint,
  enableEndpoint,
  endQuiet,
  findEndpoint,
  findSigningEndpoint,
  insertEndpoint,
  type StoredEndpoint,
  storeSecret,
  updateEndpoint,
} from '../db/endpoints.ts';
import { insertHistory } from '../db/history.ts';
import { causeOfDisabled, hostOf, type NotifyDeps, secretsOf } from './notify-endpoint.ts';

/** There is no such endpoint. */
export class EndpointUnknown extends UserError {
  constructor(id: string) {
    super('endpoint_unknown', `There is no webhook endpoint ${id}: see relatch endpoints list.`);
  }
}

/** Who asks, and what is written along in the same transaction. */
export interface ChangeOptions<Done> {
  readonly by: string;
  readonly along?: (tx: Tx, done: Done) => Promise<void>;
}

const endpointsMax = 50;

/** Has an endpoint told from now on. The secret is nowhere to be read again. */
export async function addEndpoint(
  deps: NotifyDeps,
  { url, eventTypes }: { url: string; eventTypes: readonly EventType[] },
  { by, along }: ChangeOptions<StoredEndpoint>,
): Promise<{ readonly endpoint: StoredEndpoint; readonly secret: string }> {
  await assertReachable(deps, url);
  const id = randomUUID();
  const now = deps.now();
  const secret = newSecret();
  const endpoint = await deps.db.prisma.$transaction(async (tx) => {
    if ((await countEndpoints(tx)) >= endpointsMax)
      throw new UserError(
        'endpoints_too_many',
        `There are ${endpointsMax} webhook endpoints already: remove one first.`,
      );
    const added = await insertEndpoint(tx, { id, url, eventTypes, now });
    await storeSecret(tx, id, deps.vault.encrypt(secret, id), { now, oldUntil: now });
    await tell(tx, added, now, 'endpoint.changed', `was added by ${by}`);
    await along?.(tx, added);
    return added;
  });
  return { endpoint, secret };
}

export interface EndpointChange {
  readonly url?: string | undefined;
  readonly eventTypes?: readonly EventType[] | undefined;
  readonly isDisabled?: boolean | undefined;
}

/** Changes what is given, and leaves the rest. @throws EndpointUnknown */
export async function changeEndpoint(
  deps: NotifyDeps,
  id: string,
  change: EndpointChange,
  { by, along }: ChangeOptions<StoredEndpoint>,
): Promise<StoredEndpoint> {
  if (change.url !== undefined) await assertReachable(deps, change.url);
  const now = deps.now();
  return deps.db.prisma.$transaction(async (tx) => {
    const isThere = await updateEndpoint(tx, id, change, now);
    const endpoint = isThere ? await findEndpoint(tx, id) : null;
    if (endpoint === null) throw new EndpointUnknown(id);
    if (change.url !== undefined || change.eventTypes !== undefined)
      await tell(tx, endpoint, now, 'endpoint.changed', `was changed by ${by}`);
    if (change.isDisabled === true && (await disableEndpoint(tx, id, now, `by ${by}`)))
      await tell(tx, endpoint, now, 'endpoint.changed', `was disabled by ${by}`);
    if (change.isDisabled === false && (await enableEndpoint(tx, id, now))) {
      await tell(tx, endpoint, now, 'endpoint.enabled', `was enabled by ${by}`);
      await resolveCause(tx, causeOfDisabled(id), 'endpoint.enabled', now);
    }
    const changed = (await findEndpoint(tx, id)) ?? endpoint;
    await along?.(tx, changed);
    return changed;
  });
}

/** @throws EndpointUnknown */
export async function removeEndpoint(deps: Pick<NotifyDeps, 'db' | 'now'>, id: string, by: string): Promise<void> {
  const now = deps.now();
  await deleteDeliveries(deps.db.prisma, id);
  await deps.db.prisma.$transaction(async (tx) => {
    const endpoint = await findEndpoint(tx, id);
    if (endpoint === null || !(await deleteEndpoint(tx, id))) throw new EndpointUnknown(id);
    await tell(tx, endpoint, now, 'endpoint.changed', `was removed by ${by}`);
    await resolveCause(tx, causeOfDisabled(id), 'endpoint.changed', now);
  });
}

/** Signs with a new secret, and for so many hours with the old ones too. @throws EndpointUnknown */
export async function rotateSecret(
  deps: NotifyDeps,
  id: string,
  oldValidHours: number,
  { by, along }: ChangeOptions<{ oldUntil: Date }>,
): Promise<{ readonly secret: string; readonly oldUntil: Date }> {
  const now = deps.now();
  const oldUntil = new Date(now.getTime() + oldValidHours * 3_600_000);
  const secret = newSecret();
  await deps.db.prisma.$transaction(async (tx) => {
    const endpoint = await findEndpoint(tx, id);
    if (endpoint === null) throw new EndpointUnknown(id);
    await storeSecret(tx, id, deps.vault.encrypt(secret, id), { now, oldUntil });
    await tell(tx, endpoint, now, 'endpoint.changed', `got another secret by ${by}`);
    await along?.(tx, { oldUntil });
  });
  return { secret, oldUntil };
}

/** Has messages sent again under their ids, to one that is disabled once it is enabled; answers how many. @throws EndpointUnknown */
export async function replayToEndpoint(
  deps: Pick<NotifyDeps, 'db' | 'now'>,
  id: string,
  which: Replayed,
  along?: (tx: Tx, replayed: number) => Promise<void>,
): Promise<number> {
  const { prisma } = deps.db;
  if ((await findEndpoint(prisma, id)) === null) throw new EndpointUnknown(id);
  // Page by page: a week's messages of a large installation take longer than a transaction may last.
  const replayed = await replayMessages(prisma, id, which, deps.now());
  await prisma.$transaction(async (tx) => {
    await endQuiet(tx, id);
    await along?.(tx, replayed);
  });
  return replayed;
}

/** Sends a message that tells nothing, at once and once. @throws EndpointUnknown */
export async function testEndpoint(deps: NotifyDeps, id: string): Promise<Attempt> {
  const at = deps.now();
  const endpoint = await findSigningEndpoint(deps.db.prisma, id, at);
  if (endpoint === null) throw new EndpointUnknown(id);
  const secrets = secretsOf(deps.vault, endpoint);
  if (secrets.length === 0) return { error: 'nothing was sent: its secret cannot be read any more' };
  const body = JSON.stringify({ type: testType, timestamp: at.toISOString(), data: { endpoint_id: id } });
  const destination = await deps.endpoints.find(endpoint.url);
  return deps.endpoints.post(destination, { messageId: messageIdOf(randomUUID()), at, body, secrets });
}

async function assertReachable({ endpoints }: NotifyDeps, url: string): Promise<void> {
  const found = await endpoints.find(url);
  if (!found.ok) throw new UserError('endpoint_refused', `Nothing may be sent to this URL: ${found.problem}.`);
}

function newSecret(): string {
  return `whsec_${randomBytes(32).toString('base64')}`;
}

async function tell(tx: Tx, { id, url }: StoredEndpoint, at: Date, kind: HistoryKind, what: string): Promise<void> {
  const message = `The webhook endpoint at ${hostOf(url)} ${what}.`;
  await insertHistory(tx, { at, kind, message, detail: { endpoint_id: id } });
}
