// The day of somebody who manages flats: the whole file in the morning, and what comes in between until the evening. All of it
// by the command line and the API of the built service, and judged by what the locks open.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it, vi } from 'vitest';
import type { Interval } from '../../src/simulator/lock.ts';
import { call } from '../support/api.ts';
import { runScript } from '../support/processes.ts';
import { adminToken } from '../support/relatch.ts';
import { aRemovedEvent, sign, webhookSecret } from '../support/sign.ts';
import { assertSettled } from './settled.ts';
import { aDoor, deliver, slowMs, startStage } from './stage.ts';

const cli = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));

// It is noon there whenever the test runs, and every window is in progress.
const hoursToNoon = 12 - new Date().getUTCHours();
const timezone = hoursToNoon === 0 ? 'Etc/GMT' : `Etc/GMT${hoursToNoon > 0 ? '-' : '+'}${Math.abs(hoursToNoon)}`;
const today = new Date(Date.now() + hoursToNoon * 3_600_000).toISOString().slice(0, 10);
const farHoliday = `${Number(today.slice(0, 4)) + 1}-12-25`;
const eveningAt = (hour: number): string =>
  new Date(Date.parse(`${today}T${hour}:00Z`) - hoursToNoon * 3_600_000).toISOString();

const flats = Array.from({ length: 20 }, (_, index) => ({ name: `Flat ${index + 1}`, id: aDoor() }));
const flat = (number: number): string => flats[number - 1]!.id;
const newLock = { name: 'Flat 5, new lock', id: aDoor() };

interface Written {
  readonly key: string;
  readonly devices: readonly string[];
  readonly except?: object;
}

/** 20 cleaners who keep holidays, 18 turnovers that do not, a nanny with two doors, and a caretaker with six. */
const schedules: readonly Written[] = [
  ...flats.map(({ id }, index) => ({ key: `cleaner-${index + 1}`, devices: [id], except: { holidays: ['local'] } })),
  ...flats.slice(0, 18).map(({ id }, index) => ({ key: `turnover-${index + 1}`, devices: [id] })),
  { key: 'nanny', devices: [flat(19), flat(20)] },
  { key: 'caretaker', devices: [7, 8, 9, 10, 11, 12].map(flat) },
];

it('goes with a property manager through a day: illness, delay, notice, leak, holiday and a new lock', async () => {
  await using day = await startDay();
  const { stage, relatch, api, opening, onceOpen } = day;
  const { simulator } = stage;
  const expected = new Set(schedules.flatMap(({ key, devices }) => devices.map((device) => `${key} ${device}`)));
  const onceAsExpected = (): Promise<void> => onceOpen(expected);

  // Looked at first, which writes nothing, then done.
  const file = await day.write({ holidays: { local: [farHoliday] }, schedules: schedules.map(fields) });
  const [foreseen] = await relatch('schedules', 'apply', file, '--dry-run', '--json');
  expect(foreseen).toMatchObject({ dry_run: true, changed: [], unchanged: [], notes: [] });
  expect(foreseen!.created).toHaveLength(40);
  expect(foreseen!.plan).toHaveLength(expected.size);
  expect(await api('GET /v1/schedules')).toMatchObject({ status: 200, body: { items: [] } });
  const [applied] = await relatch('schedules', 'apply', file, '--json');
  expect(applied).toMatchObject({ dry_run: false, created: foreseen!.created, changed: [], unchanged: [] });
  await onceAsExpected();
  const [first] = await relatch('windows', 'cleaner-1', '--count', '1', '--json');
  expect(first).toMatchObject({ ends_at: eveningAt(17), why: expect.stringContaining('rule 1') });

  // A cleaner is ill.
  await relatch('schedules', 'skip', 'cleaner-3', '--date', today, '--reason', 'ill');
  expected.delete(`cleaner-3 ${flat(3)}`);
  await onceAsExpected();
  expect(await relatch('explain', 'cleaner-3', '--json')).toMatchObject([
    { works: false, answer: expect.stringContaining('ill') },
  ]);

  // A turnover is late: the code that its holder has stays good.
  const before = opening(`turnover-2 ${flat(2)}`)!;
  const extended = await api('POST /v1/schedules/turnover-2/extend', { body: { until: '19:00' } });
  expect(extended).toMatchObject({ status: 200, body: { outcome: 'changed' } });
  await vi.waitFor(() => {
    const [code] = simulator.codes({ device_id: flat(2) }).filter(({ name }) => name?.startsWith('turnover-2 '));
    expect([code?.access_code_id, code?.code, code?.ends_at]).toEqual([
      before.access_code_id,
      before.code,
      eveningAt(19),
    ]);
  }, slowMs);

  // The caretaker quits: neither an event nor a pass of the reconciler nor the file brings a code back.
  const theirs = simulator.codes().filter(({ name }) => name?.startsWith('caretaker '));
  expect(theirs).toHaveLength(6);
  const [revoked] = await relatch('schedules', 'revoke', 'caretaker', '--json');
  expect(revoked!.plan).toHaveLength(6);
  for (const { device_id } of theirs) expected.delete(`caretaker ${device_id}`);
  await onceAsExpected();
  const occurred_at = new Date().toISOString();
  for (const { access_code_id, device_id } of theirs) {
    const event = aRemovedEvent({ access_code_id, device_id: device_id!, occurred_at });
    expect(await deliver(day.service, sign(JSON.stringify(event)))).toBe(202);
  }
  await relatch('reconcile');
  await stage.rest();
  await onceAsExpected();
  expect(await api('GET /v1/schedules/caretaker')).toMatchObject({ body: { status: 'ended' } });

  // A PIN leaks.
  const leaked = opening(`nanny ${flat(19)}`)!.code;
  expect(opening(`nanny ${flat(20)}`)!.code).toBe(leaked);
  expect(await api('POST /v1/schedules/nanny/rotate-pin')).toMatchObject({ status: 200, body: { outcome: 'changed' } });
  await vi.waitFor(() => {
    expect(day.open().filter(({ code }) => code === leaked)).toEqual([]);
    const [one, other] = [flat(19), flat(20)].map((door) => opening(`nanny ${door}`)?.code);
    expect([typeof one, other]).toEqual(['string', one]);
  }, slowMs);

  // Today turns out to be a holiday, which those follow who keep it.
  const list = await api('GET /v1/holiday-lists/local');
  const holiday = {
    body: { dates: [...list.body.dates, today] },
    headers: { 'if-match': list.headers.get('etag')! },
  };
  const cleaners = schedules.filter(({ except }) => except !== undefined).map(({ key }) => key);
  for (const query of ['?dry_run=true', '']) {
    const changed = await api(`PUT /v1/holiday-lists/local${query}`, holiday);
    expect(changed.body.changed.toSorted()).toEqual(cleaners.toSorted());
  }
  for (const one of expected) if (one.startsWith('cleaner-')) expected.delete(one);
  await onceAsExpected();
  const explained = await api('GET /v1/schedules/cleaner-1/explain');
  expect(explained.body.items).toMatchObject([{ works: false, answer: expect.stringContaining('holiday') }]);

  // The lock of flat 5 is replaced: the file says so, and says nothing of what was done by hand.
  const moved = schedules.map((one) => ({
    ...fields(one),
    devices: one.devices.map((id) => (id === flat(5) ? newLock.id : id)),
  }));
  const newFile = await day.write({ schedules: moved });
  const [change] = await relatch('schedules', 'apply', newFile, '--dry-run', '--json');
  expect((change!.changed as string[]).toSorted()).toEqual(['cleaner-5', 'turnover-5']);
  await relatch('schedules', 'apply', newFile);
  expected.delete(`turnover-5 ${flat(5)}`);
  expected.add(`turnover-5 ${newLock.id}`);
  await onceAsExpected();
  expect(simulator.codes({ device_id: flat(5) })).toEqual([]);
  // The lock opens a moment before Seam has told that it does.
  await vi.waitFor(async () => {
    const served = await api('GET /v1/schedules/turnover-5/explain');
    expect(served.body.items).toMatchObject([{ works: true, device_id: newLock.id }]);
  }, slowMs);

  await stage.rest();
  await onceAsExpected();
  expect(opening(`turnover-2 ${flat(2)}`)).toEqual(before);
  expect(await api('GET /v1/alerts')).toMatchObject({ status: 200, body: { items: [] } });
  day.promise();
  await assertSettled(stage, { scenario: "a property manager's day", faults: 0, struckAtMs: day.startedAtMs });
  expect(day.service.logs()).not.toContain(adminToken);
});

