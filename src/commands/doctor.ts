// npm run relatch -- doctor: what is wrong with an installation, and how to mend it. It takes each thing for itself, so that it
// runs where the service does not start.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type InspectedConfig, inspectConfig } from '../config.ts';
import {
  type Check,
  clockCheck,
  databaseChecks,
  givenPinChecks,
  migrationCheck,
  pinKeyChecks,
} from '../core/checkup.ts';
import { UserError } from '../core/errors.ts';
import { compareTypes, isExact, registrationsOfOurs } from '../core/webhook-registration.ts';
import { examineDatabase, sessionsNeeded } from '../db/examine.ts';
import { keyIdsInUse, keysWithoutGivenPin } from '../db/pins.ts';
import { migrateDatabase, migrationsDir, openDatabase, openTool, type Tool } from '../deps.ts';
import { examineSeam } from '../flows/examine-seam.ts';
import { type Recovered, recoverPins } from '../flows/recover-pins.ts';
import { reencryptPins } from '../flows/reencrypt-pins.ts';
import { registerWebhook } from '../flows/register-webhook.ts';
import { createSeamAdmin, type SeamAdmin } from '../seam/admin.ts';
import { createSeamApi } from '../seam/api.ts';
import { createLog } from '../telemetry/log.ts';
import { type AddCommand, examples } from './command.ts';
import { describeRegistered, notRegistered, webhookArgument } from './webhook.ts';

type Say = (check: Check) => void;

interface Wish {
  readonly fix: boolean;
  readonly webhookUrl: string | null;
}

/** Looks at everything, says what it finds a line each, and with --fix mends it. */
export const addDoctor: AddCommand = (program, { print }) => {
  program
    .command('doctor')
    .description(
      'Looks at configuration, database, clocks, key and webhook of Seam and PIN keys, and says how to mend each. Exit code 0: nothing fails, 2: something does.',
    )
    .option(
      '--fix',
      'mends what it can: migrates, registers the webhook, reads PINs whose key is lost back from Seam and encrypts the others with the first key',
    )
    .option('--webhook-url <URL>', 'where Seam is to deliver: https://YOUR-HOST/webhooks/seam', webhookArgument)
    .option('--json', 'a JSON object a line')
    .addHelpText(
      'after',
      examples('relatch doctor', 'relatch doctor --fix --webhook-url https://relatch.example.com/webhooks/seam'),
    )
    .action(async ({ fix = false, webhookUrl: url, json = false }: DoctorOptions) => {
      const say: Say = (check) => {
        print(json ? JSON.stringify(check) : lineOf(check));
        if (check.level === 'fail') process.exitCode = 2;
      };
      await examine(inspectConfig(process.env), { fix, webhookUrl: url ?? null }, say);
    });
};

interface DoctorOptions {
  readonly fix?: boolean;
  readonly webhookUrl?: string;
  readonly json?: boolean;
}

function lineOf({ level, what, message }: Check): string {
  return `${level.padEnd(4)} ${what}: ${message}`;
}

async function examine(config: InspectedConfig, wish: Wish, say: Say): Promise<void> {
  for (const message of config.problems) say({ what: 'configuration', level: 'fail', message });
  if (config.problems.length === 0) say({ what: 'configuration', level: 'ok', message: 'Every setting can be used.' });
  await aroundDatabase(config, wish, say);
  if (config.seam === null) {
    const message = 'Seam was not asked. Mend SEAM_API_KEY and SEAM_ENDPOINT first.';
    say({ what: 'Seam key', level: 'fail', message });
    return;
  }
  const seam = createSeamAdmin(config.seam);
  if (wish.fix) await mendWebhook(seam, config, wish, say);
  const webhook = { url: wish.webhookUrl, secrets: config.webhookSecrets };
  for (const check of await examineSeam(seam, webhook, () => new Date())) say(check);
}

async function aroundDatabase(config: InspectedConfig, { fix }: Wish, say: Say): Promise<void> {
  const { database } = config;
  if (database === null) {
    return say({ what: 'database', level: 'fail', message: 'It was not looked at. Mend DATABASE_URL first.' });
  }
  if (database.url === undefined && !existsSync(join(database.dataDir, 'postgres.json'))) {
    const message = `There is none in ${database.dataDir} yet. The first start makes it; if there should be one, mend DATA_DIR, or set DATABASE_URL.`;
    return say({ what: 'database', level: 'warn', message });
  }
  await using opened = new AsyncDisposableStack();
  const url = await tell(say, 'database', async () => {
    const open = await openDatabase({ database }, createLog({ level: 'silent' }));
    opened.defer(() => open.close());
    return open.url;
  });
  if (url === null) return;
  const isReady = await tell(say, 'database', () => examineStore(url, fix, say));
  if (isReady === true) await tell(say, 'PIN keys', () => aroundPins(config, database, fix, say));
}

