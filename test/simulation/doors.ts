/** One schedule on one door, by the names that people gave them: ids of the database differ from run to run. */
export interface Door {
  readonly key: string;
  readonly deviceId: string;
  toString(): string;
}

const known = new Map<string, Door>();

/** Always the same object for the same names, so that doors can be keys of maps. */
export function doorOf(key: string, deviceId: string): Door {
  const name = `${key}@${deviceId}`;
  const door = known.get(name) ?? { key, deviceId, toString: () => name };
  known.set(name, door);
  return door;
}
