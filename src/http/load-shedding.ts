// More than can be done at once is refused while refusing still costs nothing. Nothing is lost by it: Seam sends again what is
// not acknowledged, and the reconciler reads the events anyway.
import type { RequestHandler, Response } from 'express';
import type { Log } from '../telemetry/log.ts';
import { Problem } from './problem.ts';

/** What is bounded apart from others, so that a storm of one kind leaves the other kinds alone. */
export interface LoadBound {
  /** As the log names it. */
  readonly kind: string;
  /** How many are worked on at once; whatever is slow (database, event loop, memory) lets them pile up. */
  readonly requestsMax: number;
  /** How many bytes of bodies are held at once, read or being read. */
  readonly bodyBytesMax: number;
}

export interface LoadShedding {
  /**
   * Before a body is read. Counts what has arrived, not what was announced: an announcement costs a sender nothing, and must take
   * nothing from others. Beyond the bound it is refused before it is read, or cut off where it was begun.
   */
  readonly body: RequestHandler;
  /** After a body is read: whoever sends one slowly takes no place from others. */
  readonly work: RequestHandler;
}

/** What a refusal by load is called; a line of the log tells of many. */
export const overloaded = 'overloaded';

const toldEveryMs = 10_000;

export function createLoadShedding({ kind, requestsMax, bodyBytesMax }: LoadBound, log: Log): LoadShedding {
  let requests = 0;
  let bodyBytes = 0;
  let toldMs = Number.NEGATIVE_INFINITY;
  const shed = (): Problem => {
    if (performance.now() - toldMs > toldEveryMs) {
      toldMs = performance.now();
      log.error({ event: 'load.shed', kind, requests, body_bytes: bodyBytes }, 'more requests than can be served');
    }
    const detail = 'Nothing was done; send it again.';
    const headers = { 'retry-after': '2' };
    return new Problem(503, overloaded, 'There is more to do than can be done at once.', { detail, headers });
  };
  return {
    body(req, res, next) {
      if (bodyBytes >= bodyBytesMax) return next(shed());
      let own = 0;
      req.on('data', (bytes: Buffer) => {
        own += bytes.length;
        bodyBytes += bytes.length;
        if (bodyBytes <= bodyBytesMax) return;
        shed();
        req.destroy();
      });
      whenOver(res, () => {
        bodyBytes -= own;
        own = 0;
      });
      next();
    },
    work(_req, res, next) {
      if (requests >= requestsMax) return next(shed());
      requests += 1;
      whenOver(res, () => {
        requests -= 1;
      });
      next();
    },
  };
}

/** Once, when it is answered or nobody waits for the answer any more. */
function whenOver(res: Response, then: () => void): void {
  res.once('close', then);
}
