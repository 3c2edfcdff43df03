// Where pages are.

export function schedulePath(key: string): string {
  return `/schedules/${encodeURIComponent(key)}`;
}

/** @param back where the way back leads */
export function actPath(key: string, back: string): string {
  return `${schedulePath(key)}/act?${new URLSearchParams({ to: back })}`;
}

export function doorPath(deviceId: string): string {
  return `/doors/${encodeURIComponent(deviceId)}`;
}

/** A path with those parameters of a query that have these names, some of them changed or, with null, left out. */
export function pathWith(
  path: string,
  query: URLSearchParams,
  names: readonly string[],
  changes: Readonly<Record<string, string | null>>,
): string {
  const given = names.flatMap((name) => {
    const value = name in changes ? (changes[name] ?? null) : query.get(name);
    return value === null ? [] : [[name, value]];
  });
  return given.length === 0 ? path : `${path}?${new URLSearchParams(given)}`;
}
