import { randomBytes } from 'node:crypto';
import { Seam } from 'seam';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { usedEventTypes } from '../../src/core/seam-event-types.ts';
import { keyIdOf, PinVault } from '../../src/db/pin-vault.ts';
import { pinsUnderKeys, replaceHeldPin } from '../../src/db/pins.ts';
import { recoverPins } from '../../src/flows/recover-pins.ts';
import { reencryptPins } from '../../src/flows/reencrypt-pins.ts';
import { createSeamApi } from '../../src/seam/api.ts';
import { build, runScript } from '../support/processes.ts';
import { aSchedule, backDoor, frontDoor, schedulesFile, startWorld, type World } from '../support/relatch.ts';

const root = new URL('../..', import.meta.url).pathname;
const url = 'https://relatch.example.com/webhooks/seam';

let world: World;
let seam: Seam;
beforeAll(async () => {
  await build();
  world = await startWorld({ now: '2027-03-08T12:00:00Z' });
  seam = new Seam({ apiKey: world.simulator.apiKey, endpoint: world.simulator.endpoint });
});
afterAll(() => world[Symbol.asyncDispose]());

type Run = { code: number | null; output: string };

/** The command line as people run it, in the world's environment with changes. */
async function relatch(args: readonly string[], changes: Record<string, string> = {}): Promise<Run> {
  const { config } = world;
  const env = {
    DATABASE_URL: config.database.url ?? '',
    PIN_ENCRYPTION_KEYS: keys(...config.pinKeys),
    SEAM_API_KEY: config.seam.apiKey,
    SEAM_ENDPOINT: config.seam.endpoint ?? '',
    SEAM_WEBHOOK_SECRETS: config.seam.webhookSecrets.join(','),
    ...changes,
  };
  const { code, output } = await runScript(`${root}dist/cli.js`, { args, env });
  return { code, output };
}

const keys = (...all: readonly Buffer[]) => all.map((key) => key.toString('base64')).join(',');
const levelsOf = ({ output }: Run) =>
  output.split('\n').flatMap((line) => /^(ok|warn|fail) +([^:]+)/.exec(line)?.[0] ?? []);

describe('webhook register', () => {
  it('creates the webhook once, shows its secret once, and puts its types right later', async () => {
    const created = await relatch(['webhook', 'register', 'https://relatch.example.com'], {
      DATABASE_URL: '',
      SEAM_WEBHOOK_SECRETS: '',
    });
    const find = async () => (await seam.webhooks.list()).filter((one) => one.url === url);
    const [webhook, ...more] = await find();
    expect(more).toEqual([]);
    expect(webhook?.event_types?.toSorted()).toEqual(usedEventTypes.toSorted());
    expect(created).toMatchObject({ code: 0, output: expect.stringContaining(`  ${webhook?.secret}\n`) });
    expect(created.output).toContain('SEAM_WEBHOOK_SECRETS');

    await seam.webhooks.update({ webhook_id: webhook?.webhook_id ?? '', event_types: ['lock.locked'] });
    const updated = await relatch(['webhook', 'register', url]);
    expect(updated.output).toMatch(/^updated /);
    expect((await find()).map(({ event_types }) => event_types?.toSorted())).toEqual([usedEventTypes.toSorted()]);
    const unchanged = await relatch(['webhook', 'register', url]);
    expect(unchanged).toMatchObject({ code: 0, output: expect.stringMatching(/^unchanged /) });
    expect(unchanged.output + updated.output).not.toContain(webhook?.secret);
    expect(world.calls('PUT /webhooks/update')).toBe(2);
    await seam.webhooks.delete({ webhook_id: webhook?.webhook_id ?? '' });
  });

  it('says of an address with another path that it is not the one of Relatch', async () => {
    const { output } = await relatch(['webhook', 'register', 'https://relatch.example.com/hooks']);
    expect(output).toMatch(/^created .*\/hooks, for .*\nRelatch itself takes deliveries at \/webhooks\/seam only/);
    const made = (await seam.webhooks.list()).find((one) => one.url.endsWith('/hooks'));
    await seam.webhooks.delete({ webhook_id: made?.webhook_id ?? '' });
  });

  it('says what is wrong with an address or a key', async () => {
    expect(await relatch(['webhook', 'register', 'http://relatch.example.com'])).toMatchObject({
      code: 2,
      output: expect.stringContaining('https'),
    });
    expect(await relatch(['webhook', 'register', url], { SEAM_API_KEY: 'seam_wrong' })).toMatchObject({
      code: 2,
      output: expect.stringContaining('Seam refuses SEAM_API_KEY'),
    });
  });
});

