// Our side of `ack`: the real app and server with the settings of the service, logging each delivery to a file.

import pino from 'pino';
import { SeamWebhook } from 'seam';
import { createDb } from '../../src/db/client.ts';
import { createHttpApp, createHttpServer } from '../../src/http/app.ts';
import { createLog } from '../../src/telemetry/log.ts';
import { serveBench } from './ack-child.ts';

await serveBench(({ databaseUrl, secret, logFile }) => {
  const log = createLog({ level: 'info', destination: pino.destination({ dest: logFile, sync: true }) });
  const app = createHttpApp({
    db: createDb({ url: databaseUrl }),
    webhooks: [new SeamWebhook(secret)],
    pump: { wake: () => undefined },
    api: null,
    parts: () => [],
    now: () => new Date(),
    log,
  });
  return createHttpServer(app).listen(0, '127.0.0.1');
});