function fields({ key, ...rest }: Written): object {
  return {
    key,
    name: key,
    timezone,
    status: 'active',
    windows: [{ rrule: 'FREQ=DAILY', from: '06:00', to: '17:00' }],
    ...rest,
  };
}

async function startDay() {
  const startedAtMs = performance.now();
  const stage = await startStage({ settingLagMs: 300 });
  const folder = await mkdtemp(join(tmpdir(), 'relatch-day-'));
  const { simulator } = stage;
  // PINs as long as these are no part of an id or a time by chance.
  for (const { id, name } of [...flats, newLock])
    simulator.addDevice({ device_id: id, name, supported_code_lengths: [8] });
  const service = await stage.start({ ADMIN_TOKENS: `manager:${adminToken}` });
  simulator.setWebhook({ url: `${service.url}/webhooks/seam`, secret: webhookSecret });
  let files = 0;

  /** What opens a door now, whatever Seam and our rows say. */
  const open = (): Interval[] => simulator.intervals().filter(({ off_device_at }) => off_device_at === null);
  const whose = ({ name, device_id }: Interval): string => `${name?.split(' ')[0]} ${device_id}`;

  return {
    stage,
    service,
    startedAtMs,
    open,
    opening: (wanted: string) => open().find((one) => whose(one) === wanted),
    /** Waits until these open doors, each once, and no other does. */
    onceOpen: (expected: ReadonlySet<string>): Promise<void> =>
      vi.waitFor(() => expect(open().map(whose).sort()).toEqual([...expected].sort()), {
        timeout: slowMs,
        interval: 50,
      }),
    async write(content: object): Promise<string> {
      files += 1;
      const path = join(folder, `schedules-${files}.yaml`);
      await writeFile(path, JSON.stringify(content));
      return path;
    },
    async relatch(...args: string[]) {
      const { code, output } = await runScript(cli, { args, env: stage.env });
      stage.heard(output);
      expect(code, output).toBe(0);
      return args.at(-1) === '--json' ? jsonLines(output) : [];
    },
    async api(request: string, options: Parameters<typeof call>[2] = {}) {
      const answer = await call({ relatch: service }, request, options);
      stage.heard(answer.text);
      return answer;
    },
    /** What Seam was told that it was taken in must be there. */
    promise(): void {
      for (const { message_id, event_id, status } of simulator.deliveries)
        if (status === 202) stage.acknowledged.set(message_id, event_id);
    },
    async [Symbol.asyncDispose]() {
      await rm(folder, { recursive: true });
      await stage[Symbol.asyncDispose]();
    },
  };
}

function jsonLines(output: string): Record<string, unknown>[] {
  return output.trim() === ''
    ? []
    : output
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line));
}
