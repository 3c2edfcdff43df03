import { PrismaPg } from '@prisma/adapter-pg';
import pg from 'pg';
import { z } from 'zod';
import { type Prisma, PrismaClient } from './generated/client.ts';

/** A transaction, or the client itself where a single statement needs none. */
export type Tx = Prisma.TransactionClient;

/** Two ways into one database, each with connections of its own: a storm of jobs must not keep a delivery waiting. */
export interface Db {
  /** For the model. */
  readonly prisma: PrismaClient;
  /** For the statement that acknowledges a delivery, whose cost is felt. */
  readonly pool: pg.Pool;
  /** How busy the connections are. */
  pools(): { pool: string; total: number; idle: number; waiting: number }[];
  close(): Promise<void>;
}

// A database that hangs must become an answer to the sender within 3 s, and an error here before that.
const connectTimeoutMs = 2_000;
const statementTimeoutMs = 2_500;

/** How many connections a `Db` may hold at most, for the model and for the statements beside it. */
export const dbConnections = { model: 10, delivery: 8 };

/** Connects lazily: nothing happens before the first statement. */
export function createDb(options: {
  url: string;
  onError?: (error: Error) => void;
  connections?: typeof dbConnections;
}): Db {
  const connections = options.connections ?? dbConnections;
  const createPool = (max: number): pg.Pool => {
    const pool = new pg.Pool({
      connectionString: options.url,
      max,
      connectionTimeoutMillis: connectTimeoutMs,
      query_timeout: statementTimeoutMs,
      statement_timeout: statementTimeoutMs,
      application_name: 'relatch',
      keepAlive: true,
      // Prisma's adapter cuts the offset off each instant, and takes what is left for UTC.
      onConnect: async (client) => {
        await client.query("set time zone 'UTC'");
      },
    });
    // An idle connection that breaks is replaced by the pool; without a listener it would end the process.
    pool.on('error', (error) => options.onError?.(error));
    return pool;
  };
  const pool = createPool(connections.delivery);
  const modelPool = createPool(connections.model);
  const prisma = new PrismaClient({
    adapter: new PrismaPg(modelPool, { statementNameGenerator: ({ sql }) => preparedName(sql) }),
    // Otherwise every call takes a stack trace, so that an error can quote the caller's source.
    errorFormat: 'minimal',
    transactionOptions: { maxWait: connectTimeoutMs, timeout: 10_000 },
  });
  return {
    prisma,
    pool,
    pools: () =>
      Object.entries({ model: modelPool, delivery: pool }).map(([name, { totalCount, idleCount, waitingCount }]) => {
        return { pool: name, total: totalCount, idle: idleCount, waiting: waitingCount };
      }),
    async close() {
      await prisma.$disconnect();
      await Promise.all([modelPool.end(), pool.end()]);
    },
  };
}

/** Writes within a transaction, looks at what came of it, and takes it back. */
export async function takenBack<Seen>(tx: Tx, work: () => Promise<Seen>): Promise<Seen> {
  await tx.$executeRaw`savepoint taken_back`;
  const seen = await work();
  await tx.$executeRaw`rollback to savepoint taken_back`;
  return seen;
}

// Of Prisma: not reached, timed out, closed, no connection or transaction in time. Of PostgreSQL: it stops, starts, or has no
// connection left. Of pg, which gives none: by its words.
const awayCodes = new Set(['P1001', 'P1002', 'P1008', 'P1017', 'P2024', 'P2028', '57P01', '57P02', '57P03', '53300']);
const awayKinds = new Set(['DatabaseNotReachable', 'ConnectionClosed', 'SocketTimeout']);
const awayWords = /^(Query read timeout|Connection terminated|timeout expired|timeout exceeded when trying to connect)/;

// Where Prisma has no code of its own, as for SQL of ours, only the adapter says what it was.
const DriverFailure = z.object({
  meta: z.object({
    driverAdapterError: z.object({ cause: z.object({ kind: z.string(), originalCode: z.string().optional() }) }),
  }),
});

/** Whether the database did not answer, so that the same may be asked again later. Whether it was done is not known. */
export function isDatabaseAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code: unknown = Reflect.get(error, 'code');
  if ((typeof code === 'string' && awayCodes.has(code)) || awayWords.test(error.message)) return true;
  const driver = DriverFailure.safeParse(error).data?.meta.driverAdapterError.cause;
  return driver !== undefined && (awayKinds.has(driver.kind) || awayCodes.has(driver.originalCode ?? ''));
}

// Prepared statements halve Postgres' work for Prisma's long SQL; names are handed out once per text, bounded.
const preparedNames = new Map<string, string>();
const maxPreparedNames = 500;

function preparedName(sql: string): string {
  const known = preparedNames.get(sql);
  if (known !== undefined) return known;
  if (preparedNames.size >= maxPreparedNames) return '';
  const name = `relatch_${preparedNames.size}`;
  preparedNames.set(sql, name);
  return name;
}
