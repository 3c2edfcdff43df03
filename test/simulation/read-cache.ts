// What people change rarely is read for every plan: half of all ways to the database and back. It is read from memory until
// something writes it, whoever does.

/** Models that are kept, and what they are read with. */
const groups: Readonly<Record<string, { models: readonly string[]; tables: RegExp }>> = {
  schedule: {
    models: ['schedule', 'scheduleDevice', 'scheduleRule', 'scheduleHolidayList', 'holidayList'],
    tables: /\b(update|insert into|delete from)\s+"?(schedules|schedule_|holiday_)/i,
  },
  device: { models: ['device'], tables: /\b(update|insert into|delete from)\s+"?devices/i },
  seamLine: { models: ['seamLine'], tables: /\b(update|insert into|delete from)\s+"?seam_line/i },
  doorBlackouts: { models: ['doorBlackouts'], tables: /\b(update|insert into|delete from)\s+"?door_blackouts/i },
};

export class ReadCache {
  /** Of one database, for all processes that use it: results by group, emptied by replacing them. */
  readonly #results = new Map<string, Map<string, unknown>>();

  clear(names: Iterable<string> = Object.keys(groups)): void {
    for (const name of names) this.#results.delete(name);
  }

  async read(model: string, method: string, args: readonly unknown[], load: () => Promise<unknown>): Promise<unknown> {
    if (!(model in groups) || !method.startsWith('find')) return load();
    const results = this.#results.get(model) ?? new Map<string, unknown>();
    this.#results.set(model, results);
    const key = `${method} ${JSON.stringify(args)}`;
    if (results.has(key)) return results.get(key);
    const result = await load();
    // Into a map that was emptied meanwhile it comes in vain.
    results.set(key, result);
    return result;
  }
}

/** The model of a raw statement that reads nothing but its table, and locks nothing; null for any other. */
export function rawReadOf([sql]: readonly unknown[]): string | null {
  return Array.isArray(sql) && /^\s*select [^()]* from seam_line\s*$/.test(sql.join('?')) ? 'seamLine' : null;
}

/** What a call of a model writes of what is kept. */
export function writesOf(model: string, method: string): string[] {
  if (method.startsWith('find')) return [];
  return Object.keys(groups).filter((name) => groups[name]?.models.includes(model));
}

/** What a raw statement writes of it. */
export function rawWritesOf([sql]: readonly unknown[]): string[] {
  if (!Array.isArray(sql)) return [];
  const text = sql.join('?');
  return Object.keys(groups).filter((name) => groups[name]?.tables.test(text));
}
