import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { Writable } from 'node:stream';
import type { Express } from 'express';
import { SeamWebhook } from 'seam';
import request from 'supertest';
import { createDb, type Db } from '../../src/db/client.ts';
import { createHttpApp, type HttpDeps } from '../../src/http/app.ts';
import type { Part } from '../../src/http/health-routes.ts';
import { createLog } from '../../src/telemetry/log.ts';
import { createTestDatabase, type TestDatabase } from './database.ts';
import { otherWebhookSecret, type SignedDelivery, webhookSecret } from './sign.ts';

export const webhookPath = '/webhooks/seam';

/** The HTTP app on a database of its own, with all that it logged and woke. */
export class HttpAppUnderTest {
  readonly database: TestDatabase;
  readonly db: Db;
  lines: string[] = [];
  wakes = 0;
  parts: readonly Part[] = [];

  private constructor(database: TestDatabase) {
    this.database = database;
    this.db = createDb({ url: database.url });
  }

  static async start(): Promise<HttpAppUnderTest> {
    return new HttpAppUnderTest(await createTestDatabase());
  }

  async reset(): Promise<void> {
    await this.db.prisma.inboxEvent.deleteMany();
    this.lines = [];
    this.wakes = 0;
    this.parts = [{ name: 'pump', running: true }];
  }

  async close(): Promise<void> {
    await this.db.close();
    await this.database.drop();
  }

  on(db: Db, more: Partial<HttpDeps> = {}): Express {
    const destination = new Writable({
      write: (chunk, _encoding, done) => {
        this.lines.push(String(chunk));
        done();
      },
    });
    return createHttpApp({
      db,
      webhooks: [new SeamWebhook(otherWebhookSecret), new SeamWebhook(webhookSecret)],
      pump: {
        wake: () => {
          this.wakes += 1;
        },
      },
      parts: () => this.parts,
      api: null,
      now: () => new Date(),
      log: createLog({ level: 'trace', destination }),
      ...more,
    });
  }

  deliver({ body, headers }: { body: SignedDelivery['body']; headers: object }, db: Db = this.db): request.Test {
    return request(this.on(db))
      .post(webhookPath)
      .set({ 'content-type': 'application/json', ...headers })
      .send(body);
  }

  inbox() {
    return this.db.prisma.inboxEvent.findMany();
  }

  logged(): Record<string, unknown>[] {
    return this.lines.map((line) => JSON.parse(line));
  }

  /** The line of the first delivery. */
  received(): Record<string, unknown> | undefined {
    return this.logged().find(({ event }) => event === 'webhook.received');
  }
}

/** Stands between client and database, and stops passing bytes when told to, as a frozen host does. */
export async function startProxy(databaseUrl: string) {
  const target = new URL(databaseUrl);
  const sockets = new Set<Socket>();
  let hanging = false;
  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname);
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from);
      from.on('data', (chunk) => hanging || to.write(chunk));
      from.on('error', () => to.destroy());
      from.on('close', () => to.destroy());
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = new URL(databaseUrl);
  url.hostname = '127.0.0.1';
  url.port = String((server.address() as AddressInfo).port);
  return {
    url: url.href,
    hang: () => {
      hanging = true;
    },
    resume: () => {
      hanging = false;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
