// The week and the story of a schedule and of a door, as people have them before them in Chromium.
import axe from 'axe-core';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { act } from '../support/crew-at-work.ts';
import { aSchedule, backDoor, daily, frontDoor, schedulesFile, startWorld, type World } from '../support/relatch.ts';
import { openBrowser, visit } from './stage.ts';

let browser: Browser;
let world: World;

beforeAll(async () => {
  browser = await openBrowser();
  world = await startWorld({ now: '2027-03-08T12:00:00Z' });
  await world.apply(
    schedulesFile([
      aSchedule({ name: 'Cleaning crew', devices: [frontDoor, backDoor], except: { dates: ['2027-03-12'] } }),
      aSchedule({ key: 'night', name: 'Night watch', windows: daily('22:00', '06:00') }),
    ]),
  );
  await world.until('2027-03-08T15:00:00Z');
  world.simulator.device(backDoor).goOffline();
  await world.until('2027-03-09T16:00:00Z');
  await act(world, { kind: 'skip', date: '2027-03-10', reason: 'ill' }, { by: 'alice' });
});
afterAll(async () => {
  await browser.close();
  await world[Symbol.asyncDispose]();
});

async function faults(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const found = await page.evaluate<axe.AxeResults>('axe.run()');
  return found.violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
}

const desk = { viewport: { width: 1200, height: 900 } };
const phone = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };

it.each([
  ['desk, light', { ...desk, colorScheme: 'light' }],
  ['phone, dark', { ...phone, colorScheme: 'dark' }],
] satisfies [
  string,
  BrowserContextOptions,
][])('weeks and stories can be read by everybody (%s)', async (_, options) => {
  await using visitor = await visit(browser, world, options);
  const { page, hosts, complaints } = visitor;
  for (const path of [
    '/schedules/crew',
    '/schedules/night?week=2027-11-01',
    '/schedules/crew?week=2027-03-01',
    `/doors/${frontDoor}`,
    `/doors/${backDoor}`,
    '/schedules/crew?week=never',
  ]) {
    await page.goto(path);
    for (const summary of await page.getByText('This week in words').all()) await summary.click();
    expect({ path, faults: await faults(page) }).toEqual({ path, faults: [] });
    const tooWide = await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth');
    expect({ path, tooWide }).toEqual({ path, tooWide: 0 });
  }
  expect([...hosts]).toEqual([new URL(world.relatch.url).host]);
  expect(complaints.filter((text) => !text.includes('400 (Bad Request)'))).toEqual([]);
});

it('the drawing has each day as long as it is, and each bar where its hours are', async () => {
  await using visitor = await visit(browser, world, desk);
  const { page } = visitor;
  await page.goto('/schedules/night');
  const lanes = page.locator('.week-day:not(.axis) .w-lane');
  const widths = await Promise.all((await lanes.all()).map(async (lane) => (await lane.boundingBox())?.width ?? 0));
  expect(widths).toHaveLength(7);
  expect((widths[6] ?? 0) / (widths[0] ?? 1)).toBeCloseTo(23 / 24, 2);
  const lane = (await lanes.first().boundingBox()) ?? { x: 0, width: 1 };
  const bar = (await page.locator('.week-day .w-window').first().boundingBox()) ?? { x: 0, width: 0 };
  expect((bar.x - lane.x) / lane.width).toBeCloseTo(22 / 24, 1);
});

it('leads from week to week, from a schedule to its door and to what can be done, by links', async () => {
  await using visitor = await visit(browser, world, { ...phone, javaScriptEnabled: false });
  const { page } = visitor;
  await page.goto('/schedules/crew');
  await page.getByRole('link', { name: 'Week after' }).click();
  expect(await page.getByRole('heading', { level: 2, name: /^Week: / }).textContent()).toBe(
    'Week: 15 to 21 March 2027',
  );
  await page.getByRole('link', { name: 'Back door' }).first().click();
  expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe('Back door');
  await page.getByRole('link', { name: 'Cleaning crew', exact: true }).first().click();
  await page.getByRole('link', { name: 'Skip, extend or revoke' }).click();
  await page.getByRole('link', { name: 'Back', exact: true }).click();
  expect(new URL(page.url()).pathname).toBe('/schedules/crew');
});
