// How large a request may be beside its body. What a server does not bound costs it what senders like.
import { createServer, type Server } from 'node:http';
import type { Express, RequestHandler } from 'express';
import { Problem } from './problem.ts';

const urlLengthMax = 4_096;

/**
 * An HTTP server that cuts slow senders and readers: by Node's defaults, one that sends a byte now and then holds a socket for
 * minutes, and one that reads nothing holds it for ever.
 */
export function createHttpServer(app: Express): Server {
  const server = createServer(
    { headersTimeout: 5_000, requestTimeout: 10_000, connectionsCheckingInterval: 1_000, maxHeaderSize: 16_384 },
    app,
  );
  // Longer than a proxy keeps its side open (60 s is common), or it sends into a socket that is just being closed.
  server.keepAliveTimeout = 65_000;
  // Without a byte in either direction.
  server.timeout = 30_000;
  server.maxHeadersCount = 100;
  server.maxConnections = 2_000;
  return server;
}

/** Refuses an address that is longer than any here, and two hosts, of which a proxy may have looked at the other (RFC 9112 §3.2). */
export const requestLimits: RequestHandler = (req, _res, next) => {
  if (req.url.length > urlLengthMax)
    return next(new Problem(414, 'url_too_long', `The address is longer than ${urlLengthMax} characters.`));
  const hosts = req.rawHeaders.filter((name, at) => at % 2 === 0 && name.toLowerCase() === 'host');
  if (hosts.length > 1) return next(new Problem(400, 'host_repeated', 'The header Host is there twice.'));
  next();
};
