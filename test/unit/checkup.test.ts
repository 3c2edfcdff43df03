import { describe, expect, it } from 'vitest';
import {
  clockCheck,
  type DatabaseFacts,
  databaseChecks,
  migrationCheck,
  pinKeyChecks,
} from '../../src/core/checkup.ts';
import { usedEventTypes } from '../../src/core/seam-event-types.ts';
import { type Registration, webhookChecks, webhookUrl } from '../../src/core/webhook-registration.ts';

const sound: DatabaseFacts = {
  version: '16.2',
  versionNumber: 160_002,
  encoding: 'UTF8',
  timeZone: 'Europe/Berlin',
  sessions: 90,
};
const levels = (checks: readonly { level: string; what: string }[]) => checks.map((one) => `${one.level} ${one.what}`);

describe('a database', () => {
  it.each([
    ['is in order', {}, ['ok database', 'ok connections']],
    ['is too old', { version: '12.9', versionNumber: 120_009 }, ['fail database', 'ok connections']],
    ['cannot hold every name', { encoding: 'LATIN1' }, ['ok database', 'fail database encoding', 'ok connections']],
    ['has too few sessions left', { sessions: 23 }, ['ok database', 'warn connections']],
  ])('%s', (_, changes, expected) => {
    expect(levels(databaseChecks({ ...sound, ...changes }, 24))).toEqual(expected);
  });

  it.each([
    ['ok', { missing: [], newerInDatabase: [], problem: null }, 'All are applied.'],
    ['warn', { missing: ['1_a'], newerInDatabase: [], problem: null }, 'npm run migrate'],
    ['warn', { missing: [], newerInDatabase: ['9_z'], problem: null }, 'newer Relatch has applied 9_z'],
    ['fail', { missing: [], newerInDatabase: [], problem: 'migration 1_a did not finish' }, 'did not finish'],
  ])('has migrations that are %s', (level, facts, words) => {
    expect(migrationCheck(facts)).toMatchObject({ level, message: expect.stringContaining(words) });
  });
});

describe('a clock', () => {
  it.each([
    ['Seam', 29_000, 'ok', 'differ by 29 s'],
    ['Seam', -31_000, 'warn', '31 s behind'],
    ['Seam', 300_000, 'fail', "300 s ahead: Seam's deliveries are refused"],
    ['database', 400_000, 'warn', 'begin and end early'],
    ['database', -400_000, 'warn', 'begin and end late'],
  ] as const)('against %s that is off by %i ms: %s', (other, aheadMs, level, words) => {
    expect(clockCheck(other, aheadMs)).toMatchObject({ level, message: expect.stringContaining(words) });
  });
});

describe('PIN keys', () => {
  it.each([
    [{ first: 2 }, ['ok PIN keys'], '2 PINs are under the first key'],
    [{ first: 2, older: 1 }, ['warn PIN keys'], '1 PIN is under older, which is not the first key'],
    [{ lost: 3, first: 1 }, ['fail PIN keys'], '3 PINs are under lost, which PIN_ENCRYPTION_KEYS lacks'],
    [{}, ['ok PIN keys'], '0 PINs are under the first key'],
  ])('that protect %j', (inUse, expected, words) => {
    const checks = pinKeyChecks(new Map(Object.entries(inUse)), ['first', 'older']);
    expect(levels(checks)).toEqual(expected);
    expect(checks[0]?.message).toContain(words);
  });
});

describe('the webhook', () => {
  const url = 'https://relatch.example.com/webhooks/seam';
  const exact: Registration = { webhookId: 'w1', url, eventTypes: usedEventTypes, secret: 'whsec_YQ==' };
  const elsewhere: Registration = { ...exact, webhookId: 'w2', url: 'https://other.example.com/hook', secret: null };

  it.each<[string, Registration[], string | null, [string, string][]]>([
    ['is as needed', [exact, elsewhere], url, [['ok', `the ${usedEventTypes.length} types`]]],
    ['is found by its secret', [{ ...exact, url: 'https://x.test/a' }], null, [['ok', 'https://x.test/a']]],
    ['is found by its path', [{ ...exact, secret: null }], null, [['ok', url]]],
    ['is not there', [elsewhere], url, [['fail', `Run: relatch webhook register ${url}`]]],
    ['is nowhere', [], null, [['fail', 'Run: relatch webhook register https://YOUR-HOST/webhooks/seam']]],
    ['lacks a type', [{ ...exact, eventTypes: usedEventTypes.slice(1) }], url, [['fail', 'access_code.removed_from']]],
    ['has one too many', [{ ...exact, eventTypes: [...usedEventTypes, 'a.b'] }], url, [['warn', 'is told of a.b']]],
    ['is told everything', [{ ...exact, eventTypes: null }], url, [['warn', 'every type of event']]],
    ['signs with a secret unknown', [{ ...exact, secret: 'whsec_Yg==' }], url, [['fail', 'not among SEAM_WEBHOOK']]],
    [
      'is there twice',
      [exact, { ...exact, webhookId: 'w3' }],
      url,
      [
        ['ok', url],
        ['ok', url],
        ['warn', 'Delete w3'],
      ],
    ],
  ])('%s', (_, all, wanted, expected) => {
    const checks = webhookChecks(all, wanted, ['YQ==']);
    expect(checks.map(({ level }) => level)).toEqual(expected.map(([level]) => level));
    for (const [index, [, words]] of expected.entries()) expect(checks[index]?.message).toContain(words);
    expect(JSON.stringify(checks)).not.toMatch(/whsec|Y[Qg]==/);
  });

  it.each([
    ['https://relatch.example.com', url],
    ['https://relatch.example.com/a/b?c=d', 'https://relatch.example.com/a/b?c=d'],
    ['http://127.0.0.1:8080/webhooks/seam', 'http://127.0.0.1:8080/webhooks/seam'],
    ['http://relatch.example.com/', 'Seam delivers over https only'],
    ['relatch.example.com', 'That is no URL'],
    ['https://me:word@relatch.example.com/', 'without user, password'],
    ['ftp://localhost/', 'https only'],
  ])('of %s is registered as, or refused with: %s', (text, expected) => {
    const read = webhookUrl(text);
    expect(read.ok ? read.url : read.problem).toContain(expected);
  });
});
