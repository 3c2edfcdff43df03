// What `doctor` says: each finding with its cause and the way out. What is found out lies elsewhere; here it is judged.

/** A finding. */
export interface Check {
  /** What was looked at, in a word or two. */
  readonly what: string;
  /** fail: it does not work, or will not; warn: it works, and should be seen to. */
  readonly level: 'ok' | 'warn' | 'fail';
  /** What was found; for warn and fail also how to mend it. */
  readonly message: string;
}

/** What is known of a database that answers. */
export interface DatabaseFacts {
  /** As PostgreSQL tells it, and in its number: 160002 for 16.2. */
  readonly version: string;
  readonly versionNumber: number;
  readonly encoding: string;
  /** By default; Relatch's own sessions are in UTC. */
  readonly timeZone: string;
  /** How many sessions Relatch may have, those of today included. */
  readonly sessions: number;
}

/** How far its migrations are from those of this Relatch. */
export interface MigrationFacts {
  readonly missing: readonly string[];
  readonly newerInDatabase: readonly string[];
  /** Why they cannot be applied, with the way out. */
  readonly problem: string | null;
}

const oldestPostgres = 130_000;
const toleratedSkewMs = 30_000;
// Older or newer deliveries of Seam are refused.
const refusedSkewMs = 5 * 60_000;
const namedAtOnce = 6;

export function databaseChecks(facts: DatabaseFacts, neededSessions: number): Check[] {
  const { version, versionNumber, encoding, timeZone, sessions } = facts;
  const check = (what: string, level: Check['level'], message: string): Check => ({ what, level, message });
  const checks = [
    versionNumber >= oldestPostgres
      ? check('database', 'ok', `PostgreSQL ${version}, time zone ${timeZone} (Relatch's own sessions are in UTC).`)
      : check('database', 'fail', `PostgreSQL ${version} is too old. Upgrade it to 13 or newer.`),
  ];
  if (encoding !== 'UTF8') {
    const message = `Its encoding is ${encoding}: names may not fit in. Make one with ENCODING 'UTF8' and restore a backup into it.`;
    checks.push(check('database encoding', 'fail', message));
  }
  checks.push(
    sessions >= neededSessions
      ? check('connections', 'ok', `${sessions} are free for Relatch, which takes up to ${neededSessions}.`)
      : check(
          'connections',
          'warn',
          `${sessions} are free for Relatch, which takes up to ${neededSessions} per replica. Raise max_connections, or the limit of its role or database, or end what else holds them.`,
        ),
  );
  return checks;
}

export function migrationCheck({ missing, newerInDatabase, problem }: MigrationFacts): Check {
  const what = 'migrations';
  if (problem !== null) return { what, level: 'fail', message: problem };
  if (missing.length > 0) {
    const message = `${listed(missing)} not applied yet. Run: npm run migrate (the service does it at its start)`;
    return { what, level: 'warn', message };
  }
  if (newerInDatabase.length > 0) {
    const message = `A newer Relatch has applied ${listed(newerInDatabase)}. This one works with it; update it.`;
    return { what, level: 'warn', message };
  }
  return { what, level: 'ok', message: 'All are applied.' };
}

/** @param aheadMs by how much this machine's clock is ahead of the other one */
export function clockCheck(other: 'database' | 'Seam', aheadMs: number): Check {
  const what = `clock against ${other === 'Seam' ? 'Seam' : 'the database'}`;
  const seconds = Math.round(Math.abs(aheadMs) / 1_000);
  if (Math.abs(aheadMs) <= toleratedSkewMs) return { what, level: 'ok', message: `They differ by ${seconds} s.` };
  const isRefused = other === 'Seam' && Math.abs(aheadMs) >= refusedSkewMs;
  const harm = isRefused
    ? "Seam's deliveries are refused"
    : `windows begin and end ${aheadMs > 0 ? 'early' : 'late'} if it is the wrong one`;
  const mend = other === 'Seam' ? 'Synchronise it by NTP.' : 'Synchronise both machines by NTP.';
  const message = `This machine's is ${seconds} s ${aheadMs > 0 ? 'ahead' : 'behind'}: ${harm}. ${mend}`;
  return { what, level: isRefused ? 'fail' : 'warn', message };
}

/** @param keys of active schedules that lack the PIN that people choose for them */
export function givenPinChecks(keys: readonly string[]): Check[] {
  if (keys.length === 0) return [];
  const message = `The PIN of ${listed(keys)} is lost, and people choose it. Give one in the schedules file and apply it; until then no code is made.`;
  return [{ what: 'PINs', level: 'fail', message }];
}

/** @param inUse how many PINs each key protects, by key id; `keyIds`: those that are configured, the first encrypts */
export function pinKeyChecks(inUse: ReadonlyMap<string, number>, keyIds: readonly string[]): Check[] {
  const what = 'PIN keys';
  const checks: Check[] = [];
  const [first] = keyIds;
  for (const [id, pins] of inUse) {
    if (id === first) continue;
    if (keyIds.includes(id)) {
      const message = `${countPins(pins)} under ${id}, which is not the first key. To retire it, run: relatch pins reencrypt`;
      checks.push({ what, level: 'warn', message });
    } else {
      const message = `${countPins(pins)} under ${id}, which PIN_ENCRYPTION_KEYS lacks, so Relatch does not start. Add that key behind the first one; if it is lost, run: relatch doctor --fix, which reads the PINs back from Seam.`;
      checks.push({ what, level: 'fail', message });
    }
  }
  if (checks.length > 0) return checks;
  return [{ what, level: 'ok', message: `${countPins(inUse.get(first ?? '') ?? 0)} under the first key.` }];
}

export function countPins(pins: number): string {
  return pins === 1 ? '1 PIN is' : `${pins} PINs are`;
}

/** The first few of a list, and how many more. */
export function listed(items: readonly string[]): string {
  if (items.length <= namedAtOnce) return items.join(', ');
  return `${items.slice(0, namedAtOnce).join(', ')} and ${items.length - namedAtOnce} more`;
}
