import { Agent, type IncomingMessage, request } from 'node:http';
import { Agent as SecureAgent, request as secureRequest } from 'node:https';

/** One POST: its status, or null when no answer came in time. */
export type SendResult = number | null;

/** Sends webhooks over kept-alive connections. */
export class Sender {
  readonly #agent = new Agent({ keepAlive: true, maxFreeSockets: 256 });
  readonly #secureAgent = new SecureAgent({ keepAlive: true, maxFreeSockets: 256 });
  readonly #timeoutMs: number;
  readonly #abort = new AbortController();

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  async post(url: string, headers: Record<string, string>, body: string): Promise<SendResult> {
    const first = await this.#try(url, headers, body);
    if (first !== 'stale') return first;
    // The receiver closed an idle connection just as it was used again: no attempt was made.
    const second = await this.#try(url, headers, body);
    return second === 'stale' ? null : second;
  }

  close(): void {
    this.#abort.abort();
    this.#agent.destroy();
    this.#secureAgent.destroy();
  }

  #try(url: string, headers: Record<string, string>, body: string): Promise<SendResult | 'stale'> {
    const isSecure = url.startsWith('https:');
    return new Promise((resolve) => {
      const signal = AbortSignal.any([this.#abort.signal, AbortSignal.timeout(this.#timeoutMs)]);
      const agent = isSecure ? this.#secureAgent : this.#agent;
      const call = (isSecure ? secureRequest : request)(url, { method: 'POST', headers, agent, signal });
      call.on('response', (response: IncomingMessage) => {
        response.resume();
        response.on('end', () => resolve(response.statusCode ?? null));
        response.on('error', () => resolve(null));
      });
      call.on('error', (error: NodeJS.ErrnoException) => {
        resolve(call.reusedSocket && error.code === 'ECONNRESET' ? 'stale' : null);
      });
      call.end(body);
    });
  }
}
