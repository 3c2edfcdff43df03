// Senders that mean harm, or are broken: none is served, none costs much, and none keeps an honest one waiting.
import { once } from 'node:events';
import { readdir, readlink } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { expect, it, vi } from 'vitest';
import type { Service } from '../support/processes.ts';
import { aRemovedEvent, sign } from '../support/sign.ts';
import { assertSettled } from './settled.ts';
import { deliver, startStage } from './stage.ts';

const path = '/webhooks/seam';
// The server looks each second for those whose ten seconds are over.
const cutWithinMs = 20_000;
// An idle machine takes 4 ms; a busy one is no fault.
const promptMs = 1_000;

it('refuses what is too large, compressed, or no request, without a row', async () => {
  await using stage = await startStage();
  const service = await stage.start();
  const post = async (
    body: string | Buffer | ReadableStream,
    headers: Record<string, string> = {},
  ): Promise<number> => {
    const signed = typeof body === 'string' ? sign(body).headers : {};
    const init = { method: 'POST', headers: { ...signed, ...headers }, body, duplex: 'half' } as RequestInit;
    const response = await fetch(service.url + path, init).catch(() => null);
    // A body that is far too large may be cut off before its sender has read the answer.
    return response?.status ?? 413;
  };
  const event = JSON.stringify(aRemovedEvent());
  const struckAtMs = performance.now();
  expect(await post(JSON.stringify('x'.repeat(300_000)))).toBe(413);
  const huge = Buffer.alloc(50_000_000, 'x');
  expect(await post(huge)).toBe(413);
  const chunks = new ReadableStream({
    start(controller) {
      for (let sent = 0; sent < 50; sent += 1) controller.enqueue(Buffer.alloc(100_000, 'x'));
      controller.close();
    },
  });
  expect(await post(chunks)).toBe(413);
  expect(await post(gzipSync(event), { 'content-encoding': 'gzip' })).toBe(415);
  expect(await post('')).toBe(400);

  const headers = Array.from({ length: 5_000 }, (_, at) => `x-${at}: ${'y'.repeat(20)}\r\n`).join('');
  expect(await said(service, `POST ${path} HTTP/1.1\r\nhost: x\r\n${headers}\r\n`)).toContain(' 431 ');
  expect(await said(service, 'this is no HTTP\r\n\r\n')).toContain(' 400 ');
  const both = `POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`;
  expect(await said(service, both)).toContain(' 400 ');
  expect(await said(service, `POST ${path} HTTP/1.1\r\nhost: x\r\nbad header\r\n\r\n`)).toContain(' 400 ');

  expect((await stage.db.query('select 1 from inbox')).rows).toEqual([]);
  expect(await deliver(service, sign(event))).toBe(202);
  await assertSettled(stage, { scenario: 'requests too large, compressed, or none', faults: 9, struckAtMs });
});

it('cuts a body that comes one byte a second, and 300 senders of half a header, and serves others meanwhile', async () => {
  await using stage = await startStage();
  const service = await stage.start();
  const idle = await socketsOf(service);
  const struckAtMs = performance.now();
  const drip = await dripping(service);
  const slow = await Promise.all(
    Array.from({ length: 300 }, () => opened(service, `POST ${path} HTTP/1.1\r\nhost: x\r\n`)),
  );
  const times: number[] = [];
  for (let sent = 0; sent < 50; sent += 1) {
    const startedMs = performance.now();
    expect(await deliver(service, sign(JSON.stringify(aRemovedEvent())))).toBe(202);
    times.push(performance.now() - startedMs);
  }
  const median = times.toSorted((a, b) => a - b)[25]!;
  console.log(`beside 300 slow senders a delivery takes ${median.toFixed(1)} ms`);
  expect(median).toBeLessThan(promptMs);
  for (const { heard } of [drip, ...slow]) expect(await heard).toContain(' 408 ');
  // What is left are connections to the database, and those that the honest sender keeps.
  await vi.waitFor(async () => expect(await socketsOf(service)).toBeLessThan(idle + 30), cutWithinMs);
  expect((await stage.db.query('select count(*)::int as rows from inbox')).rows).toEqual([{ rows: 50 }]);
  await assertSettled(stage, { scenario: '301 slow senders', faults: 301, struckAtMs });
});

interface Sender {
  readonly socket: Socket;
  /** All that it was told until it was cut off. */
  readonly heard: Promise<string>;
}

async function opened({ url }: Service, head: string): Promise<Sender> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  let text = '';
  socket.on('data', (bytes) => {
    text += String(bytes);
  });
  socket.on('error', () => undefined);
  const heard = new Promise<string>((resolve) => {
    socket.once('close', () => resolve(text));
  });
  await once(socket, 'connect');
  socket.write(head);
  return { socket, heard };
}

async function said(service: Service, request: string): Promise<string> {
  const { socket, heard } = await opened(service, request);
  socket.end();
  return heard;
}

async function dripping(service: Service): Promise<Sender> {
  const { body, headers } = sign(JSON.stringify(aRemovedEvent()));
  const lines = Object.entries({ host: 'x', 'content-length': String(body.length), ...headers });
  const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  const sender = await opened(service, `POST ${path} HTTP/1.1\r\n${head}\r\n`);
  let sent = 0;
  const timer = setInterval(() => sender.socket.write(body[sent++] ?? ''), 1_000);
  sender.socket.once('close', () => clearInterval(timer));
  return sender;
}

/** Open sockets of the process, as Linux tells; elsewhere none are counted. */
async function socketsOf({ pid }: Service): Promise<number> {
  const folder = `/proc/${pid}/fd`;
  const files = await readdir(folder).catch(() => []);
  const targets = await Promise.all(files.map((file) => readlink(`${folder}/${file}`).catch(() => '')));
  return targets.filter((target) => target.startsWith('socket:')).length;
}
