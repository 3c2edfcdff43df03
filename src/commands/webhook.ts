// npm run relatch -- webhook register URL: needs the key of Seam and nothing else, so that it can come before the first start.
import { InvalidArgumentError } from 'commander';
import { inspectConfig } from '../config.ts';
import { UserError } from '../core/errors.ts';
import { usedEventTypes } from '../core/seam-event-types.ts';
import { webhookPath, webhookUrl } from '../core/webhook-registration.ts';
import { type RegisteredWebhook, registerWebhook } from '../flows/register-webhook.ts';
import { createSeamAdmin } from '../seam/admin.ts';
import { type AddCommand, examples } from './command.ts';

/** Registers the webhook at Seam, or mends the one that is there. */
export const addWebhook: AddCommand = (program, { print }) => {
  program
    .command('webhook')
    .description('Where Seam delivers its events.')
    .addHelpText('after', examples('relatch webhook register https://relatch.example.com/webhooks/seam'))
    .command('register')
    .description(
      'Has Seam deliver exactly the events that Relatch needs to this address of it. The signing secret of a new webhook is shown once.',
    )
    .argument('<URL>', 'https://YOUR-HOST/webhooks/seam', webhookArgument)
    .addHelpText('after', examples('relatch webhook register https://relatch.example.com/webhooks/seam'))
    .action(async (url: string) => {
      const { seam, problems } = inspectConfig(process.env);
      if (seam === null) {
        const about = problems.filter((one) => /^SEAM_(API_KEY|ENDPOINT)/.test(one));
        throw new UserError('configuration', `Seam cannot be asked: ${about.join('; ')}.`);
      }
      const registered = await registerWebhook(createSeamAdmin(seam), url);
      if (!registered.ok) throw new UserError('webhook_not_registered', notRegistered(registered.failure));
      print(describeRegistered(registered.value).join('\n'));
    });
};

/** Reads an address for deliveries from the command line. */
export function webhookArgument(text: string): string {
  const read = webhookUrl(text);
  if (read.ok) return read.url;
  throw new InvalidArgumentError(read.problem);
}

/** Why it failed, and what to do. */
export function notRegistered({ kind, message }: { kind: string; message: string }): string {
  if (kind === 'unauthorized')
    return 'Seam refuses SEAM_API_KEY: the webhook is not registered. Take a key from the Seam Console, Developer, API Keys.';
  if (kind === 'unknown')
    return `It is not known whether the webhook was registered: ${message}. Run the same command again.`;
  return `Seam does not take the webhook: ${message}.`;
}

/** As lines for people. The secret is in them: they go to the terminal, never to a log. */
export function describeRegistered({ outcome, url, secret }: RegisteredWebhook): string[] {
  const types = `${usedEventTypes.length} types of events`;
  const isElsewhere = !new URL(url).pathname.endsWith(webhookPath);
  const elsewhere = `Relatch itself takes deliveries at ${webhookPath} only: have what stands before it pass them on to there.`;
  const notes = isElsewhere ? [elsewhere] : [];
  if (outcome !== 'created')
    return [
      `${outcome.padEnd(9)} ${url}: it has exactly the ${types} that Relatch needs.`,
      ...notes,
      'Its signing secret is the one of before: the Seam Console shows it under Developer, Webhooks.',
    ];
  const created = `created   ${url}, for ${types}.`;
  if (secret === null)
    return [
      created,
      ...notes,
      'Copy its signing secret from the Seam Console, Developer, Webhooks, into SEAM_WEBHOOK_SECRETS.',
    ];
  return [
    created,
    ...notes,
    'Its signing secret is shown this once. Put it into SEAM_WEBHOOK_SECRETS (behind a comma, if there is one already) and restart Relatch:',
    `  ${secret}`,
  ];
}
