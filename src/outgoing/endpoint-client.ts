// One attempt to deliver one message, signed as Standard Webhooks say (https://www.standardwebhooks.com). It goes to an address that was
// judged, follows no redirect, takes 15 s at most, and keeps of the answer no more than its status.
import * as http from 'node:http';
import * as https from 'node:https';
import type { LookupFunction } from 'node:net';
import { Webhook } from 'standardwebhooks';
import type { Attempt } from '../core/endpoint.ts';
import { type Address, createJudge, type Destination, type Lookup, type Network } from './addresses.ts';

/** A message as it goes out. */
export interface Outgoing {
  /** The same at each attempt. */
  readonly messageId: string;
  /** Of this attempt. */
  readonly at: Date;
  readonly body: string;
  /** It is signed with each. */
  readonly secrets: readonly string[];
}

/** Sends to endpoints. */
export interface EndpointClient {
  /** Looks up where an endpoint is, and whether anything may be sent there. Never rejects. */
  find(url: string): Promise<Destination>;
  /** Sends a message to a place that was found. Never rejects. @param cutShort gives it up */
  post(destination: Destination, message: Outgoing, cutShort?: AbortSignal): Promise<Attempt>;
}

const timeoutMs = 15_000;
const answerBytesMax = 8_192;

export function createEndpointClient(
  allowed: readonly Network[],
  options: { lookUp?: Lookup; timeoutMs?: number } = {},
): EndpointClient {
  const judge = createJudge(allowed, options.lookUp);
  const limitMs = options.timeoutMs ?? timeoutMs;
  return {
    find: (url) => {
      const late = `its name was not found within ${limitMs / 1_000} s`;
      return Promise.race([judge(url), after(limitMs, { ok: false, problem: late } as const)]);
    },
    async post(destination, message, cutShort) {
      if (!destination.ok) return { error: `nothing was sent: ${destination.problem}` };
      const limit = AbortSignal.timeout(limitMs);
      try {
        return await send(destination, message, cutShort === undefined ? limit : AbortSignal.any([limit, cutShort]));
      } catch (error) {
        return { error: limit.aborted ? `it did not answer within ${limitMs / 1_000} s` : wordsOf(error) };
      }
    },
  };
}

function after<T>(ms: number, value: T): Promise<T> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms, value).unref();
  });
}

function wordsOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return `it cannot be reached (${typeof code === 'string' ? code : 'no HTTP'})`;
}

function send(
  { url, addresses }: Extract<Destination, { ok: true }>,
  { messageId, at, body, secrets }: Outgoing,
  signal: AbortSignal,
): Promise<Attempt> {
  const { request } = url.protocol === 'https:' ? https : http;
  const headers = {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    'user-agent': 'Relatch',
    'webhook-id': messageId,
    'webhook-timestamp': `${Math.floor(at.getTime() / 1_000)}`,
    'webhook-signature': secrets.map((secret) => new Webhook(secret).sign(messageId, at, body)).join(' '),
  };
  return new Promise((resolve, reject) => {
    // A connection of its own, which nobody else's answers can follow on.
    const call = request(url, { method: 'POST', headers, agent: false, lookup: pinnedTo(addresses), signal });
    call.on('error', reject);
    // Who changes the protocol sends no response; left to itself, Node closes the connection and says nothing more.
    call.on('upgrade', ({ statusCode = 0 }, socket) => {
      socket.destroy();
      resolve({ status: statusCode, retryAfterSeconds: null });
    });
    call.on('response', (response) => {
      const attempt = { status: response.statusCode ?? 0, retryAfterSeconds: retryAfterOf(response) };
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > answerBytesMax) response.destroy();
      });
      // Whatever the body does: the status has been said.
      call.off('error', reject);
      call.on('error', () => undefined);
      response.on('error', () => undefined);
      response.on('close', () => resolve(attempt));
    });
    call.end(body);
  });
}

/** Where the host of a URL is an address, Node connects to just that, which is what was judged, and asks nothing. */
function pinnedTo(addresses: readonly Address[]): LookupFunction {
  return (_host, { all }, done) => {
    const [first] = addresses;
    if (all === true) done(null, [...addresses]);
    else done(null, first?.address ?? '', first?.family);
  };
}

function retryAfterOf({ statusCode = 0, headers }: http.IncomingMessage): number | null {
  const { 'retry-after': text = '' } = headers;
  return [429, 503].includes(statusCode) && /^\d{1,9}$/.test(text) ? Number(text) : null;
}
