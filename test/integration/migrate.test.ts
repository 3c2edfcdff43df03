import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PrismaPg } from '@prisma/adapter-pg';
import { bindMigrationAwareSqlAdapterFactory, ColumnTypeEnum, type SqlResultSet } from '@prisma/driver-adapter-utils';
import { type MigrationList, SchemaEngine } from '@prisma/schema-engine-wasm';
import pg from 'pg';
import { PgBoss } from 'pg-boss';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { migrate } from '../../src/db/migrate.ts';
import { queueSchema } from '../../src/db/queue.ts';
import { migrateDatabase } from '../../src/deps.ts';
import { createLog } from '../../src/telemetry/log.ts';
import { createEmptyDatabase, createTestDatabase, type TestDatabase } from '../support/database.ts';

const realMigrations = fileURLToPath(new URL('../../prisma/migrations', import.meta.url));

let database: TestDatabase;
let folder: string;

beforeEach(async () => {
  database = await createEmptyDatabase();
  folder = await mkdtemp(join(tmpdir(), 'relatch-migrations-'));
});

afterEach(async () => {
  await database.drop();
  await rm(folder, { recursive: true });
});

async function write(name: string, sql: string): Promise<void> {
  await mkdir(join(folder, name), { recursive: true });
  await writeFile(join(folder, name, 'migration.sql'), sql);
}

async function query<Row extends pg.QueryResultRow>(sql: string, url = database.url): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Row>(sql)).rows;
  } finally {
    await client.end();
  }
}

interface HistoryRow {
  readonly id: string;
  readonly checksum: string;
  readonly migration_name: string;
  readonly started_at: Date;
  readonly finished_at: Date | null;
  readonly rolled_back_at: Date | null;
  readonly logs: string | null;
  readonly applied_steps_count: number;
}

const history = () => query<HistoryRow>('SELECT * FROM _prisma_migrations ORDER BY started_at');
const run = (options: { waitMs?: number } = {}) =>
  migrate({ databaseUrl: database.url, migrationsDir: folder, ...options });
const runReal = () => migrate({ databaseUrl: database.url, migrationsDir: realMigrations });

async function realNames(): Promise<string[]> {
  const entries = await readdir(realMigrations, { withFileTypes: true });
  return entries.flatMap((entry) => (entry.isDirectory() ? [entry.name] : [])).sort();
}

