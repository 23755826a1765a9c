import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DashboardConfig, topics } from '@mooring/contracts';
import { effect } from '@preact/signals';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { Mooring, processesNaming } from '../../../pipeline/test/commands/mooring.js';
import { Api } from '../../src/cloud/api.js';
import { Live } from '../../src/cloud/live.js';
import { Session } from '../../src/cloud/session.js';
import { presignMqtt } from '../../src/cloud/signing.js';
import { browserClock } from '../../src/model/clock.js';
import { hasChromium, launchChromium, openWindow } from '../support/browser.js';

interface Running {
  dashboard: { url: string; user: string; password: string };
}

const DEVICE = '1000000000000001';
const OTHER = '1000000000000002';
/** Where the picture of the README goes, when it is wanted: `npm run picture`. */
const PICTURE = process.env.MOORING_PICTURE;
const DEVICES = PICTURE === undefined ? 2 : 8;

// Without Chromium: scripts/install-debian-packages installs it.
describe.skipIf(!hasChromium)('the dashboard of the whole system, in a browser (needs chromium)', () => {
  const directory = mkdtempSync(join(tmpdir(), 'mooring-dashboard-'));
  const allowlist = join(directory, 'allowlist.txt');
  let system: Mooring;
  let dashboard: Running['dashboard'];
  let browser: Browser;
  /** Somebody who looks on. */
  let guest: { page: Page; errors: string[] };
  let operator: { page: Page; errors: string[] };

  beforeAll(async () => {
    writeFileSync(allowlist, `${DEVICE}\n${OTHER}\n`);
    system = new Mooring([
      ...['start', '--json', '--devices', String(DEVICES), '--allowlist', allowlist],
      ...['--state-directory', join(directory, 'state')],
      ...['--http-port', '0', '--mqtt-port', '0', '--https-port', '0'],
    ]);
    [{ dashboard }, browser] = await Promise.all([system.firstJson<Running>(), launchChromium()]);
    [guest, operator] = await Promise.all([
      openWindow(browser, dashboard.url),
      openWindow(browser, dashboard.url),
    ]);
  }, 180_000);

  afterAll(async () => {
    await browser?.close();
    system?.process.kill('SIGTERM');
    await vi.waitFor(() => expect(processesNaming(directory)).toEqual([]), {
      timeout: 30_000,
      interval: 100,
    });
    rmSync(directory, { recursive: true, force: true });
  });

  function fleetRow(page: Page, thing: string) {
    return page.getByRole('row').filter({ hasText: thing });
  }

  test('a guest sees the fleet: connected, healthy, what runs, until when the certificate is valid', async () => {
    const { page, errors } = guest;
    for (const thing of [DEVICE, OTHER]) {
      const row = fleetRow(page, thing);
      for (const sign of ['connected', 'healthy', 'led 1.', 'in 3', 'succeeded']) {
        await row.getByText(sign).first().waitFor();
      }
    }
    await page.getByText('Deployment 1').waitFor();
    expect(errors).toEqual([]);
  });

  test('an operator signs in, sets the frequency, presses the button; the other window agrees', async () => {
    const { page } = operator;
    await page.getByRole('link', { name: 'Sign in' }).click();
    await page.getByLabel('User name').fill(dashboard.user);
    await page.getByLabel('Password').fill(dashboard.password);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText(`${dashboard.user} operator`).waitFor();
    for (const window of [page, guest.page]) await window.getByRole('link', { name: DEVICE }).click();
    const guestLed = guest.page.getByRole('region', { name: 'LED' });

    await page.getByLabel('Frequency in Hz').fill('3.5');
    await page.getByRole('button', { name: 'Set', exact: true }).click();
    await page.getByText(/3\.5 Hz, answered after \d+\.\d s/).waitFor();
    await guestLed.getByText(/^3\.5 Hz/).waitFor();
    for (const words of ['does not blink', 'blinks']) {
      await page.getByRole('button', { name: 'Press the button' }).click();
      await page.getByText(`${words} now, answered after`).waitFor();
      await guestLed.getByText(`${words}, told`).waitFor();
    }
    const messages = guest.page.getByRole('list', { name: 'Messages, newest first' });
    await messages.getByText('{"frequency":3.5}').first().waitFor();
    await guest.page.locator('.u-over').waitFor();
  });

  test('the operator rotates the certificate; both windows see the new one', async () => {
    const certificate = (page: Page) => page.getByRole('region', { name: 'Certificate' });
    const before = await certificate(guest.page).locator('.mono').first().textContent();
    await operator.page.getByRole('button', { name: 'Rotate now' }).click();
    await operator.page.getByText(/→ [0-9a-f]{8}, in use after/).waitFor({ timeout: 60_000 });
    await certificate(guest.page).getByText('in use, the old one gone').waitFor();
    await expect.poll(() => certificate(guest.page).locator('.mono').first().textContent()).not.toBe(before);
  });

  test('a guest may not act, whatever the page shows: the cloud refuses', async () => {
    const config = DashboardConfig.parse(await (await fetch(new URL('config.json', dashboard.url))).json());
    const kept = new Map<string, string>();
    const session = new Session(
      config,
      {
        getItem: (key) => kept.get(key) ?? null,
        setItem: (key, value) => void kept.set(key, value),
        removeItem: (key) => void kept.delete(key),
      },
      browserClock,
    );
    await session.start();
    const api = new Api(config, session, browserClock, () => {});
    expect((await api.allowlist()).serials).toContainEqual({ serial: DEVICE, joined: true });
    for (const act of [api.rotate, api.allow, api.remove]) {
      await expect(act(DEVICE)).rejects.toMatchObject({ status: 403 });
    }
    const live = new Live(
      async () => presignMqtt(config.mqttUrl, await session.credentials(), config.region, new Date()),
      browserClock,
    );
    try {
      live.start();
      await new Promise<void>((resolve) => {
        effect(() => {
          if (live.state.value === 'connected') resolve();
        });
      });
      await expect(live.publish(topics.setFrequency(DEVICE), { frequency: 1 })).rejects.toMatchObject({
        refused: true,
      });
    } finally {
      live.stop();
    }
    await expect(guest.page.getByRole('button', { name: 'Rotate now' }).count()).resolves.toBe(0);
  });

  test('deployments, events, and the log tell what happened', async () => {
    const { page, errors } = guest;
    await page.getByRole('button', { name: 'Log of docker_led' }).click();
    await page.getByText(/Log of docker_led/).waitFor();
    await page.getByRole('link', { name: 'Deployments', exact: true }).click();
    await page.getByRole('link', { name: 'Revision 1' }).click();
    await page.getByRole('heading', { name: 'Deployment 1' }).waitFor();
    await page.getByText('docker_certificate_rotator').waitFor();
    await page.getByText('succeeded').first().waitFor();
    await page.getByRole('link', { name: 'Events' }).click();
    for (const happened of ['joined the fleet', 'connected', 'rotation completed', 'deployment succeeded']) {
      await page.getByRole('table').getByText(happened).first().waitFor();
    }
    expect(errors).toEqual([]);
  });

  test.skipIf(PICTURE === undefined)('the picture for the README', async () => {
    const { page } = operator;
    await page.getByRole('link', { name: 'Fleet', exact: true }).first().click();
    await fleetRow(page, DEVICE).getByText('led 1.').waitFor();
    await page.setViewportSize({ width: 1440, height: 720 });
    await page.screenshot({
      path: fileURLToPath(new URL('../../../docs/dashboard.png', import.meta.url)),
      animations: 'disabled',
    });
  });

  test('the operator allows a device, and removes another, which leaves both windows', async () => {
    const { page, errors } = operator;
    await page.getByRole('link', { name: 'Access' }).click();
    await page.getByLabel('Serial number of a device that shall join').fill('2000000000000001');
    await page.getByRole('button', { name: 'Allow' }).click();
    await page.getByText('2000000000000001 is allowed').waitFor();
    await guest.page.getByRole('link', { name: 'Fleet', exact: true }).click();
    await fleetRow(guest.page, OTHER).waitFor();
    await page.getByRole('button', { name: `Remove ${OTHER}` }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Type its serial number').fill(OTHER);
    await dialog.getByRole('button', { name: 'Remove it' }).click();
    await page.getByText(new RegExp(`${OTHER} was removed; 1 certificate revoked`)).waitFor();
    await page.getByRole('link', { name: 'Fleet', exact: true }).click();
    for (const window of [page, guest.page]) await expect.poll(() => fleetRow(window, OTHER).count()).toBe(0);
    expect(errors).toEqual([]);
  });
});
