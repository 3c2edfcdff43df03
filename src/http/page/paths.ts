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
