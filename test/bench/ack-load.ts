import { Agent, request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import autocannon from 'autocannon';
import type { SignedDelivery } from '../support/sign.ts';

const path = '/webhooks/seam';
const contentType = { 'content-type': 'application/json' };

/** As fast as 16 connections go: answers a second. Every answer must be 202. */
export async function closedLoop(origin: string, deliveries: readonly SignedDelivery[]): Promise<number> {
  let next = 0;
  const startedAt = performance.now();
  let endedAt = startedAt;
  const load = autocannon({
    url: origin + path,
    method: 'POST',
    connections: 16,
    amount: deliveries.length,
    requests: [
      {
        setupRequest: (blank) => {
          const { body, headers } = deliveries[next++ % deliveries.length]!;
          return { ...blank, body, headers: { ...contentType, ...headers } };
        },
      },
    ],
  });
  // Its own end is rounded to whole seconds.
  load.on('response', () => {
    endedAt = performance.now();
  });
  const result = await load;
  if (result['2xx'] !== deliveries.length)
    throw new Error(`${result['2xx']} of ${deliveries.length} were acknowledged`);
  return deliveries.length / ((endedAt - startedAt) / 1_000);
}

/**
 * Arrivals at random (Poisson) at a given rate, whatever the answers do; latencies in milliseconds from the moment each was
 * due, so that a server that stalls is charged for everyone who waited.
 */
export async function openLoop(
  origin: string,
  deliveries: readonly SignedDelivery[],
  options: { perSecond: number; random: () => number },
): Promise<number[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: 256 });
  const startedAt = performance.now();
  let dueAt = startedAt;
  const answers: Promise<number>[] = [];
  for (const delivery of deliveries) {
    dueAt += (-Math.log(1 - options.random()) / options.perSecond) * 1_000;
    await until(dueAt);
    answers.push(latency(origin, agent, delivery, dueAt));
  }
  const latencies = await Promise.all(answers);
  agent.destroy();
  return latencies;
}

// A timer is late by up to a millisecond, as long as an answer takes.
async function until(dueAt: number): Promise<void> {
  const wait = dueAt - performance.now();
  if (wait > 2) await delay(wait - 1.5);
  while (performance.now() < dueAt) await new Promise(setImmediate);
}

function latency(origin: string, agent: Agent, { body, headers }: SignedDelivery, dueAt: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const length = { 'content-length': Buffer.byteLength(body) };
    const sent = request(
      origin + path,
      { method: 'POST', agent, headers: { ...contentType, ...length, ...headers } },
      (response) => {
        response.resume();
        response.once('end', () => {
          if (response.statusCode === 202) resolve(performance.now() - dueAt);
          else reject(new Error(`answered ${response.statusCode}`));
        });
      },
    );
    sent.once('error', reject);
    sent.end(body);
  });
}
