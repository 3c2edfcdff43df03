// The status page as people have it before them: in Chromium, by mouse, by keyboard alone, and without JavaScript.
import axe from 'axe-core';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { actOn } from '../../src/flows/act-on-schedule.ts';
import { frontDoor, type World } from '../support/relatch.ts';
import { openBrowser, startStage, visit } from './stage.ts';

const desk = { viewport: { width: 1200, height: 900 } };
const phone = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };

let browser: Browser;
beforeAll(async () => {
  browser = await openBrowser();
});
afterAll(() => browser.close());

/** What axe finds wrong with the page as it stands. */
async function faults(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const found = await page.evaluate<axe.AxeResults>('axe.run()');
  return found.violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
}

function door(page: Page, name: string) {
  return page.getByRole('listitem').filter({ has: page.getByRole('heading', { name, exact: true }) });
}

async function codes(world: World): Promise<number> {
  await world.rest();
  return world.simulator.codes({ device_id: frontDoor }).length;
}

it.each([
  ['desk, light', { ...desk, colorScheme: 'light' }],
  ['desk, dark', { ...desk, colorScheme: 'dark' }],
  ['phone, light', { ...phone, colorScheme: 'light' }],
  ['phone, dark', { ...phone, colorScheme: 'dark' }],
] satisfies [
  string,
  BrowserContextOptions,
][])('can be read by everybody and asks no other host (%s)', async (_, options) => {
  await using world = await startStage();
  await using visitor = await visit(browser, world, options);
  const { page, hosts, complaints } = visitor;
  const isFit = async (): Promise<void> => {
    expect({ url: page.url(), faults: await faults(page) }).toEqual({ url: page.url(), faults: [] });
    expect(await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0);
  };
  await isFit();
  const ground = await page.evaluate<string>('getComputedStyle(document.body).backgroundColor');
  expect(ground).toBe(options.colorScheme === 'dark' ? 'rgb(18, 21, 19)' : 'rgb(246, 245, 241)');
  await page.goto('/?q=a');
  await isFit();
  await page.goto('/schedules/crew/act');
  await isFit();
  await page.getByRole('button', { name: 'Skip…' }).click();
  await isFit();
  await page.goto('/');
  await page.getByRole('button', { name: 'Show PIN of Ana Silva' }).click();
  await isFit();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await isFit();
  expect([...hosts]).toEqual([new URL(world.relatch.url).host]);
  expect(complaints).toEqual([]);
});

it.each([true, false])('does what a bad morning needs (JavaScript: %s)', async (javaScriptEnabled) => {
  await using world = await startStage();
  await using visitor = await visit(browser, world, { ...phone, javaScriptEnabled });
  const { page } = visitor;
  await expect.poll(() => page.getByRole('heading', { level: 1 }).textContent()).toBe('One thing needs you');
  expect(await door(page, 'Front door').textContent()).toMatch(/Ready[\s\S]*Ana Silva until 17:00/);
  expect(await door(page, 'Back door').textContent()).toMatch(
    /Closed until Tue 9 Mar 00:00: guests in the house[\s\S]*Nobody/,
  );
  expect(await page.locator('noscript meta').count()).toBe(javaScriptEnabled ? 0 : 1);

  await page.getByRole('button', { name: 'I have seen it (Pool gate)' }).click();
  await expect.poll(() => page.getByRole('heading', { level: 1 }).textContent()).toBe('Nothing needs you');
  await page.getByText('1 seen, not settled yet').click();
  expect(await page.getByText('Check that the lock is online').isVisible()).toBe(true);

  await page.getByRole('button', { name: 'Show PIN of Ana Silva' }).click();
  expect(await page.locator('.pin').textContent()).toContain(world.onlyCode().code);
  await page.getByRole('link', { name: 'Hide it and go back' }).click();
  expect(await page.content()).not.toContain(world.onlyCode().code);

  await door(page, 'Front door').getByRole('link', { name: 'Change Ana Silva’s schedule' }).first().click();
  await page.getByLabel('Until').fill('19:30');
  await page.getByRole('button', { name: 'Extend…' }).click();
  expect(await page.getByRole('main').textContent()).toContain('Today 09:00–17:00 would become today 09:00–19:30.');
  await page.getByRole('button', { name: 'Yes, extend it' }).click();
  expect(await page.getByRole('status').last().textContent()).toContain('Extended.');
  await world.rest();
  expect(world.onlyCode().ends_at).toBe('2027-03-09T00:30:00.000Z');

  await page.getByLabel('Until').fill('18:00');
  await page.getByRole('button', { name: 'Extend…' }).click();
  expect(await page.getByRole('alert').textContent()).toContain('18:00 is more than 12 hours later');
  expect(await page.getByLabel('Until').inputValue()).toBe('18:00');

  await page.getByLabel('Why').fill('ill');
  await page.getByRole('button', { name: 'Skip…' }).click();
  await page.getByRole('link', { name: 'No, go back' }).click();
  expect(await codes(world)).toBe(1);
  await page.getByLabel('Why').fill('ill');
  await page.getByRole('button', { name: 'Skip…' }).click();
  await page.getByRole('button', { name: 'Yes, skip it' }).click();
  await page.getByRole('link', { name: 'Back', exact: true }).click();
  expect(new URL(page.url()).pathname).toBe('/');
  await world.until('2027-03-08T15:05:00Z');
  await page.reload();
  expect(await door(page, 'Front door').textContent()).toMatch(/Closed skipped: ill[\s\S]*Nobody/);
  const removed = world.opened()[0];
  expect(removed).toMatch(/^2027-03-08T14:00Z\/2027-03-08T15:0/);
});