describe('migrating', () => {
  it('applies every migration to an empty database once, and pg-boss with them', async () => {
    expect(await runReal()).toEqual({ applied: await realNames(), newerInDatabase: [] });
    const before = await history();
    for (const row of before) {
      const file = await readFile(join(realMigrations, row.migration_name, 'migration.sql'));
      expect(row).toMatchObject({ applied_steps_count: 1, rolled_back_at: null, logs: null });
      expect(row.checksum).toBe(createHash('sha256').update(file).digest('hex'));
      expect(row.finished_at?.getTime()).toBeGreaterThanOrEqual(row.started_at.getTime());
    }

    expect(await runReal()).toEqual({ applied: [], newerInDatabase: [] });
    expect(await history()).toEqual(before);

    const boss = new PgBoss({ connectionString: database.url, schema: queueSchema, migrate: false, supervise: false });
    await boss.start(); // refuses a schema that is not up to date
    expect((await boss.detectSchemaDrift()).ok).toBe(true);
    await boss.stop({ graceful: false });
  });

  it('gives up, with the way out, where the database takes the connection and says nothing', async () => {
    const silent = createServer(() => undefined).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    const log = createLog({ level: 'silent' });
    await expect(migrateDatabase(`postgresql://nobody@127.0.0.1:${port}/none`, log)).rejects.toMatchObject({
      name: 'UserError',
      message: expect.stringMatching(
        /^The database that DATABASE_URL names cannot be used \(timeout expired\)\. Check /,
      ),
    });
    silent.close();
  });

  it('happens once when five processes start together', async () => {
    const reports = await Promise.all(Array.from({ length: 5 }, runReal));
    expect(reports.flatMap((report) => report.applied)).toEqual(await realNames());
    expect((await history()).map((row) => row.migration_name)).toEqual(await realNames());
  });

  it('runs in the order of the names and goes on from where it was', async () => {
    await write('2_second', 'ALTER TABLE door ADD label text;');
    await write('1_first', 'CREATE TABLE door (id int); -- two statements\nINSERT INTO door VALUES (1);');
    expect((await run()).applied).toEqual(['1_first', '2_second']);
    await write('3_third', 'ALTER TABLE door ADD code text;');
    expect((await run()).applied).toEqual(['3_third']);
    expect(await query('SELECT * FROM door')).toEqual([{ id: 1, label: null, code: null }]);
  });

  it('stops at a migration that was edited after it had been applied, but not at other line ends', async () => {
    await write('1_first', 'CREATE TABLE door (\n  id int\n);\n');
    await run();
    await write('1_first', 'CREATE TABLE door (\r\n  id int\r\n);\r\n');
    expect((await run()).applied).toEqual([]);
    await write('1_first', 'CREATE TABLE door (\n  id bigint\n);\n');
    await expect(run()).rejects.toMatchObject({
      code: 'migration_edited',
      message: expect.stringMatching(/1_first was changed .* put its file back/),
    });
  });

  it('undoes a migration that fails, says why, and stays stopped until somebody has decided', async () => {
    await write('1_first', 'CREATE TABLE door (id int);');
    await write('2_broken', 'CREATE TABLE half (id int); INSERT INTO nowhere VALUES (1);');
    await write('3_third', 'CREATE TABLE third (id int);');
    const broken = { code: 'migration_failed', message: expect.stringContaining('relation "nowhere" does not exist') };
    await expect(run()).rejects.toMatchObject(broken);
    expect(await history()).toMatchObject([
      { migration_name: '1_first', applied_steps_count: 1 },
      {
        migration_name: '2_broken',
        finished_at: null,
        applied_steps_count: 0,
        logs: expect.stringContaining('nowhere'),
      },
    ]);
    expect(await query("SELECT to_regclass('half') AS half, to_regclass('third') AS third")).toEqual([
      { half: null, third: null },
    ]);

    await write('2_broken', 'CREATE TABLE half (id int);');
    const stopped: unknown = await run().catch((error: unknown) => error);
    expect(stopped).toMatchObject({ code: 'migration_failed_before' });
    expect(String(stopped)).toMatch(/2_broken did not finish: .*"nowhere"/);

    const wayOut = /To run it again: (UPDATE .*? IS NULL)/.exec(String(stopped));
    await query(wayOut![1]!);
    expect((await run()).applied).toEqual(['2_broken', '3_third']);
    expect((await history()).map((row) => row.rolled_back_at !== null)).toEqual([false, true, false, false]);
  });

  it('records the failure of a migration that opened a transaction of its own', async () => {
    await write('1_broken', 'BEGIN; SELECT 1/0; COMMIT;');
    await expect(run()).rejects.toThrow(/division by zero/);
    expect((await history())[0]?.logs).toContain('division by zero');
  });

  it('stops at a migration that was interrupted', async () => {
    await write('1_first', 'CREATE TABLE door (id int);');
    await run();
    await query('UPDATE _prisma_migrations SET finished_at = NULL');
    await expect(run()).rejects.toThrow(/1_first did not finish: it was interrupted/);
  });

  it('tells of migrations that only a newer Relatch knows', async () => {
    await write('1_first', 'CREATE TABLE door (id int);');
    await write('2_second', 'CREATE TABLE lock (id int);');
    await run();
    await rm(join(folder, '2_second'), { recursive: true });
    expect(await run()).toEqual({ applied: [], newerInDatabase: ['2_second'] });
  });

  it("refuses a database that holds another program's tables", async () => {
    await query('CREATE TABLE theirs (id int)');
    await expect(runReal()).rejects.toThrow(/holds tables \(theirs\).* a database of its own/);
    expect(await query("SELECT to_regclass('_prisma_migrations') AS history")).toEqual([{ history: null }]);
  });

  it('gives up, in words, when another process holds the lock for too long', async () => {
    await write('1_first', 'CREATE TABLE door (id int);');
    const other = new pg.Client({ connectionString: database.url });
    await other.connect();
    await other.query('SELECT pg_advisory_lock(72707369)');
    await expect(run({ waitMs: 150 })).rejects.toThrow(/another process has been migrating/);
    const waiting = run();
    await other.end();
    expect((await waiting).applied).toEqual(['1_first']);
  });
});

