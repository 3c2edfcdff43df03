// Local dates live in date columns, which Prisma gives as midnight in UTC.

/** A "YYYY-MM-DD" as Prisma wants it. */
export function dateColumn(text: string): Date {
  return new Date(`${text}T00:00:00Z`);
}

/** The "YYYY-MM-DD" that a date column holds. */
export function localDateText(date: Date): string {
  return date.toISOString().slice(0, 10);
}
