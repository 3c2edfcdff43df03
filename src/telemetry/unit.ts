// Which unit of work is under way: by its ids its log lines, its calls to Seam and the jobs that it sends are joined.
import { AsyncLocalStorage } from 'node:async_hooks';

/** Ids as they stand in log lines; never a PIN. */
export type UnitIds = Readonly<Record<string, string | number | undefined>>;

/** A unit of work. */
export interface Unit {
  readonly ids: UnitIds;
  /** When the report of a removal was received that led to this unit, until its replacement is asked for. */
  removalReceivedAt?: Date | undefined;
}

// Holds nothing by itself: what it answers belongs to the caller's own chain of awaits.
const units = new AsyncLocalStorage<Unit>();

/** Runs a unit of work, within the one that is under way. */
export function inUnit<T>(unit: Unit, work: () => T): T {
  return units.run({ ...unit, ids: { ...units.getStore()?.ids, ...unit.ids } }, work);
}

/** Runs what belongs to no unit, though one may have set it off. */
export function outsideUnits<T>(work: () => T): T {
  return units.run({ ids: {} }, work);
}

/** The unit under way; none outside of any. */
export function currentUnit(): Unit | undefined {
  return units.getStore();
}

/** Milliseconds since an instant of `performance.now()`, to the hundredth, as log lines and spans tell them. */
export function elapsedMs(startedMs: number): number {
  return Math.round((performance.now() - startedMs) * 100) / 100;
}