describe('doctor', () => {
  it('finds what is in order, and with --fix gives the webhook the types that it needs', async () => {
    const first = await relatch(['doctor']);
    expect(first).toMatchObject({ code: 0, output: expect.stringContaining('told of every type of event') });
    const fixed = await relatch(['doctor', '--fix', '--json']);
    const checks = fixed.output
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { level: string; what: string });
    expect(checks.map(({ level, what }) => `${level} ${what}`)).toEqual([
      'ok configuration',
      'ok database',
      'ok connections',
      'ok clock against the database',
      'ok migrations',
      'ok PIN keys',
      'ok webhook',
      'ok Seam key',
      'ok clock against Seam',
      'ok webhook',
    ]);
    expect(fixed.code).toBe(0);
  });

  it('runs where nothing is right, and tells each thing with its way out', async () => {
    const lost = await relatch(['doctor', '--webhook-url', url], {
      DATABASE_URL: 'postgresql://relatch:hidden-word@127.0.0.1:1/relatch',
      SEAM_API_KEY: 'seam_hidden_key',
      SEAM_WEBHOOK_SECRETS: 'hidden!',
      PORT: 'http',
    });
    expect(levelsOf(lost)).toEqual(['fail configuration', 'fail configuration', 'fail database', 'fail Seam key']);
    expect(lost.output).toContain('ECONNREFUSED');
    expect(lost.output).toContain('Seam refuses it. Take one from the Seam Console');
    expect(lost.output).not.toContain('hidden');
    expect(lost.code).toBe(2);
    const silent = await relatch(['doctor'], { SEAM_ENDPOINT: 'http://127.0.0.1:1', PIN_ENCRYPTION_KEYS: '' });
    expect(levelsOf(silent)).toContain('fail PIN keys');
    expect(silent.output).toMatch(/fail Seam key: Seam cannot be asked: .*SEAM_ENDPOINT/);
  });
});

describe('PINs', () => {
  const given = '739164';
  const pinsUnder = async (vault: PinVault) => {
    const { prisma } = world.relatch.deps.db;
    const rows = await prisma.schedule.findMany({ orderBy: { key: 'asc' } });
    return rows.map(({ id, key, pinCiphertext, pinKeyId }) => {
      return [key, pinCiphertext === null || pinKeyId === null ? null : vault.open({ pinCiphertext, pinKeyId }, id)];
    });
  };
  const own = () => world.config.pinKeys[0] ?? Buffer.alloc(0);

  it('move under the first key, so that the older one can be taken away', async () => {
    const crew = aSchedule({ devices: [frontDoor, backDoor] });
    const guest = aSchedule({ key: 'guest', name: 'Guest', pin: given, devices: [backDoor] });
    const rests = aSchedule({ key: 'rests', name: 'Rests', pin: '281746', starts_on: '2027-06-01' });
    const later = aSchedule({ key: 'later', name: 'Later', starts_on: '2027-06-01' });
    await world.apply(schedulesFile([crew, guest, rests, later]));
    const newer = randomBytes(32);
    const { output } = await relatch(['pins', 'reencrypt'], { PIN_ENCRYPTION_KEYS: keys(newer, own()) });
    expect(output.split('\n').slice(0, 3)).toEqual([
      'Encrypted anew: 7.',
      `${keyIdOf(newer)}, the first key: 7 PINs are under it.`,
      expect.stringContaining(`${keyIdOf(own())}: no PIN is under it any more.`),
    ]);
    expect((await pinsUnder(new PinVault([newer])))[1]).toEqual(['guest', given]);
    const { db } = world.relatch.deps;
    const back = await reencryptPins({ db, vault: new PinVault([own(), newer]) });
    expect(back).toMatchObject({ moved: 7, unreadable: 0, inUse: new Map([[keyIdOf(own()), 7]]) });

    // As it was read before somebody gave another one.
    const { id } = await db.prisma.schedule.findUniqueOrThrow({ where: { key: 'guest' } });
    const read = await pinsUnderKeys(db.prisma, [keyIdOf(own())], null, 100);
    const stale = read.find(({ place, scheduleId }) => place === 'schedule' && scheduleId === id)!;
    await world.apply(schedulesFile([{ ...guest, pin: '583920' }]));
    expect(await replaceHeldPin(db.prisma, stale, new PinVault([newer]).encrypt(given, id))).toBe(false);
    expect((await pinsUnder(new PinVault([own()])))[1]).toEqual(['guest', '583920']);
    await world.apply(schedulesFile([guest]));
  });

  it('whose key is lost are read back from Seam; what no lock has any more is drawn, or asked for', async () => {
    const before = await pinsUnder(world.relatch.deps.vault);
    const fresh = randomBytes(32);
    const lost = { PIN_ENCRYPTION_KEYS: keys(fresh) };
    expect((await relatch(['alerts', 'list'], lost)).output).toContain('doctor --fix');

    const vault = new PinVault([fresh]);
    const deps = { ...world.relatch.deps, vault, seam: createSeamApi(world.config.seam) };
    world.simulator.faults.next('GET /access_codes/get', { kind: 'status', status: 503 });
    const stopped = await recoverPins(deps);
    expect(stopped).toMatchObject({ redrawn: [], toGive: [], stoppedBecause: expect.stringContaining('503') });
    expect(await pinsUnder(world.relatch.deps.vault)).toEqual(before);

    const { output, code } = await relatch(['doctor', '--fix'], lost);
    expect(output).toContain('ok   PINs: 5 were read back from Seam');
    expect(output).toContain('No code bears the PIN of later any more: a new one is drawn.');
    expect(output).toContain('No code bears the PIN of rests any more, and people choose it');
    expect(output).toContain('ok   PIN keys: 6 PINs are under the first key.');
    expect(output).toContain('fail PINs: The PIN of rests is lost, and people choose it.');
    expect(code).toBe(2);
    const [crew, guest, later, rests] = await pinsUnder(vault);
    expect([crew, guest, rests]).toEqual([before[0], ['guest', given], ['rests', null]]);
    expect(later?.[1]).toMatch(/^[0-9]{6}$/);
    expect(later).not.toEqual(before[2]);
    for (const [, pin] of [...before, later ?? []]) expect(output).not.toContain(pin);
  });
});
