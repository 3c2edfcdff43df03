// Registers the webhook at Seam for exactly the events that Relatch needs. Asked again for the same address, it changes nothing.
import { usedEventTypes } from '../core/seam-event-types.ts';
import { compareTypes, isExact, isSameUrl } from '../core/webhook-registration.ts';
import type { SeamAdmin } from '../seam/admin.ts';
import type { SeamResult } from '../seam/errors.ts';

export interface RegisteredWebhook {
  readonly url: string;
  readonly outcome: 'created' | 'updated' | 'unchanged';
  /** Of a new one, to be shown once: Seam signs with it. */
  readonly secret: string | null;
}

/**
 * Creates the webhook of this address, or gives the one that is there the types that Relatch needs.
 * A create whose answer was lost is found by its address the next time.
 */
export async function registerWebhook(seam: SeamAdmin, url: string): Promise<SeamResult<RegisteredWebhook>> {
  const listed = await seam.listWebhooks();
  if (!listed.ok) return listed;
  const known = listed.value.filter((one) => isSameUrl(one.url, url));
  const eventTypes = usedEventTypes;
  if (known.length === 0) {
    const created = await seam.createWebhook({ url, eventTypes });
    return created.ok ? { ok: true, value: { url, outcome: 'created', secret: created.value.secret } } : created;
  }
  const wrong = known.filter((one) => !isExact(compareTypes(one.eventTypes)));
  for (const { webhookId } of wrong) {
    const updated = await seam.updateWebhook({ webhookId, eventTypes });
    if (!updated.ok) return updated;
  }
  return { ok: true, value: { url, outcome: wrong.length > 0 ? 'updated' : 'unchanged', secret: null } };
}