describe("Prisma's own engine", () => {
  beforeAll(markChars);

  it('finds a database that migrate() made up to date, without drift', async () => {
    await runReal();
    await using clone = await createTestDatabase();
    for (const { url } of [database, clone]) {
      await using prisma = await openEngine(url);
      const { engine, migrationsList } = prisma;
      const diagnosis = await engine.diagnoseMigrationHistory({ migrationsList, optInToShadowDatabase: true, filters });
      expect(diagnosis).toMatchObject({ hasMigrationsTable: true, editedMigrationNames: [], failedMigrationNames: [] });
      expect(diagnosis.history ?? null).toBeNull();
      expect(await engine.devDiagnostic({ migrationsList, filters })).toEqual({ action: { tag: 'createMigration' } });
      expect(await engine.applyMigrations({ migrationsList, filters })).toEqual({ appliedMigrationNames: [] });
    }
  });

  it('keeps a history that migrate() goes on from, with the same columns', async () => {
    {
      await using prisma = await openEngine(database.url);
      const { migrationsList } = prisma;
      const done = await prisma.engine.applyMigrations({ migrationsList, filters });
      expect(done.appliedMigrationNames).toEqual(await realNames());
    }
    const [theirs] = await history();
    expect((await runReal()).applied).toEqual([]);

    const columns = `SELECT column_name, udt_name, character_maximum_length, is_nullable, column_default
      FROM information_schema.columns WHERE table_name = '_prisma_migrations' ORDER BY ordinal_position`;
    await using clone = await createTestDatabase();
    expect(await query(columns, clone.url)).toEqual(await query(columns));
    const [ours] = await query<HistoryRow>('SELECT * FROM _prisma_migrations ORDER BY started_at', clone.url);
    const volatile = { id: expect.any(String), started_at: expect.any(Date), finished_at: expect.any(Date) };
    expect(ours).toEqual({ ...theirs, ...volatile });
  });

  it('finds that the migrations make what schema.prisma describes', async () => {
    await using prisma = await openEngine(database.url);
    const path = fileURLToPath(new URL('../../prisma/schema.prisma', import.meta.url));
    const difference = await prisma.engine.diff({
      from: { tag: 'migrations', ...prisma.migrationsList },
      to: { tag: 'schemaDatamodel', files: [{ path, content: await readFile(path, 'utf8') }] },
      ...{ script: false, exitCode: true, filters },
    });
    expect(difference).toMatchObject({ exitCode: 0 });
  });

  it('notices an edit and a missing migration, so that its silence above means something', async () => {
    await cp(realMigrations, folder, { recursive: true });
    await run();
    const [first = ''] = await realNames();
    await writeFile(join(folder, first, 'migration.sql'), '-- edited\n', { flag: 'a' });
    await write('99999999999999_new', 'CREATE TABLE later (id int);');
    await query('CREATE TABLE drifted (id int)');
    await using prisma = await openEngine(database.url, folder);
    const { engine, migrationsList } = prisma;
    const diagnosis = await engine.diagnoseMigrationHistory({ migrationsList, optInToShadowDatabase: true, filters });
    expect(diagnosis.editedMigrationNames).toEqual([first]);
    expect(diagnosis.history).toMatchObject({ diagnostic: 'databaseIsBehind' });
    expect(await engine.devDiagnostic({ migrationsList, filters })).toMatchObject({ action: { tag: 'reset' } });
  });
});

