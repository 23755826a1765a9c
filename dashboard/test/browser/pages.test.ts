import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectAccessible } from '../support/accessibility.js';
import { hasChromium, launchChromium, openWindow } from '../support/browser.js';
import { TestCloud } from '../support/test-cloud.js';

const DEVICE = '1000000000000004';

// Without Chromium: scripts/install-debian-packages installs it.
describe.skipIf(!hasChromium)('the pages in a browser (needs chromium)', () => {
  const cloud = new TestCloud(60);
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

  async function signIn(page: Page): Promise<void> {
    await page.getByRole('link', { name: 'Sign in' }).first().click();
    await page.getByLabel('User name').fill('ada');
    await page.getByLabel('Password').fill('right');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('ada operator').waitFor();
  }

  test('signs in: a wrong password, a password to be chosen, a reload, and out again', async () => {
    const { page, context } = await openWindow(browser, `${url}#/sign-in`);
    await page.getByLabel('User name').fill('ada');
    await page.getByLabel('Password').fill('wrong');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('User name or password is wrong').waitFor();
    await page.getByLabel('Password').fill('temporary');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByLabel('New password').fill('my own');
    await page.getByRole('button', { name: 'Set the password' }).click();
    await page.getByText('ada operator').waitFor();
    await page.reload();
    await page.getByText('ada operator').waitFor();
    expect(await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }))).not.toContain(
      'e30.',
    );
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByText('guest', { exact: true }).waitFor();
    expect(await page.evaluate(() => sessionStorage.getItem('mooring.refresh-token'))).toBeNull();
    await context.close();
  });

  test('a device: frequency, button, rotation, each with its answer; two windows agree', async () => {
    const { page, context, errors } = await openWindow(browser, `${url}#/devices/${DEVICE}`);
    await signIn(page);
    await page.getByRole('link', { name: DEVICE }).click();
    const other = await openWindow(browser, `${url}#/devices/${DEVICE}`);
    const otherLed = other.page.getByRole('region', { name: 'LED' });
    await otherLed.getByText(/^10 Hz/).waitFor();

    await page.getByLabel('Frequency in Hz').fill('7');
    await page.getByRole('button', { name: 'Set', exact: true }).click();
    await page.getByText(/10 → 7 Hz, answered after \d/).waitFor();
    await otherLed.getByText(/^7 Hz/).waitFor();
    await other.page.getByText('to device', { exact: true }).first().waitFor();
    await page.getByRole('button', { name: 'Press the button' }).click();
    await page.getByText(/does not blink now, answered after/).waitFor();
    await other.page.getByText(/does not blink, told/).waitFor();

    await page.getByRole('button', { name: 'Rotate now' }).click();
    await page.getByText(/→ c0ffee11, in use after/).waitFor();
    await other.page.getByText('c0ffee111111…').waitFor();
    // Once, though the page follows the topic twice; and not all of the certificate.
    expect(await page.getByText('‹certificate, ').count()).toBe(1);
    await page.getByRole('list', { name: 'Rotation' }).getByText('in use, the old one gone').waitFor();
    expect([...errors, ...other.errors]).toEqual([]);
    await other.context.close();
    await context.close();
  });

  test('a device: what is refused is said, and no frequency is sent that devices do not take', async () => {
    const { page, context } = await openWindow(browser, url);
    await signIn(page);
    await page.getByRole('link', { name: DEVICE }).click();
    cloud.broker.mayPublish = () => false;
    await page.getByRole('button', { name: 'Press the button' }).click();
    await page.getByText('refused by the cloud: you may not send this to devices').waitFor();
    cloud.broker.mayPublish = () => true;
    await page.getByLabel('Frequency in Hz').fill('51');
    await page.getByRole('button', { name: 'Set', exact: true }).click();
    expect(
      await page.getByLabel('Frequency in Hz').evaluate((input: HTMLInputElement) => input.validity.valid),
    ).toBe(false);
    await context.close();
  });

  test('a device: its chart zooms by dragging and by keys, its log goes back', async () => {
    const { page, context, errors } = await openWindow(browser, `${url}#/devices/${DEVICE}`);
    const chart = page.getByRole('img', { name: /^Frequency from/ });
    await page.locator('.u-over').waitFor();
    await page.getByRole('button', { name: '24 h' }).click();
    await page.getByText(/Each point stands for/).waitFor();
    const before = await chart.getAttribute('aria-label');
    const box = await page.locator('.u-over').boundingBox();
    if (box === null) throw new Error('there is no chart');
    await page.mouse.move(box.x + 100, box.y + 50);
    await page.mouse.down();
    await page.mouse.move(box.x + 240, box.y + 60, { steps: 4 });
    await page.mouse.up();
    await expect.poll(() => chart.getAttribute('aria-label')).not.toBe(before);
    expect(await page.getByRole('button', { name: '24 h' }).getAttribute('aria-pressed')).toBe('false');
    await page.getByRole('button', { name: 'Zoom in' }).press('Enter');
    await expect
      .poll(() => cloud.asked.filter((path) => path.includes('/telemetry')).length)
      .toBeGreaterThanOrEqual(4);
    await page.locator('.u-over').dblclick();
    await expect
      .poll(() => page.getByRole('button', { name: '5 min' }).getAttribute('aria-pressed'))
      .toBe('true');

    await page.getByRole('button', { name: 'Log of docker_led' }).click();
    await page.getByText('line 39"').waitFor();
    await page.getByRole('button', { name: 'Older lines' }).click();
    await page.getByText('line 79"').waitFor();
    expect(errors).toEqual([]);
    await context.close();
  });

  test('deployments: waves, what failed where and why, and what is broken', async () => {
    const { page, context, errors } = await openWindow(browser, `${url}#/deployments`);
    await page.getByRole('link', { name: 'Revision 7' }).click();
    await page.getByRole('heading', { name: 'Deployment 7' }).waitFor();
    await page.getByText('held back').waitFor();
    await page.getByRole('table').filter({ hasText: 'Succeeded' }).getByRole('row').nth(9).waitFor();
    await page
      .getByText(/docker_corrupt 1\.0\.1 is BROKEN/)
      .first()
      .waitFor();
    await page.getByRole('link', { name: '1000000000000017' }).first().click();
    await page.getByRole('heading', { name: '1000000000000017' }).waitFor();
    await page.getByText('the process ended with 1, three times').waitFor();
    expect(errors).toEqual([]);
    await page.goto(`${url}#/deployments/none`);
    await page.getByText('there is no deployment none').waitFor();
    await context.close();
  });

  test('events: of one kind, of one device, older ones', async () => {
    const { page, context, errors } = await openWindow(browser, `${url}#/events`);
    const rows = page.getByRole('row');
    await expect.poll(() => rows.count()).toBe(51);
    await page.getByRole('button', { name: 'Older events' }).click();
    await expect.poll(() => rows.count()).toBe(101);
    await page.getByLabel('Kind').selectOption('disconnected');
    await expect.poll(() => rows.count()).toBe(21);
    await page.getByLabel('Serial number of a device').fill('none');
    await page.keyboard.press('Enter');
    await page.getByText('Nothing like that has happened.').waitFor();
    expect(errors).toEqual([]);
    await context.close();
  });

  test('access: a device is allowed; another is removed, after its serial number was typed', async () => {
    const { page, context, errors } = await openWindow(browser, url);
    await signIn(page);
    await page.getByRole('link', { name: 'Access' }).click();
    await page.getByLabel('Serial number of a device that shall join').fill('not one');
    await page.getByRole('button', { name: 'Allow' }).click();
    await page.getByText('a serial number is 1 to 128').waitFor();
    await page.getByLabel('Serial number of a device that shall join').fill('2000000000000001');
    await page.getByRole('button', { name: 'Allow' }).click();
    await page.getByText('2000000000000001 is allowed').waitFor();
    await page.getByLabel('Find serial numbers').fill('0000060');
    await page.getByRole('button', { name: 'Remove 1000000000000060' }).click();
    const dialog = page.getByRole('dialog');
    expect(await dialog.getByRole('button', { name: 'Remove it' }).isDisabled()).toBe(true);

    await dialog.getByLabel('Type its serial number').fill('1000000000000060');
    await dialog.getByRole('button', { name: 'Remove it' }).click();
    await page
      .getByText(/1000000000000060 was removed; 1 certificate revoked: /)
      .first()
      .waitFor();
    await page.getByText('No serial number is like this.').waitFor();
    await page.getByRole('link', { name: 'Fleet', exact: true }).click();
    await page.getByText('59 devices', { exact: true }).waitFor();
    expect(errors).toEqual([]);
    await context.close();
  });

  test('no page has an accessibility violation, in light, dark and on a phone', async () => {
    const { page, context } = await openWindow(browser, url, { bypassCSP: true });
    for (const [hash, sign] of [
      [`#/devices/${DEVICE}`, 'docker_led'],
      ['#/deployments', 'in force'],
      [`#/deployments/${cloud.fleet.deployment.deploymentId}`, 'held back'],
      ['#/events', 'Older events'],
      ['#/access', '1000000000000001'],
      ['#/sign-in', 'Guests may look'],
    ] as const) {
      await page.goto(`${url}${hash}`);
      await page.getByText(sign).first().waitFor();
      await expectAccessible(page);
    }
    await context.close();
  });
});
