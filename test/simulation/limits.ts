// Faults that the service does not stand yet. Each is off until what it waits for is there.

export interface Limits {
  /**
   * A lock leaves the account and comes back empty. Where no pass of the reconciler has seen that it was away, its codes look as if
   * somebody had deleted them. Waits for the events about devices.
   */
  readonly locksVanish: boolean;
}

export const today: Limits = { locksVanish: false };
