// Endpoints that are told of alerts and codes, and what their messages are signed with; the secrets are encrypted as PINs are.
import type { EventType } from '../core/endpoint.ts';
import type { Tx } from './client.ts';
import type { EncryptedPin } from './pin-vault.ts';

export interface StoredEndpoint {
  readonly id: string;
  readonly url: string;
  /** None: all. */
  readonly eventTypes: readonly string[];
  readonly createdAt: Date;
  readonly disabledAt: Date | null;
  readonly disabledBecause: string | null;
  readonly failingSince: Date | null;
  readonly quietUntil: Date | null;
}

/** An endpoint with what its messages are signed with now, the newest first. */
export interface SigningEndpoint extends StoredEndpoint {
  readonly secrets: readonly EncryptedPin[];
}

export async function listEndpoints(tx: Tx): Promise<StoredEndpoint[]> {
  return tx.webhookEndpoint.findMany({ orderBy: [{ createdAt: 'asc' }, { id: 'asc' }] });
}

export async function findEndpoint(tx: Tx, id: string): Promise<StoredEndpoint | null> {
  return tx.webhookEndpoint.findUnique({ where: { id } });
}

export async function findSigningEndpoint(tx: Tx, id: string, now: Date): Promise<SigningEndpoint | null> {
  const signsNow = { OR: [{ expiresAt: null }, { expiresAt: { gt: now } }] };
  const found = await tx.webhookEndpoint.findUnique({
    where: { id },
    include: { secrets: { where: signsNow, orderBy: { createdAt: 'desc' } } },
  });
  if (found === null) return null;
  const { secrets, ...endpoint } = found;
  const encrypted = secrets.map((one) => ({ pinCiphertext: one.secretCiphertext, pinKeyId: one.secretKeyId }));
  return { ...endpoint, secrets: encrypted };
}

export async function countEndpoints(tx: Tx): Promise<number> {
  return tx.webhookEndpoint.count();
}

export async function insertEndpoint(
  tx: Tx,
  endpoint: { id: string; url: string; eventTypes: readonly EventType[]; now: Date },
): Promise<StoredEndpoint> {
  const { now, eventTypes, ...data } = endpoint;
  return tx.webhookEndpoint.create({ data: { ...data, eventTypes: [...eventTypes], createdAt: now } });
}

/** Changes where it is, which begins anew with what waits, or what it is told of; false when it is not there. */
export async function updateEndpoint(
  tx: Tx,
  id: string,
  { url, eventTypes }: { url?: string | undefined; eventTypes?: readonly EventType[] | undefined },
  now: Date,
): Promise<boolean> {
  const data = {
    ...(url !== undefined && { url, failingSince: null, quietUntil: null }),
    ...(eventTypes !== undefined && { eventTypes: [...eventTypes] }),
  };
  const { count } = await tx.webhookEndpoint.updateMany({ where: { id }, data });
  if (url !== undefined) await sendWaiting(tx, id, now);
  return count === 1;
}

const pageSize = 1_000;

/** Takes out what waits for it and what it was sent, in pages: who writes a message waits for whoever takes out its endpoint. */
export async function deleteDeliveries(tx: Tx, endpointId: string): Promise<void> {
  let after: string | null = '00000000-0000-0000-0000-000000000000';
  while (after !== null) {
    const [page]: { rows: number; last: string | null }[] = await tx.$queryRaw`
      with page as (select message_id as id from webhook_deliveries
                     where endpoint_id = ${endpointId}::uuid and message_id > ${after}::uuid
                     order by message_id limit ${pageSize}),
           gone as (delete from webhook_deliveries d using page where d.endpoint_id = ${endpointId}::uuid and d.message_id = page.id)
      select count(*)::int as rows, (select id::text from page order by id desc limit 1) as last from page`;
    after = page?.rows === pageSize ? page.last : null;
  }
}

/** Takes it out with its secrets and deliveries; false when it is not there. */
export async function deleteEndpoint(tx: Tx, id: string): Promise<boolean> {
  const { count } = await tx.webhookEndpoint.deleteMany({ where: { id } });
  return count === 1;
}

/** Lets the secrets of now sign on until `oldUntil` beside the new one. */
export async function storeSecret(
  tx: Tx,
  endpointId: string,
  secret: EncryptedPin,
  { now, oldUntil }: { now: Date; oldUntil: Date },
): Promise<void> {
  await tx.webhookSecret.updateMany({ where: { endpointId, expiresAt: null }, data: { expiresAt: oldUntil } });
  await tx.webhookSecret.deleteMany({ where: { endpointId, expiresAt: { lte: now } } });
  const { pinCiphertext: secretCiphertext, pinKeyId: secretKeyId } = secret;
  await tx.webhookSecret.create({ data: { endpointId, secretCiphertext, secretKeyId, createdAt: now } });
}

/** Has nothing more sent to it; false when that is so already. What waits for it waits on. */
export async function disableEndpoint(tx: Tx, id: string, at: Date, because: string): Promise<boolean> {
  const data = { disabledAt: at, disabledBecause: because };
  const { count } = await tx.webhookEndpoint.updateMany({ where: { id, disabledAt: null }, data });
  return count === 1;
}

/** Has it told again, beginning with what waits; false when it is not disabled. */
export async function enableEndpoint(tx: Tx, id: string, now: Date): Promise<boolean> {
  const data = { disabledAt: null, disabledBecause: null, failingSince: null, quietUntil: null };
  const { count } = await tx.webhookEndpoint.updateMany({ where: { id, disabledAt: { not: null } }, data });
  await sendWaiting(tx, id, now);
  return count === 1;
}

async function sendWaiting(tx: Tx, endpointId: string, now: Date): Promise<void> {
  await tx.webhookDelivery.updateMany({ where: { endpointId, dueAt: { gt: now } }, data: { dueAt: now } });
}

/** Lets the next message be sent at once, whatever failed before. */
export async function endQuiet(tx: Tx, id: string): Promise<void> {
  await tx.webhookEndpoint.updateMany({ where: { id }, data: { quietUntil: null } });
}

/** Keeps it as it is until the transaction ends; null where it is at another address by now, disabled, or not there. */
export async function holdEndpoint(
  tx: Tx,
  { id, url }: Pick<StoredEndpoint, 'id' | 'url'>,
): Promise<Pick<StoredEndpoint, 'failingSince'> | null> {
  const [held] = await tx.$queryRaw<Pick<StoredEndpoint, 'failingSince'>[]>`
    select failing_since as "failingSince" from webhook_endpoints
     where id = ${id}::uuid and url = ${url} and disabled_at is null for no key update`;
  return held ?? null;
}

/** Notes that all of a round was delivered, or since when and until when not. */
export async function noteRound(tx: Tx, id: string, failing: { since: Date; quietUntil: Date } | null): Promise<void> {
  const data = { failingSince: failing?.since ?? null, quietUntil: failing?.quietUntil ?? null };
  await tx.webhookEndpoint.updateMany({ where: { id }, data });
}
