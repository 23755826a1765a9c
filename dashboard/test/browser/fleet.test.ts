import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectAccessible } from '../support/accessibility.js';
import { hasChromium, launchChromium, openWindow } from '../support/browser.js';
import { TestCloud } from '../support/test-cloud.js';

const DEVICES = 1_000;
const LONG = { timeout: 15_000 };
const FIRST = '1000000000000001';

// Without Chromium: scripts/install-debian-packages installs it.
describe.skipIf(!hasChromium)('the fleet in a browser (needs chromium)', () => {
  const cloud = new TestCloud(DEVICES);
  let browser: Browser;
  let url: string;

  beforeAll(async () => {
    url = `${await cloud.start()}/page/`;
    browser = await launchChromium();
  });
  afterAll(async () => {
    await browser?.close();
    await cloud.stop();
  });

  /** Messages of devices, so many a second, until the function that is returned is called. */
  function chatter(perSecond: number): () => void {
    const things = [...cloud.fleet.devices.keys()];
    let count = 0;
    const timer = setInterval(() => {
      const thing = things[(count * 7) % 40] ?? FIRST;
      count += 1;
      cloud.broker.publish(`lambda/${thing}/frequency`, { frequency: (count % 41) + 1 });
    }, 1_000 / perSecond);
    return () => clearInterval(timer);
  }

  test('lists a thousand devices, draws those that can be seen, and reads only their details', async () => {
    const { page, context, errors } = await openWindow(browser, url);
    await page.getByText('1,000 devices', { exact: true }).waitFor();
    const table = page.getByRole('table', { name: 'Devices' });
    expect(await table.getAttribute('aria-rowcount')).toBe('1001');
    const rows = page.locator('tr[aria-rowindex]');
    expect(await rows.count()).toBeLessThan(40);
    await page.locator('tr', { hasText: FIRST }).getByText('led 1.2.0').waitFor();
    await page.locator('.table-scroller').evaluate((element) => element.scrollTo(0, element.scrollHeight));
    await page.getByRole('link', { name: '1000000000001000' }).waitFor();
    expect(await rows.count()).toBeLessThan(40);
    // Those at the top and at the bottom, not the ones that the list ran past.
    expect(cloud.asked.filter((path) => path.includes('/devices?')).length).toBeLessThan(8);
    expect(errors).toEqual([]);
    await context.close();
  });

  test('finds by name, by state, and sorts; arrow keys go from device to device', async () => {
    const { page, context, errors } = await openWindow(browser, url);
    await page.getByText('1,000 devices', { exact: true }).waitFor();
    await page.getByLabel('Find devices by name').fill('0999');
    await page.getByText('1 of 1,000 devices').waitFor();
    await page.getByLabel('Find devices by name').fill('nothing like it');
    await page.getByText('No device is like this.').waitFor();
    await page.getByLabel('Find devices by name').fill('');
    await page.getByLabel('Show', { exact: true }).selectOption('Unhealthy');
    await page.getByText('11 of 1,000 devices').waitFor();
    await page.getByRole('button', { name: /devices$/ }).click();
    await page.getByText('1,000 devices', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Device', exact: false }).last().click();
    await page.getByRole('link', { name: '1000000000001000' }).waitFor();
    await page.getByRole('columnheader', { name: 'Device' }).getByRole('button').click();

    await page.getByRole('link', { name: FIRST }).focus();
    await page.keyboard.press('ArrowDown');
    await expect.poll(() => focused(page)).toBe('1000000000000002');
    await page.keyboard.press('End');
    await expect.poll(() => focused(page)).toBe('1000000000001000');
    await page.keyboard.press('Home');
    await expect.poll(() => focused(page)).toBe(FIRST);
    expect(errors).toEqual([]);
    await context.close();
  });

  test('takes a hundred messages a second: no task is long, nothing moves', async () => {
    const { page, context, errors } = await openWindow(browser, url);
    await page.getByText('1,000 devices', { exact: true }).waitFor();
    await page.locator('tr', { hasText: FIRST }).getByText('led 1.2.0').waitFor();
    await page.evaluate(observe);
    const stop = chatter(100);
    await expect.poll(() => changes(page), LONG).toBeGreaterThan(150);
    await page.locator('.table-scroller').evaluate((element) => element.scrollTo(0, 12_000));
    await page.getByRole('link', { name: '1000000000000280' }).waitFor();
    await page.locator('.table-scroller').evaluate((element) => element.scrollTo(0, 0));
    await expect.poll(() => changes(page), LONG).toBeGreaterThan(300);
    stop();
    const { shifts, tasks } = await page.evaluate(() => window.observed);
    expect(shifts).toEqual([]);
    const sorted = tasks.sort((a, b) => a - b);
    expect(sorted[Math.floor(sorted.length / 2)] ?? 0).toBeLessThan(200);
    expect(errors).toEqual([]);
    await context.close();
  });

  test('says when the cloud is away, and when it is back with everything read anew', async () => {
    const { page, context } = await openWindow(browser, url);
    await page.getByText('1,000 devices', { exact: true }).waitFor();
    cloud.fail();
    await page.getByText('Connection to the cloud lost').waitFor();
    cloud.fleet.add('1000000000009999', 9_999);
    cloud.recover();
    await page.getByText('Reconnected').waitFor();
    await page.getByText('1,001 devices', { exact: true }).waitFor();
    await page.getByText('live', { exact: true }).waitFor();
    cloud.fleet.devices.delete('1000000000009999');
    cloud.broker.publish('$aws/events/thing/1000000000009999/deleted', { eventType: 'THING_EVENT' });
    await page.getByText('1,000 devices', { exact: true }).waitFor();
    await context.close();
  });

  test('has no accessibility violation, in light, dark and on a phone', async () => {
    const { page, context, errors } = await openWindow(browser, url, { bypassCSP: true });
    await page.getByText('1,000 devices', { exact: true }).waitFor();
    await page.locator('tr', { hasText: FIRST }).getByText('led 1.2.0').waitFor({ state: 'attached' });
    await expectAccessible(page);
    expect(errors).toEqual([]);
    await context.close();
  });
});

function focused(page: Page): Promise<string | null | undefined> {
  return page.evaluate(() => document.activeElement?.textContent);
}

function changes(page: Page): Promise<number> {
  return page.evaluate(() => window.observed.messages);
}

/** In the page: counts what moves, what takes long, and how often the list changed. */
function observe(): void {
  window.observed = { shifts: [], tasks: [], messages: 0 };
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) window.observed.tasks.push(entry.duration);
  }).observe({ type: 'longtask', buffered: true });
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      if (!('value' in entry) || !('sources' in entry) || !Array.isArray(entry.sources)) continue;
      const moved = entry.sources.map(({ node }) => node?.outerHTML?.slice(0, 80) ?? node?.textContent);
      window.observed.shifts.push(`${entry.value}: ${moved.join(', ')}`);
    }
  }).observe({ type: 'layout-shift', buffered: true });
  const table = document.querySelector('table');
  if (table === null) return;
  new MutationObserver((changes) => {
    window.observed.messages += changes.length;
  }).observe(table, { subtree: true, characterData: true });
}

declare global {
  interface Window {
    observed: { shifts: string[]; tasks: number[]; messages: number };
  }
}
