// Where a person may stand by name, and how the name is taken out. What was done and why stays.
import type { Tx } from './client.ts';

/** Stands where a name was. */
export const erased = '[erased]';

/** A schedule of a person, as far as erasing looks at it. */
export interface HeldSchedule {
  readonly id: string;
  readonly key: string;
  readonly name: string;
  readonly holder: string | null;
  readonly status: 'active' | 'paused' | 'ended';
  /** Codes that are not proved gone. */
  readonly openCodes: number;
}

/** Schedules whose holder is called so, whatever the case, or the one with this key; locked against changes. */
export async function lockHeldSchedules(tx: Tx, by: { holder: string } | { key: string }): Promise<HeldSchedule[]> {
  const holder = 'holder' in by ? by.holder : null;
  const key = 'key' in by ? by.key : null;
  return tx.$queryRaw<HeldSchedule[]>`
    select s.id, s.key, s.name, s.holder, s.status::text as status,
           (select count(*)::int from access_codes c where c.schedule_id = s.id and c.next_try_at is not null) as "openCodes"
      from schedules s
     where lower(s.holder) = lower(${holder}) or s.key = ${key}
     order by s.key
       for no key update of s`;
}

/** Keys of other schedules that are called by this name or hold it in their key, and holiday lists that do. */
export async function keysNaming(tx: Tx, name: string): Promise<string[]> {
  const rows = await tx.$queryRaw<{ key: string }[]>`
    select key from schedules where concat_ws(' ', key, replace(replace(key, '-', ' '), '_', ' '), name) ~* ${patternOf(name)}
     union all
    select 'holiday list ' || name from holiday_lists
     where concat_ws(' ', name, replace(replace(name, '-', ' '), '_', ' ')) ~* ${patternOf(name)}
     order by 1`;
  return rows.map(({ key }) => key);
}

/** Ids of devices that Seam calls by this name, as far as we know. */
export async function devicesNaming(tx: Tx, name: string): Promise<string[]> {
  const rows = await tx.$queryRaw<
    { id: string }[]
  >`select id from devices where name ~* ${patternOf(name)} order by id`;
  return rows.map(({ id }) => id);
}

/** Takes holder, PINs, and the name wherever words hold it, out of a schedule and its codes. */
export async function eraseSchedule(tx: Tx, { id, holder }: HeldSchedule): Promise<void> {
  const pattern = patternOf(holder ?? '');
  await tx.$executeRaw`
    update schedules set holder = null, pin_ciphertext = null, pin_key_id = null, version = version + 1,
           name = regexp_replace(name, ${pattern}, ${erased}, 'gi'),
           blackouts = regexp_replace(blackouts::text, ${pattern}, ${erased}, 'gi')::jsonb
     where id = ${id}::uuid`;
  await tx.scheduleDevice.updateMany({ where: { scheduleId: id }, data: { pinCiphertext: null, pinKeyId: null } });
  await tx.accessCode.updateMany({
    where: { scheduleId: id, pinKeyId: { not: null } },
    data: { pinCiphertext: null, pinKeyId: null },
  });
}

/** A table with words in it, and the columns that may hold a name; each is paged by its key. */
const wordy = {
  history: { key: 'id', cast: 'bigint', first: '0', text: ['message'], json: ['detail'] },
  alerts: { key: 'id', cast: 'uuid', first: '00000000-0000-0000-0000-000000000000', text: ['message'], json: [] },
  dead_letters: {
    key: 'id',
    cast: 'uuid',
    first: '00000000-0000-0000-0000-000000000000',
    text: ['error_message', 'settled_because'],
    json: [],
  },
  access_codes: { key: 'id', cast: 'uuid', first: '00000000-0000-0000-0000-000000000000', text: ['reason'], json: [] },
  inbox: { key: 'key', cast: 'text', first: '', text: ['reason'], json: ['payload'] },
  door_blackouts: { key: 'device_id', cast: 'text', first: '', text: [], json: ['blackouts'] },
  // Of other people's schedules as well. Labels are left: codes bear them on the locks.
  schedules: { key: 'id', cast: 'uuid', first: '00000000-0000-0000-0000-000000000000', text: [], json: ['blackouts'] },
  webhook_messages: {
    key: 'id',
    cast: 'uuid',
    first: '00000000-0000-0000-0000-000000000000',
    text: [],
    json: ['payload'],
  },
  devices: { key: 'id', cast: 'text', first: '', text: ['name'], json: [] },
  // What the last attempts of jobs said, kept for a day; their data are ids.
  'pgboss.job': {
    key: 'id',
    cast: 'uuid',
    first: '00000000-0000-0000-0000-000000000000',
    text: [],
    json: ['output', 'source_output'],
  },
} as const;

export type WordyTable = keyof typeof wordy;
export const wordyTables = Object.keys(wordy) as readonly WordyTable[];

/** Takes a name out of the words of up to `pageSize` rows after `after`; answers with the last row looked at, null at the end. */
export async function eraseWords(
  tx: Tx,
  table: WordyTable,
  name: string,
  page: { after: string | null; pageSize: number },
): Promise<{ erased: number; last: string | null }> {
  const { key, cast, first, text, json } = wordy[table];
  const words = [...text, ...json.map((column) => `${column}::text`)];
  const changes = [
    ...text.map((column) => `${column} = regexp_replace(${column}, $2, '${erased}', 'gi')`),
    ...json.map((column) => `${column} = regexp_replace(${column}::text, $2, '${erased}', 'gi')::jsonb`),
  ];
  // Names of tables and columns come from the list above.
  const [row] = await tx.$queryRawUnsafe<{ rows: number; last: string | null; erased: number }[]>(
    `with page as (select ${key} as k from ${table} where ${key} > $1::${cast} order by ${key} limit ${page.pageSize}),
          changed as (update ${table} t set ${changes.join(', ')} from page
                       where t.${key} = page.k and concat_ws(' ', ${words.map((word) => `t.${word}`).join(', ')}) ~* $2 returning 1)
     select (select count(*)::int from page) as rows, (select k::text from page order by k desc limit 1) as last,
            (select count(*)::int from changed) as erased`,
    page.after ?? first,
    patternOf(name),
  );
  if (row === undefined) throw new Error('a query without from answers one row');
  return { erased: row.erased, last: row.rows < page.pageSize ? null : row.last };
}

/** A regular expression of PostgreSQL for a name as a word of its own, also as JSON writes it; for nothing where it is empty. */
function patternOf(name: string): string {
  if (name.trim() === '') return '(?!)';
  const plain = escaped(name);
  const inJson = escaped(JSON.stringify(name).slice(1, -1));
  return `(?<![[:alnum:]])(?:${plain === inJson ? plain : `${inJson}|${plain}`})(?![[:alnum:]])`;
}

function escaped(text: string): string {
  return text.replaceAll(/[^\p{L}\p{N}\s]/gu, (character) => `\\${character}`);
}
