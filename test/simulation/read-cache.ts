// What people change rarely is read for every plan: half of all ways to the database and back. It is read from memory until
// something writes it, whoever does.

/** Models that are kept, what writes of them look like, and the column by which each names the row that people change. */
const groups: Readonly<Record<string, { models: Readonly<Record<string, string | null>>; tables: RegExp }>> = {
  schedule: {
    models: {
      schedule: 'id',
      scheduleDevice: 'scheduleId',
      scheduleRule: 'scheduleId',
      scheduleHolidayList: 'scheduleId',
      holidayList: null,
    },
    tables: /\b(update|insert into|delete from)\s+"?(schedules|schedule_|holiday_)/i,
  },
  device: { models: { device: 'id' }, tables: /\b(update|insert into|delete from)\s+"?devices/i },
  seamLine: { models: { seamLine: null }, tables: /\b(update|insert into|delete from)\s+"?seam_line/i },
  doorBlackouts: { models: { doorBlackouts: null }, tables: /\b(update|insert into|delete from)\s+"?door_blackouts/i },
};

/** A write of what is kept: whose rows; null: anybody's. */
export interface Write {
  readonly group: string;
  readonly ids: ReadonlySet<string> | null;
}

interface Kept {
  readonly ids: ReadonlySet<string> | null;
  readonly result: unknown;
}

export class ReadCache {
  /** Of one database, for all processes that use it: results by group, those of a write taken out by replacing all of them. */
  readonly #results = new Map<string, Map<string, Kept>>();

  clear(writes: Iterable<Write>): void {
    for (const { group, ids } of writes) {
      const results = this.#results.get(group);
      if (results === undefined) continue;
      const others = [...results].filter(
        ([, kept]) => ids !== null && kept.ids !== null && ids.isDisjointFrom(kept.ids),
      );
      this.#results.set(group, new Map(others));
    }
  }

  clearAll(): void {
    this.#results.clear();
  }

  async read(model: string, method: string, args: readonly unknown[], load: () => Promise<unknown>): Promise<unknown> {
    if (!(model in groups) || !method.startsWith('find')) return load();
    const results = this.#results.get(model) ?? new Map<string, Kept>();
    this.#results.set(model, results);
    const key = `${method} ${JSON.stringify(args)}`;
    const kept = results.get(key);
    if (kept !== undefined) return kept.result;
    const result = await load();
    // Into a map that was replaced meanwhile it comes in vain.
    results.set(key, { ids: idsOf(groups[model]?.models[model] ?? null, args), result });
    return result;
  }
}

interface Call {
  readonly where?: object;
  readonly data?: object;
}

/** What the condition of a call, or else each row that it adds, names in this column; null where that is not certain. */
function idsOf(column: string | null, [arg]: readonly unknown[]): ReadonlySet<string> | null {
  if (column === null || typeof arg !== 'object' || arg === null) return null;
  const { where, data } = arg as Call;
  const named = [where ?? data ?? []].flat().flatMap((row): unknown => Reflect.get(row, column) ?? [null]);
  const ids = named.flatMap((value) =>
    typeof value === 'object' && value !== null && 'in' in value ? (value.in as unknown) : value,
  );
  return ids.every((id) => typeof id === 'string') ? new Set(ids) : null;
}

/** The model of a raw statement that reads nothing but its table, and locks nothing; null for any other. */
export function rawReadOf([sql]: readonly unknown[]): string | null {
  return Array.isArray(sql) && /^\s*select [^()]* from seam_line\s*$/.test(sql.join('?')) ? 'seamLine' : null;
}

/** What a call of a model writes of what is kept. */
export function writesOf(model: string, method: string, args: readonly unknown[]): Write[] {
  if (method.startsWith('find')) return [];
  return Object.entries(groups).flatMap(([group, { models }]) =>
    model in models ? { group, ids: idsOf(models[model] ?? null, args) } : [],
  );
}

/** What a raw statement writes of it. */
export function rawWritesOf([sql]: readonly unknown[]): Write[] {
  if (!Array.isArray(sql)) return [];
  const text = sql.join('?');
  return Object.entries(groups).flatMap(([group, { tables }]) => (tables.test(text) ? { group, ids: null } : []));
}
