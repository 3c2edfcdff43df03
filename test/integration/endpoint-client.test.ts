// One attempt at a real server.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createEndpointClient } from '../../src/outgoing/endpoint-client.ts';
import { type Receiver, startReceiver, status, verified } from '../support/receiver.ts';

const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const message = { messageId: 'msg_1', at: new Date(), body: '{"type":"x"}', secrets: [secret] };
const loopback = [{ address: '127.0.0.1', prefix: 32, family: 'ipv4' }] as const;

let receiver: Receiver;
beforeAll(async () => {
  receiver = await startReceiver();
});
afterAll(() => receiver[Symbol.asyncDispose]());

it('connects to the address that was judged, whatever its name leads to afterwards', async () => {
  let lookups = 0;
  const lookUp = async () => {
    lookups += 1;
    return [{ address: lookups === 1 ? '127.0.0.1' : '10.0.0.1', family: 4 }];
  };
  const client = createEndpointClient(loopback, { lookUp });
  const url = receiver.url.replace('127.0.0.1', 'rebinding.example');
  const found = await client.find(url);
  expect(await client.post(found, message)).toMatchObject({ status: 200 });
  expect(lookups).toBe(1);
  const got = receiver.received.at(-1)!;
  expect(got.headers.host).toMatch(/^rebinding\.example:/);
  expect(verified(secret, got)).toEqual({ type: 'x' });
  // The next attempt judges anew.
  expect(await client.post(await client.find(url), message)).toMatchObject({
    error: expect.stringContaining('10.0.0.1'),
  });
});

it('sends nothing where nothing may be sent', async () => {
  const { length } = receiver.received;
  const client = createEndpointClient([]);
  const attempt = await client.post(await client.find(receiver.url.replace('http:', 'https:')), message);
  expect(attempt).toEqual({ error: expect.stringContaining('127.0.0.1 is no public address') });
  expect(receiver.received).toHaveLength(length);
});

it('follows no redirect, waits no longer than it should, and keeps nothing of a long answer', async () => {
  const client = createEndpointClient(loopback, { timeoutMs: 150 });
  const post = async () => client.post(await client.find(receiver.url), message);
  receiver.answer = status(307, { location: receiver.url });
  const { length } = receiver.received;
  expect(await post()).toMatchObject({ status: 307 });
  expect(receiver.received).toHaveLength(length + 1);

  receiver.answer = () => undefined;
  expect(await post()).toEqual({ error: 'it did not answer within 0.15 s' });
  let isCut = false;
  receiver.answer = (response) => {
    response.writeHead(200);
    response.on('close', () => {
      isCut = true;
    });
    const more = () => {
      while (!response.destroyed && response.write('x'.repeat(4_096)));
      if (!response.destroyed) response.once('drain', more);
    };
    more();
  };
  expect(await createEndpointClient(loopback).post(await client.find(receiver.url), message)).toMatchObject({
    status: 200,
  });
  await expect.poll(() => isCut).toBe(true);
  // The status was said, and the rest never comes.
  receiver.answer = (response) => void response.writeHead(200).write('x');
  expect(await post()).toMatchObject({ status: 200 });
  receiver.answer = (response) => void response.writeHead(101, { connection: 'upgrade', upgrade: 'x' }).end();
  expect(await post()).toMatchObject({ status: 101 });
  receiver.answer = (response) => void response.destroy();
  expect(await post()).toEqual({ error: 'it cannot be reached (ECONNRESET)' });
});
