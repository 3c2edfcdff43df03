import type { Window } from './windows.ts';

/** A window that goes (no `after`), comes (no `before`) or changes. */
export interface WindowChange {
  readonly before: Window | undefined;
  readonly after: Window | undefined;
}

/** What becomes of windows, by time. One that goes while another comes that overlaps it is one that changes. */
export function windowChanges(appearing: readonly Window[], vanishing: readonly Window[]): WindowChange[] {
  const came = new Set(appearing);
  const told = vanishing.map((before) => {
    const after = [...came].find((one) => one.startsAt < before.endsAt && one.endsAt > before.startsAt);
    if (after !== undefined) came.delete(after);
    return { at: before.startsAt, before, after };
  });
  const all = [...told, ...[...came].map((after) => ({ at: after.startsAt, before: undefined, after }))];
  return all.sort((a, b) => a.at.getTime() - b.at.getTime()).map(({ before, after }) => ({ before, after }));
}
