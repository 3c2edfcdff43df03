// What Relatch asks of its webhook at Seam, held against what is registered there.
import { type Check, listed } from './checkup.ts';
import { usedEventTypes } from './seam-event-types.ts';

/** A webhook as Seam knows it. */
export interface Registration {
  readonly webhookId: string;
  readonly url: string;
  /** Null: every type there is. */
  readonly eventTypes: readonly string[] | null;
  /** A secret of the user; null where Seam does not show it. */
  readonly secret: string | null;
}

/** Where Relatch takes deliveries. */
export const webhookPath = '/webhooks/seam';

/** How a webhook's types differ from those that Relatch needs. */
export interface TypesDiffer {
  readonly missing: readonly string[];
  /** Sent for nothing; `null`: all that there are. */
  readonly superfluous: readonly string[] | null;
}

export function compareTypes(eventTypes: readonly string[] | null): TypesDiffer {
  if (eventTypes === null) return { missing: [], superfluous: null };
  const needed: readonly string[] = usedEventTypes;
  return {
    missing: needed.filter((type) => !eventTypes.includes(type)),
    superfluous: eventTypes.filter((type) => !needed.includes(type)),
  };
}

export function isExact({ missing, superfluous }: TypesDiffer): boolean {
  return missing.length === 0 && superfluous?.length === 0;
}

/** The address to register for what a person typed; a host alone gets the path. A sentence where it cannot be one. */
export function webhookUrl(text: string): { ok: true; url: string } | { ok: false; problem: string } {
  const wrong = (problem: string) => ({ ok: false, problem }) as const;
  if (!URL.canParse(text)) return wrong('That is no URL: give one such as https://relatch.example.com/webhooks/seam.');
  const url = new URL(text);
  const isLocal = ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname);
  if (url.protocol !== 'https:' && !(isLocal && url.protocol === 'http:'))
    return wrong('Seam delivers over https only: give a URL that begins with https://.');
  if (url.username !== '' || url.password !== '' || url.hash !== '')
    return wrong('Give a URL without user, password and #: whoever sees the webhook in Seam sees them.');
  if (url.pathname === '/') url.pathname = webhookPath;
  return { ok: true, url: url.href };
}

export function isSameUrl(one: string, other: string): boolean {
  return URL.canParse(one) && URL.canParse(other) && new URL(one).href === new URL(other).href;
}

/** Those that deliver to Relatch: at this address, or, where none is given, by their secret or path. */
export function registrationsOfOurs(
  all: readonly Registration[],
  url: string | null,
  secrets: readonly string[],
): Registration[] {
  return all.filter((one) =>
    url === null ? isSecretKnown(one, secrets) === true || pathOf(one.url) === webhookPath : isSameUrl(one.url, url),
  );
}

/** What is to be said of the webhook. @param secrets those that Relatch takes signatures of */
export function webhookChecks(all: readonly Registration[], url: string | null, secrets: readonly string[]): Check[] {
  const what = 'webhook';
  const ours = registrationsOfOurs(all, url, secrets);
  if (ours.length === 0) {
    const message = `Seam has none for ${url ?? 'Relatch'}, so what happens at the doors is noticed minutes later. Run: relatch webhook register ${url ?? `https://YOUR-HOST${webhookPath}`}`;
    return [{ what, level: 'fail', message }];
  }
  const checks = ours.flatMap((one) => checksOf(one, secrets));
  const twice = ours.filter((one, index) => ours.findIndex((other) => isSameUrl(one.url, other.url)) !== index);
  const again = twice.map(({ webhookId, url: same }): Check => {
    const message = `${same} is registered more than once, so each event comes more than once. Delete ${webhookId} in the Seam Console, Developer, Webhooks.`;
    return { what, level: 'warn', message };
  });
  return [...checks, ...again];
}

function checksOf(one: Registration, secrets: readonly string[]): Check[] {
  const what = 'webhook';
  const { missing, superfluous } = compareTypes(one.eventTypes);
  const mend = `Run: relatch webhook register ${one.url}`;
  const checks: Check[] = [];
  if (missing.length > 0)
    checks.push({ what, level: 'fail', message: `${one.url} is not told of ${listed(missing)}. ${mend}` });
  if (superfluous === null || superfluous.length > 0) {
    const of = superfluous === null ? 'every type of event' : listed(superfluous);
    checks.push({ what, level: 'warn', message: `${one.url} is told of ${of}, of which Relatch needs less. ${mend}` });
  }
  if (isSecretKnown(one, secrets) === false) {
    const message = `The secret of ${one.url} is not among SEAM_WEBHOOK_SECRETS, so its deliveries are refused. Copy it there from the Seam Console, Developer, Webhooks, and restart Relatch.`;
    checks.push({ what, level: 'fail', message });
  }
  if (checks.length > 0) return checks;
  return [
    { what, level: 'ok', message: `${one.url} is told of the ${usedEventTypes.length} types of events it needs.` },
  ];
}

/** Null where Seam does not show the secret. */
function isSecretKnown({ secret }: Registration, secrets: readonly string[]): boolean | null {
  const bare = (text: string) => text.replace(/^whsec_/, '');
  return secret === null ? null : secrets.some((known) => bare(known) === bare(secret));
}

function pathOf(url: string): string | null {
  return URL.canParse(url) ? new URL(url).pathname : null;
}
