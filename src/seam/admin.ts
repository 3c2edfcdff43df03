// What is asked of Seam about the installation, not about a door: by hand and seldom, so it does not pass the gate.
import { Seam } from 'seam';
import { z } from 'zod';
import type { Registration } from '../core/webhook-registration.ts';
import { type SeamResult, toSeamFailure } from './errors.ts';

export interface SeamWorkspace {
  readonly workspaceId: string;
  readonly name: string;
  readonly isSandbox: boolean;
  readonly isSuspended: boolean;
  /** Seam's clock as its answer told it, to the second; null where it told none. */
  readonly date: Date | null;
}

/** None throws for what Seam or the network does. */
export interface SeamAdmin {
  /** The one that the key belongs to. */
  getWorkspace(): Promise<SeamResult<SeamWorkspace>>;
  listWebhooks(): Promise<SeamResult<readonly Registration[]>>;
  createWebhook(request: { url: string; eventTypes: readonly string[] }): Promise<SeamResult<Registration>>;
  updateWebhook(request: { webhookId: string; eventTypes: readonly string[] }): Promise<SeamResult<null>>;
}

const Workspace = z.object({
  workspace_id: z.string(),
  name: z.string(),
  is_sandbox: z.boolean(),
  is_suspended: z.boolean().catch(false),
});

const Webhook = z.object({
  webhook_id: z.string(),
  url: z.string(),
  event_types: z.array(z.string()).nullish(),
  secret: z.string().nullish(),
});

function toRegistration(raw: unknown): Registration {
  const { webhook_id: webhookId, url, event_types, secret } = Webhook.parse(raw);
  const isForAll = event_types == null || event_types.includes('*');
  return { webhookId, url, eventTypes: isForAll ? null : event_types, secret: secret ?? null };
}

const callTimeoutMs = 8_000;

export function createSeamAdmin(options: { apiKey: string; endpoint?: string | undefined }): SeamAdmin {
  const seam = new Seam({
    apiKey: options.apiKey,
    ...(options.endpoint === undefined ? {} : { endpoint: options.endpoint }),
    timeout: callTimeoutMs,
    axiosRetryOptions: { retries: 0 },
  });
  let date: Date | null = null;
  seam.client.interceptors.response.use((response) => {
    const told = new Date(String(response.headers['date']));
    date = Number.isNaN(told.getTime()) ? null : told;
    return response;
  });
  return {
    getWorkspace: () =>
      attempt(async () => {
        const workspace = Workspace.parse(await seam.workspaces.get());
        const { workspace_id: workspaceId, name, is_sandbox: isSandbox, is_suspended: isSuspended } = workspace;
        return { workspaceId, name, isSandbox, isSuspended, date };
      }),
    listWebhooks: () => attempt(async () => (await seam.webhooks.list()).map(toRegistration)),
    createWebhook: ({ url, eventTypes }) =>
      attempt(async () => toRegistration(await seam.webhooks.create({ url, event_types: [...eventTypes] }))),
    updateWebhook: ({ webhookId, eventTypes }) =>
      attempt(async () => {
        await seam.webhooks.update({ webhook_id: webhookId, event_types: [...eventTypes] });
        return null;
      }),
  };
}

async function attempt<T>(call: () => Promise<T>): Promise<SeamResult<T>> {
  try {
    return { ok: true, value: await call() };
  } catch (error) {
    return { ok: false, failure: toSeamFailure(error, 'code') };
  }
}
