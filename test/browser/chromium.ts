import { existsSync } from 'node:fs';

/** The browser that the pages are looked at with. @throws Error that says how to get one */
export function chromiumPath(): string {
  const path = process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium';
  if (existsSync(path)) return path;
  throw new Error(
    `There is no Chromium at ${path}. Install one (on Debian: apt-get install -y chromium), or name one with CHROMIUM_PATH.`,
  );
}
