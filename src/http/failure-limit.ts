// Who fails to prove who they are too often is told so in as few words as there are, without a log line each time. Nobody is locked
// out: what is right is let through from any address, because one that is abused may be a proxy or an office that others share.
import { isIP } from 'node:net';
import type { Request } from 'express';
import type { Log } from '../telemetry/log.ts';
import { Problem } from './problem.ts';

const windowMs = 60_000;

/** A bound, whatever many addresses do: who failed longest ago is forgotten first. */
const addressesMax = 10_000;

/** Counts failed signatures, tokens and secret addresses by the client's address, in this process. */
export interface FailureLimit {
  /**
   * For a check that asks the database, before it: 429 where this client has failed too often, else null. What is right is
   * refused then, too, for the rest of the minute at most.
   */
  blocks(req: Request): Problem | null;
  /** Counts a failure. What the client is to be answered: the problem, or 429 once it has failed too often. */
  failed(req: Request, problem: Problem): Problem;
}

interface Failures {
  readonly sinceMs: number;
  count: number;
}

/** @param options.perMinute how many failures of an address are answered as what they are */
export function createFailureLimit(options: {
  readonly perMinute: number;
  readonly log: Log;
  /** Milliseconds of a clock that nobody sets. */
  readonly clock?: () => number;
}): FailureLimit {
  const { perMinute, log, clock = () => performance.now() } = options;
  const known = new Map<string, Failures>();
  const recent = (client: string): Failures | undefined => {
    const failures = known.get(client);
    return failures !== undefined && clock() - failures.sinceMs < windowMs ? failures : undefined;
  };
  const tooMany = ({ sinceMs }: Failures): Problem => {
    const seconds = Math.ceil((sinceMs + windowMs - clock()) / 1_000);
    const detail = 'Send what is right: only failures are refused like this.';
    // A connection for each guess makes guessing dear.
    const headers = { 'retry-after': String(Math.max(1, seconds)), connection: 'close' };
    return new Problem(429, 'failures_too_many', 'Too many failures came from this address.', { detail, headers });
  };
  return {
    blocks(req) {
      const failures = recent(clientOf(req));
      return failures !== undefined && failures.count >= perMinute ? tooMany(failures) : null;
    },
    failed(req, problem) {
      const client = clientOf(req);
      const failures = recent(client) ?? { sinceMs: clock(), count: 0 };
      failures.count += 1;
      // Anew, so that the map begins with who failed longest ago.
      known.delete(client);
      known.set(client, failures);
      const [oldest] = known.keys();
      if (known.size > addressesMax && oldest !== undefined) known.delete(oldest);
      if (failures.count <= perMinute) return problem;
      if (failures.count === perMinute + 1) {
        log.warn(
          { event: 'client.limited', client_address: client, failures: perMinute, reason: problem.code },
          'an address fails too often; its failures of the next minute are not logged',
        );
      }
      return tooMany(failures);
    },
  };
}

/** An address, and of IPv6 the network of 64 bits, because whoever has one has all of its addresses. */
export function clientOf({ ip = '', socket }: Pick<Request, 'ip' | 'socket'>): string {
  // A trusted proxy passes on what the client sent it, which may be no address.
  const address = isIP(ip) === 0 ? (socket.remoteAddress ?? '') : ip;
  const [, mapped] = /^::ffff:([\d.]+)$/i.exec(address) ?? [];
  if (mapped !== undefined || isIP(address) !== 6) return mapped ?? address;
  const [before = [], after] = (address.split('%')[0] ?? '').split('::').map((part) => part.split(':').filter(Boolean));
  const zeros = after === undefined ? [] : Array.from({ length: 8 - before.length - after.length }, () => '0');
  const groups = [...before, ...zeros, ...(after ?? [])].slice(0, 4);
  return `${groups.map((group) => Number.parseInt(group, 16).toString(16)).join(':')}::/64`;
}
