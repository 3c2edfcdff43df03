const rowsAtOnce = 1_000;

/**
 * Inserts rows in statements that stay below the limits of time and of parameters. Prisma would cut larger ones up by itself,
 * but send the pieces side by side, which a transaction's connection cannot.
 */
export async function inBatches<Row>(rows: readonly Row[], insert: (rows: Row[]) => Promise<unknown>): Promise<void> {
  for (let from = 0; from < rows.length; from += rowsAtOnce) await insert(rows.slice(from, from + rowsAtOnce));
}
