// Finds what somebody meant who wrote a name wrongly.

const synonyms: ReadonlyMap<string, string> = new Map([
  ['device', 'devices'],
  ['device_id', 'devices'],
  ['device_ids', 'devices'],
  ['doors', 'devices'],
  ['label', 'name'],
  ['tz', 'timezone'],
  ['zone', 'timezone'],
  ['start', 'from'],
  ['end', 'to'],
  ['until', 'ends_on'],
  ['code', 'pin'],
  ['rule', 'rrule'],
  ['rules', 'windows'],
  ['exceptions', 'except'],
  ['exdates', 'except'],
]);

/** Longer than any name that somebody mistypes; the distance of a whole text from each name would take minutes. */
const wrongMax = 100;

/** The known name closest to a wrong one, or null when none is close. */
export function nearest(wrong: string, known: readonly string[]): string | null {
  if (wrong.length > wrongMax) return null;
  const lower = wrong.toLowerCase().replaceAll(/[\s-]/g, '_');
  const meant = synonyms.get(lower) ?? lower;
  if (known.includes(meant)) return meant;
  const allowed = Math.max(1, Math.floor(lower.length / 3));
  const [best] = known
    .map((name) => ({ name, distance: editDistance(lower, name.toLowerCase()) }))
    .filter(({ distance }) => distance <= allowed)
    .sort((a, b) => a.distance - b.distance);
  return best?.name ?? null;
}

// Levenshtein's distance, row by row.
function editDistance(left: string, right: string): number {
  let row = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (const [index, character] of [...left].entries()) {
    const next = [index + 1];
    for (const [column, other] of [...right].entries()) {
      const replaced = (row[column] ?? 0) + (character === other ? 0 : 1);
      next.push(Math.min(replaced, (row[column + 1] ?? 0) + 1, (next[column] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
