import { type Check, clockCheck } from '../core/checkup.ts';
import { webhookChecks } from '../core/webhook-registration.ts';
import type { SeamAdmin } from '../seam/admin.ts';
import type { SeamFailure } from '../seam/errors.ts';

/** Asks Seam about the key, its clock and the webhook, in two calls. @param webhook the address to look for, if it is known */
export async function examineSeam(
  seam: SeamAdmin,
  webhook: { readonly url: string | null; readonly secrets: readonly string[] },
  now: () => Date,
): Promise<Check[]> {
  const before = now().getTime();
  const workspace = await seam.getWorkspace();
  const between = (before + now().getTime()) / 2;
  if (!workspace.ok) return [{ what: 'Seam key', level: 'fail', message: whyNot(workspace.failure) }];
  const { name, workspaceId, isSandbox, isSuspended, date } = workspace.value;
  const where = `workspace ${name} (${workspaceId})${isSandbox ? ', a sandbox: its locks are virtual' : ''}`;
  const checks: Check[] = [
    isSuspended
      ? { what: 'Seam key', level: 'fail', message: `Seam has suspended the ${where}. Ask Seam's support why.` }
      : { what: 'Seam key', level: 'ok', message: `It works, for the ${where}.` },
  ];
  // Seam tells whole seconds: half of one is the likeliest rest.
  if (date !== null) checks.push(clockCheck('Seam', between - date.getTime() - 500));
  const webhooks = await seam.listWebhooks();
  if (!webhooks.ok) return [...checks, { what: 'webhook', level: 'fail', message: whyNot(webhooks.failure) }];
  return [...checks, ...webhookChecks(webhooks.value, webhook.url, webhook.secrets)];
}

function whyNot({ kind, message }: SeamFailure): string {
  if (kind === 'unauthorized')
    return 'Seam refuses it. Take one from the Seam Console, Developer, API Keys, put it into SEAM_API_KEY, and restart Relatch.';
  if (kind === 'unknown')
    return `Seam cannot be asked: ${message}. Check this machine's way to the internet and SEAM_ENDPOINT (unset: Seam's own).`;
  return `Seam answers: ${message}. Check SEAM_ENDPOINT (unset: Seam's own), and try again later.`;
}
