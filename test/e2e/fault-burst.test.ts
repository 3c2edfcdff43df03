// Ten thousand deliveries at once, one instance stopped in the middle of them.

import { readFile } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { expect, it, vi } from 'vitest';
import type { Service } from '../support/processes.ts';
import { anAccessCodeEvent, aRemovedEvent, type SignedDelivery, sign } from '../support/sign.ts';
import { aDoor, type Stage, slowMs, startStage } from './stage.ts';

const deliveries = 10_000;
const ours = 3_000;
// After so long Seam gives a delivery up and counts it as failed.
const senderWaitsMs = 15_000;
const inFlight = 64;

it('stores 10,000 deliveries at once, none lost and none twice, though an instance is stopped meanwhile', async () => {
  await using stage = await startStage();
  const { simulator, db } = stage;
  const services = await Promise.all([stage.start({ LOG_LEVEL: 'info' }), stage.start({ LOG_LEVEL: 'info' })]);
  const doors = Array.from({ length: 20 }, aDoor);
  await stage.apply(...doors);
  await vi.waitFor(async () => {
    expect((await stage.codes()).map(({ state }) => state)).toEqual(doors.map(() => 'created'));
  }, slowMs);
  await stage.rest();
  const codes = simulator.codes();
  const removals = (await stage.outliveAll()).map(({ delivery }) => delivery);
  const notes = Array.from({ length: ours - removals.length }, (_, at) => {
    const { access_code_id, device_id } = codes[at % codes.length]!;
    return anAccessCodeEvent('access_code.set_on_device', { access_code_id, device_id, code: '12345678' });
  });
  // Most of what a workspace sends is about other things.
  const others = Array.from({ length: deliveries - ours }, () => {
    return { ...aRemovedEvent(), event_type: 'lock.unlocked' };
  });
  const signed = [...notes, ...others].map((event) => sign(JSON.stringify(event)));
  const sent = interleaved(removals, signed);

  const before = await residentMb(services[1]!);
  const startedMs = performance.now();
  const { times, repeated } = await deliverAll(services, sent, () => services[0]!.kill('SIGTERM'));
  const tookMs = performance.now() - startedMs;
  expect(await services[0]!.exited).toEqual({ code: 0, signal: null });
  const sorted = times.toSorted((a, b) => a - b);
  const p99 = sorted[Math.floor(sorted.length * 0.99)]!;
  console.log(
    `${deliveries} acknowledged in ${(tookMs / 1_000).toFixed(1)} s, p50 ${sorted[deliveries / 2]!.toFixed(0)} ms, p99 ${p99.toFixed(0)} ms, ${repeated} sent again`,
  );
  expect(sorted.at(-1)).toBeLessThan(senderWaitsMs);
  const ids = await db.query<{ svix_id: string }>('select svix_id from inbox where svix_id is not null');
  expect(new Set(ids.rows.map(({ svix_id }) => svix_id))).toEqual(
    new Set(sent.map(({ headers }) => headers['svix-id'])),
  );
  await stage.rest();
  console.log(`drained ${((performance.now() - startedMs) / 1_000).toFixed(1)} s after the first was sent`);
  const states = await db.query(
    'select state::text, count(*)::int as rows from inbox where svix_id is not null group by 1 order by 1',
  );
  expect(states.rows).toEqual([
    { state: 'handled', rows: ours },
    { state: 'ignored', rows: deliveries - ours },
  ]);
  await vi.waitFor(() => expectOneEach(stage, doors), slowMs);
  // What the burst has left to the garbage collector is given back when that next has time.
  await vi.waitFor(async () => expect((await residentMb(services[1]!)) - before).toBeLessThan(150), slowMs);
});

/** Spread evenly, so that work is done while deliveries still come. */
function interleaved(few: readonly SignedDelivery[], many: readonly SignedDelivery[]): SignedDelivery[] {
  const gap = Math.floor(many.length / few.length);
  const mixed = [...many];
  for (const [at, one] of few.entries()) mixed.splice(at * gap, 0, one);
  return mixed;
}

/** Sends them as Seam does: what is not acknowledged is sent again. A quarter of the way `strike` falls. */
async function deliverAll(
  services: readonly Service[],
  sent: readonly SignedDelivery[],
  strike: () => void,
): Promise<{ times: number[]; repeated: number }> {
  const agent = new Agent({ keepAlive: true, maxSockets: inFlight });
  const times: number[] = [];
  let [next, repeated] = [0, 0];
  const sender = async (): Promise<void> => {
    for (let at = next++; at < sent.length; at = next++) {
      if (at === Math.floor(sent.length / 4)) strike();
      for (let attempt = 0, status = 0; status !== 202; attempt += 1) {
        if (attempt > 0) repeated += 1;
        const startedMs = performance.now();
        status = await post(agent, services[(at + attempt) % services.length]!, sent[at]!);
        if (status === 202) times.push(performance.now() - startedMs);
        else if (attempt > 3) throw new Error(`a delivery is answered ${status}, again and again`);
      }
    }
  };
  await Promise.all(Array.from({ length: inFlight }, sender));
  agent.destroy();
  return { times, repeated };
}

function post(agent: Agent, { url }: Service, { body, headers }: SignedDelivery): Promise<number> {
  return new Promise((resolve) => {
    const own = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const call = request(`${url}/webhooks/seam`, { method: 'POST', agent, headers: { ...own, ...headers } });
    call.on('error', () => resolve(0));
    call.on('response', (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode ?? 0));
      response.on('error', () => resolve(0));
    });
    call.end(body);
  });
}

async function expectOneEach({ simulator, codes }: Stage, doors: readonly string[]): Promise<void> {
  expect(
    simulator
      .codes()
      .map(({ device_id }) => device_id)
      .sort(),
  ).toEqual(doors.toSorted());
  const states = (await codes()).map(({ state }) => state).sort();
  expect(states).toEqual([...doors.map(() => 'created'), ...doors.map(() => 'removed')]);
}

/** Megabytes of memory that the process holds, where Linux tells. */
async function residentMb({ pid }: Service): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1_024;
}
