// The real database, each of whose calls is a point at which a process may die. A transaction that is struck is rolled back by
// Postgres itself; one that is struck after its commit is committed, and nobody is told.
import type pg from 'pg';
import type { Db, Tx } from '../../src/db/client.ts';
import type { CrashPoints } from './crash-points.ts';
import { type ReadCache, rawReadOf, rawWritesOf, type Write, writesOf } from './read-cache.ts';

type Call = (...args: unknown[]) => Promise<unknown>;

/** A database as one process sees it. */
export interface FaultyDatabase extends Db {
  /** Its connections are broken: locks that they hold are gone, and those are told who lent them. */
  breakConnections(): Promise<void>;
}

/** @param newId draws the ids of rows, which would differ from run to run */
export function faultyDatabase(db: Db, points: CrashPoints, cache: ReadCache, newId: () => string): FaultyDatabase {
  const lent = new Set<pg.PoolClient>();
  const breakConnections = async (): Promise<void> => {
    for (const client of lent) await client.query('select pg_advisory_unlock_all()');
  };
  return {
    prisma: faultyPrisma(db.prisma, { points, cache, newId, writes: null }),
    pool: faultyPool(db.pool, points, lent),
    pools: () => db.pools(),
    close: () => Promise.resolve(),
    breakConnections,
  };
}

function faultyPool(pool: Db['pool'], points: CrashPoints, lent: Set<pg.PoolClient>): Db['pool'] {
  return new Proxy(pool, {
    get(target, name, receiver) {
      if (name === 'connect') {
        return async () => {
          let client: pg.PoolClient | undefined;
          try {
            return await points.pass('pool.connect', 'postgres', async () => {
              client = await target.connect();
              return faultyClient(client, points, lent);
            });
          } catch (error) {
            if (client !== undefined) giveBack(client, lent);
            throw error;
          }
        };
      }
      if (name !== 'query') return Reflect.get(target, name, receiver);
      const query = target.query.bind(target) as Call;
      return (...args: unknown[]) => points.pass('pool.query', 'postgres', () => query(...args));
    },
  });
}

function giveBack(client: pg.PoolClient, lent: Set<pg.PoolClient>): void {
  lent.delete(client);
  client.release();
}

/** A connection that is lent for longer. What it holds goes when it is given back broken, as if it were closed. */
function faultyClient(client: pg.PoolClient, points: CrashPoints, lent: Set<pg.PoolClient>): pg.PoolClient {
  lent.add(client);
  return new Proxy(client, {
    get(target, name, receiver) {
      if (name === 'release') {
        return (isBroken: boolean) => {
          const freed = isBroken ? client.query('select pg_advisory_unlock_all()') : Promise.resolve();
          void freed.then(() => giveBack(client, lent));
        };
      }
      if (name !== 'query') {
        const member: unknown = Reflect.get(target, name, receiver);
        return typeof member === 'function' ? member.bind(target) : member;
      }
      const query = target.query.bind(target) as Call;
      return (...args: unknown[]) => points.pass('client.query', 'postgres', () => query(...args));
    },
  });
}

interface Ways {
  readonly points: CrashPoints;
  readonly newId: () => string;
  readonly cache: ReadCache;
  /** In a transaction: what was written of what is kept. */
  readonly writes: Write[] | null;
}

function faultyPrisma(prisma: Db['prisma'], ways: Ways): Db['prisma'] {
  return new Proxy(prisma, {
    get(target, name) {
      if (name === '$transaction') return faultyTransaction(target, ways);
      return faultyMember(target, name, ways);
    },
  });
}

function faultyTransaction(prisma: Db['prisma'], { points, newId, cache }: Ways) {
  return (body: (tx: Tx) => Promise<unknown>, options?: { timeout?: number; maxWait?: number }) =>
    points.pass('commit', 'postgres', async () => {
      const ways: Ways = { points, newId, cache, writes: [] };
      try {
        return await prisma.$transaction(
          (tx) => body(new Proxy(tx, { get: (target, name) => faultyMember(target, name, ways) })),
          options,
        );
      } finally {
        cache.clear(ways.writes ?? []);
      }
    });
}

/** A model, whose methods are calls, or a raw query. */
function faultyMember(owner: object, name: string | symbol, ways: Ways): unknown {
  const { points, newId, cache, writes } = ways;
  const member: unknown = Reflect.get(owner, name);
  const noteWrites = (written: readonly Write[]): void => {
    if (writes === null) cache.clear(written);
    else writes.push(...written);
  };
  if (typeof member === 'function') {
    const call = member as Call;
    return (...args: unknown[]) =>
      points.pass(String(name), 'postgres', async () => {
        const run = async (): Promise<unknown> => Reflect.apply(call, owner, args);
        const model = writes === null ? rawReadOf(args) : null;
        const result = await (model === null ? run() : cache.read(model, 'find', args, run));
        noteWrites(rawWritesOf(args));
        return result;
      });
  }
  if (typeof member !== 'object' || member === null || typeof name === 'symbol') return member;
  return new Proxy(member, {
    get(model, property) {
      const call: unknown = Reflect.get(model, property);
      if (typeof call !== 'function') return call;
      const method = String(property);
      const isInsert = drawnIds.has(name) && method.startsWith('create');
      return (...args: unknown[]) => {
        const passed = isInsert ? args.map((arg) => withIds(arg as InsertArg, newId)) : args;
        const run = async (): Promise<unknown> => Reflect.apply(call as Call, model, passed);
        return points.pass(`${name}.${method}`, 'postgres', async () => {
          const result = await (writes === null ? cache.read(name, method, passed, run) : run());
          noteWrites(writesOf(name, method, passed));
          return result;
        });
      };
    },
  });
}

/** Models whose ids the database's client would draw. */
const drawnIds: ReadonlySet<string> = new Set(['accessCode', 'schedule']);

interface InsertArg {
  readonly data: object | readonly object[];
}

function withIds(arg: InsertArg, newId: () => string): InsertArg {
  const named = (row: object): object => ({ id: newId(), ...row });
  return { ...arg, data: Array.isArray(arg.data) ? arg.data.map(named) : named(arg.data) };
}
