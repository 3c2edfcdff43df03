// Under mutation testing each test runs for every change that it covers: properties are then tried on a few inputs only.
const isBrief = process.env['FEW_RUNS'] !== undefined;

/** How often a property is tried. */
export function runs(count: number): number {
  return isBrief ? Math.ceil(count / 25) : count;
}

/** What a long table is tried on: all of it, or a sample. */
export function sampled<Item>(all: readonly Item[]): readonly Item[] {
  return isBrief ? all.filter((_, index) => index % 40 === 7) : all;
}
