// Four doors on a Monday morning in New York, as people find them, and a browser to look at them with.
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { expect } from 'vitest';
import {
  adminToken,
  aSchedule,
  backDoor,
  daily,
  frontDoor,
  schedulesFile,
  startWorld,
  type World,
} from '../support/relatch.ts';
import { chromiumPath } from './chromium.ts';

export const poolGate = '0d6a3f6e-5a1c-4f0b-9c57-3f4a8e0f1c11';
export const garage = '77c7f0de-2f6d-4f0c-8e56-5a2b9d1e7a22';

/** Ana is at the front door, Ben’s code cannot get onto the pool gate, the garage opens at night, and the back door is skipped. */
export async function startStage(): Promise<World> {
  const world = await startWorld({
    now: '2027-03-08T10:00:00Z',
    devices: [
      { device_id: frontDoor, name: 'Front door' },
      { device_id: backDoor, name: 'Back door' },
      { device_id: poolGate, name: 'Pool gate', native_scheduling: false },
      { device_id: garage, name: 'Garage' },
    ],
  });
  world.simulator.device(poolGate).goOffline();
  // While no schedule is on it: nobody is alerted of that.
  await world.rest();
  await world.apply(
    schedulesFile([
      aSchedule({ name: 'Cleaning crew', holder: 'Ana Silva' }),
      aSchedule({
        key: 'pool',
        name: 'Pool service',
        holder: 'Ben Okafor',
        devices: [poolGate],
        windows: daily('10:30', '12:00'),
      }),
      aSchedule({ key: 'night', name: 'Night watch', devices: [garage], windows: daily('22:00', '06:00') }),
      aSchedule({
        key: 'gardener',
        name: 'Gardener',
        holder: 'Chloé <b>Martin</b>',
        devices: [backDoor],
        windows: daily('08:00', '11:00'),
        blackouts: [{ from: '2027-03-08T00:00', to: '2027-03-09T00:00', reason: 'guests in the house' }],
      }),
    ]),
  );
  await world.until('2027-03-08T15:00:00Z');
  return world;
}

export function openBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: chromiumPath(),
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

/** A page of somebody who is signed in, and everything that it asked for or complained about. */
export interface Visit extends AsyncDisposable {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Hosts that were asked. */
  readonly hosts: ReadonlySet<string>;
  readonly complaints: readonly string[];
}

export async function visit(browser: Browser, world: World, options: BrowserContextOptions = {}): Promise<Visit> {
  const context = await browser.newContext({ baseURL: world.relatch.url, locale: 'en-US', ...options });
  context.setDefaultTimeout(10_000);
  const page = await context.newPage();
  const hosts = new Set<string>();
  const complaints: string[] = [];
  page.on('request', (request) => hosts.add(new URL(request.url()).host));
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  await page.goto('/');
  await page.getByLabel('Your token').fill(adminToken);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('button', { name: 'Sign out' }).waitFor();
  expect(new URL(page.url()).pathname).toBe('/');
  return { page, context, hosts, complaints, [Symbol.asyncDispose]: () => context.close() };
}