/** What keeps one thing from being looked at is a finding, and the rest is still looked at; null then. */
async function tell<T>(say: Say, what: string, look: () => Promise<T>): Promise<T | null> {
  try {
    return await look();
  } catch (error) {
    say({ what, level: 'fail', message: whyNot(error) });
    return null;
  }
}

/** Whether its tables can be relied on. */
async function examineStore(url: string, fix: boolean, say: Say): Promise<boolean> {
  const examined = await examineDatabase({ url, migrationsDir, now: () => new Date() });
  for (const check of databaseChecks(examined, sessionsNeeded)) say(check);
  say(clockCheck('database', examined.aheadMs));
  const { missing, problem } = examined.migrations;
  const isToMend = fix && problem === null && missing.length > 0;
  if (isToMend) await migrateDatabase(url, createLog({ level: 'silent' }));
  say(migrationCheck(isToMend ? { ...examined.migrations, missing: [] } : examined.migrations));
  return problem === null && (missing.length === 0 || isToMend);
}

async function aroundPins(
  { pinKeys, seam }: InspectedConfig,
  database: NonNullable<InspectedConfig['database']>,
  fix: boolean,
  say: Say,
): Promise<void> {
  const what = 'PIN keys';
  if (pinKeys === null || (pinKeys.length === 0 && database.url !== undefined))
    return say({ what, level: 'fail', message: 'They were not looked at. Mend PIN_ENCRYPTION_KEYS first.' });
  await using tool = await openTool(
    { database, pinKeys, endpoints: { allowedNetworks: [] }, log: { level: 'silent' } },
    {},
    'doctor',
  );
  if (fix) await mendPins(tool, seam, say);
  for (const check of pinKeyChecks(await keyIdsInUse(tool.db.prisma), [...tool.vault.keyIds])) say(check);
  for (const check of givenPinChecks(await keysWithoutGivenPin(tool.db.prisma))) say(check);
}

async function mendPins(tool: Tool, seam: InspectedConfig['seam'], say: Say): Promise<void> {
  const inUse = await keyIdsInUse(tool.db.prisma);
  const isLost = [...inUse.keys()].some((id) => !tool.vault.keyIds.has(id));
  if (isLost && seam === null) {
    say({ what: 'PINs', level: 'fail', message: 'They cannot be read back from Seam. Mend SEAM_API_KEY first.' });
  } else if (isLost && seam !== null) {
    for (const check of recoveryChecks(await recoverPins({ ...tool, seam: createSeamApi(seam) }))) say(check);
  }
  const { moved } = await reencryptPins(tool);
  if (moved > 0) say({ what: 'PINs', level: 'ok', message: `${moved} are encrypted with the first key now.` });
}

function recoveryChecks({ recovered, redrawn, toGive, stoppedBecause }: Recovered): Check[] {
  const what = 'PINs';
  const checks: Check[] = [
    { what, level: 'ok', message: `${recovered} were read back from Seam and are encrypted with the first key now.` },
  ];
  if (stoppedBecause !== null) {
    const message = `Not all were read back: ${stoppedBecause.replace(/\.$/, '')}. Run again: relatch doctor --fix`;
    checks.push({ what, level: 'fail', message });
  }
  if (redrawn.length > 0) {
    const message = `No code bears the PIN of ${redrawn.join(', ')} any more: a new one is drawn. Tell the holders.`;
    checks.push({ what, level: 'warn', message });
  }
  if (toGive.length > 0) {
    const message = `No code bears the PIN of ${toGive.join(', ')} any more, and people choose it: give one in the schedules file.`;
    checks.push({ what, level: 'warn', message });
  }
  return checks;
}

/** Registers the address that was given, or else puts right the types of those that are there. */
async function mendWebhook(seam: SeamAdmin, config: InspectedConfig, wish: Wish, say: Say): Promise<void> {
  for (const url of await urlsToMend(seam, config, wish)) {
    const registered = await registerWebhook(seam, url);
    if (!registered.ok) say({ what: 'webhook', level: 'fail', message: notRegistered(registered.failure) });
    else if (registered.value.outcome !== 'unchanged')
      say({ what: 'webhook', level: 'ok', message: describeRegistered(registered.value).join('\n') });
  }
}

async function urlsToMend(seam: SeamAdmin, { webhookSecrets }: InspectedConfig, wish: Wish): Promise<string[]> {
  if (wish.webhookUrl !== null) return [wish.webhookUrl];
  const known = await seam.listWebhooks();
  if (!known.ok) return [];
  const wrong = registrationsOfOurs(known.value, null, webhookSecrets).filter(
    ({ eventTypes }) => !isExact(compareTypes(eventTypes)),
  );
  return [...new Set(wrong.map(({ url }) => url))];
}

function whyNot(error: unknown): string {
  if (error instanceof UserError) return error.message;
  const code = error instanceof Error && 'code' in error ? String(error.code) : null;
  const reason = code ?? (error instanceof Error ? error.message : 'no reason given');
  return `The database cannot be used (${reason}). Check that it runs, and address, name, user and password in DATABASE_URL.`;
}
