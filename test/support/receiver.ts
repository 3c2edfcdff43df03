// Somebody's system that is told by webhooks: a real HTTP server, which verifies with the library of Standard Webhooks.
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';
import { vi } from 'vitest';

/** A request as it came. */
export interface Received {
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Receiver extends AsyncDisposable {
  readonly url: string;
  readonly received: Received[];
  /** Answers from now on; 200 at first. */
  answer: (response: ServerResponse, request: Received) => void;
}

export async function startReceiver(): Promise<Receiver> {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const got = { url: request.url ?? '', headers: request.headers, body: Buffer.concat(chunks).toString() };
      received.push(got);
      receiver.answer(response, got);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const receiver: Receiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hooks`,
    received,
    answer: (response) => void response.writeHead(200).end('ok'),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return receiver;
}

/** Answers with a status. */
export function status(code: number, headers: Record<string, string> = {}): Receiver['answer'] {
  return (response) => void response.writeHead(code, headers).end();
}

// biome-ignore lint/suspicious/noExplicitAny: what it holds is what tests ask
export type Message = { readonly type: string; readonly timestamp: string; readonly data: Record<string, any> };

/** The message, if it is signed with this secret, read when its timestamp says. @throws WebhookVerificationError */
export function verified(secret: string, { headers, body }: Received): Message {
  // The service's clock is the simulator's; nothing else runs before the real one is back.
  vi.setSystemTime(Number(headers['webhook-timestamp']) * 1_000);
  try {
    return new Webhook(secret).verify(body, headers as Record<string, string>) as Message;
  } finally {
    vi.useRealTimers();
  }
}