/** Goes on by the tab key to what is called so. */
async function tabTo(page: Page, name: string): Promise<void> {
  const focused = `(({ textContent, id }) => ({
    name: textContent.trim(), id, outlineStyle: getComputedStyle(document.activeElement).outlineStyle,
  }))(document.activeElement)`;
  for (let presses = 0; presses < 60; presses++) {
    await page.keyboard.press('Tab');
    const at = await page.evaluate<{ name: string; id: string; outlineStyle: string }>(focused);
    if (at.name !== name && at.id !== name) continue;
    expect(at.outlineStyle).not.toBe('none');
    return;
  }
  throw new Error(`the tab key does not lead to ${name}`);
}

it('can be worked by the keyboard alone', async () => {
  await using world = await startStage();
  await using visitor = await visit(browser, world, desk);
  const { page } = visitor;
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await expect.poll(() => page.evaluate('document.activeElement.id')).toBe('main');
  await tabTo(page, 'Change Ana Silva’s schedule');
  await page.keyboard.press('Enter');
  await page.waitForURL(/act/);
  await tabTo(page, 'reason');
  await page.keyboard.type('ill');
  await tabTo(page, 'Skip…');
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Yes, skip it' }).waitFor();
  await tabTo(page, 'Yes, skip it');
  await page.keyboard.press('Enter');
  await page.waitForURL(/done=skip/);
  await world.until('2027-03-08T15:05:00Z');
  expect(
    (await world.codes()).find(({ key, startsAt }) => key === 'crew' && startsAt.startsWith('2027-03-08'))?.state,
  ).toBe('removed');
});

it('keeps itself up to date, and leaves focus, what is open and what was typed alone', async () => {
  await using world = await startStage();
  await using visitor = await visit(browser, world, desk);
  const { page } = visitor;
  const update = () => page.evaluate("document.dispatchEvent(new Event('visibilitychange'))");
  await page.getByRole('button', { name: 'I have seen it (Pool gate)' }).click();
  await page.getByText('1 seen, not settled yet').click();
  await page.getByLabel('Door, schedule or holder').fill('gara');
  await page.evaluate('globalThis.isSamePage = true');

  await actOn(world.relatch.deps, 'crew', { kind: 'skip', date: '2027-03-08', reason: 'ill' }, { by: 'ben' });
  await world.until('2027-03-08T15:05:00Z');
  await update();
  await expect.poll(() => door(page, 'Front door').textContent()).toContain('skipped: ill');
  const field = page.getByLabel('Door, schedule or holder');
  expect(await field.inputValue()).toBe('gara');
  expect(await page.evaluate("document.activeElement.id === 'q'")).toBe(true);
  expect(await page.locator('#seen').getAttribute('open')).toBe('');
  expect(await page.evaluate('globalThis.isSamePage')).toBe(true);

  await page.getByRole('button', { name: 'Find' }).focus();
  await world.relatch.deps.db.prisma.alert.updateMany({ data: { state: 'open' } });
  await update();
  await expect.poll(() => page.title()).toContain('One thing needs you');
  expect(await page.locator('.news').textContent()).toContain('One thing needs you');
  expect(await page.evaluate('document.activeElement.textContent')).toBe('Find');
  expect(await faults(page)).toEqual([]);

  await visitor.context.clearCookies();
  await update();
  await expect.poll(() => page.locator('.news').textContent()).toContain('Your session has ended');
  expect(await door(page, 'Front door').isVisible()).toBe(true);
  expect(await faults(page)).toEqual([]);
  await world.stop();
  await update();
  await expect.poll(() => page.locator('.news').textContent()).toContain('Relatch does not answer');
});