const filters = { externalTables: [], externalEnums: [] };

interface Engine extends AsyncDisposable {
  readonly engine: SchemaEngine;
  readonly migrationsList: MigrationList;
}

/** What Prisma's command line runs, as WebAssembly, over the same driver. */
async function openEngine(url: string, migrationsDir = realMigrations): Promise<Engine> {
  const driver = new EnginePg(url);
  const factory = bindMigrationAwareSqlAdapterFactory(driver);
  const engine = await SchemaEngine.new({ datamodels: undefined }, () => undefined, factory);
  const names = (await readdir(migrationsDir, { withFileTypes: true })).filter((entry) => entry.isDirectory());
  const directories = names.map(async ({ name }) => ({
    path: name,
    migrationFile: {
      path: 'migration.sql',
      content: { tag: 'ok' as const, value: await readFile(join(migrationsDir, name, 'migration.sql'), 'utf8') },
    },
  }));
  const migrationsList: MigrationList = {
    baseDir: migrationsDir,
    lockfile: { path: 'migration_lock.toml', content: 'provider = "postgresql"\n' },
    shadowDbInitScript: '',
    migrationDirectories: (await Promise.all(directories)).sort((a, b) => (a.path < b.path ? -1 : 1)),
  };
  const close = async (): Promise<void> => {
    engine.free();
    await driver.close();
  };
  return { engine, migrationsList, [Symbol.asyncDispose]: close };
}

type Adapter = Awaited<ReturnType<PrismaPg['connect']>>;

/** Mends three things in the adapter that Prisma's own, native engine does not have. */
class EnginePg extends PrismaPg {
  readonly #opened: Adapter[] = [];

  override async connect(): Promise<Adapter> {
    const adapter = await super.connect();
    // It takes a script apart at every semicolon, those in comments and strings too.
    adapter.executeScript = async (script) => {
      await adapter.underlyingDriver().query(script);
    };
    const queryRaw = adapter.queryRaw.bind(adapter);
    adapter.queryRaw = async (request) => unmarkChars(await queryRaw(request));
    this.#opened.push(adapter);
    return adapter;
  }

  /** The engine leaves its connection open, and with it the lock that it took. */
  async close(): Promise<void> {
    for (const adapter of this.#opened) await adapter.dispose();
  }

  /** It drops its shadow database while it is still connected to it, which fails. */
  override async connectToShadowDb(): Promise<Adapter> {
    const shadow = await createEmptyDatabase();
    const adapter = await new EnginePg(shadow.url).connect();
    const dispose = adapter.dispose.bind(adapter);
    adapter.dispose = async () => {
      await dispose();
      await shadow.drop();
    };
    return adapter;
  }
}

// It refuses PostgreSQL's type "char", which the catalogue is full of: such a column passes it as text, with a mark.
const charMark = '\u0000char';
const oids = { char: 18, text: 25, charArray: 1002, textArray: 1009 };

function markChars(): void {
  const prototype: { addFields(fields: pg.FieldDef[]): void } = pg.Result.prototype as never;
  const addFields = prototype.addFields;
  prototype.addFields = function (fields) {
    for (const field of fields) {
      if (field.dataTypeID === oids.char) Object.assign(field, { dataTypeID: oids.text, name: field.name + charMark });
      if (field.dataTypeID === oids.charArray) field.dataTypeID = oids.textArray;
    }
    addFields.call(this, fields);
  };
}

function unmarkChars(result: SqlResultSet): SqlResultSet {
  const columnTypes = result.columnTypes.map((type, column) =>
    result.columnNames[column]?.endsWith(charMark) ? ColumnTypeEnum.Character : type,
  );
  return { ...result, columnTypes, columnNames: result.columnNames.map((name) => name.replace(charMark, '')) };
}
