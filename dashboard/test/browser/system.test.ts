import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DashboardConfig, topics } from '@mooring/contracts';
import { effect } from '@preact/signals';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { Mooring, mooring, processesNaming } from '../../../pipeline/test/commands/mooring.js';
import { Api } from '../../src/cloud/api.js';
import { Live } from '../../src/cloud/live.js';
import { Session } from '../../src/cloud/session.js';
import { presignMqtt } from '../../src/cloud/signing.js';
import { browserClock } from '../../src/model/clock.js';
import { hasChromium, launchChromium, openWindow } from '../support/browser.js';

interface Running {
  dashboard: { url: string; user: string; password: string };
}

const SERIALS = [
  '10000000a3f20c51',
  '10000000b81e47d9',
  '10000000c05a9e12',
  '10000000c9d3f706',
  '10000000d4418b3a',
  '10000000e2b76c0f',
  '10000000ea905d28',
  '10000000f7163be4',
] as const;
const [DEVICE, OTHER] = SERIALS;
const LONG = { timeout: 15_000 };
/** Whether to take the pictures of the documents, of some more devices: `npm run pictures`. */
const PICTURES = process.env.MOORING_PICTURES !== undefined;
const DEVICES = PICTURES ? SERIALS.length : 2;

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
    writeFileSync(allowlist, SERIALS.slice(0, DEVICES).join('\n'));
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

  let before: string | null;
  function certificateOf(page: Page) {
    return page.getByRole('region', { name: 'Certificate' });
  }

  function fleetRow(page: Page, thing: string) {
    return page.getByRole('row').filter({ hasText: thing });
  }

  test('a guest sees the fleet: connected, healthy, what runs, until when the certificate is valid', async () => {
    const { page, errors } = guest;
    for (const thing of [DEVICE, OTHER]) {
      const row = fleetRow(page, thing);
      for (const sign of [/^connected /, 'healthy', /led 1\./, /^in \d/, 'succeeded']) {
        await row.getByRole('cell').getByText(sign).first().waitFor();
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
    await page.getByText(/3\.5 Hz, answered after \d/).waitFor();
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

  test('the operator asks for a rotation, and sees how far it is', async () => {
    before = await certificateOf(guest.page).locator('.mono').first().textContent();
    await operator.page.getByRole('button', { name: 'Rotate now' }).click();
    await operator.page.getByText('asking the device for a new certificate').waitFor();
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

  test('the rotation ends: both windows see the new certificate', async () => {
    await operator.page.getByText(/→ [0-9a-f]{8}, in use after/).waitFor({ timeout: 60_000 });
    const certificate = certificateOf(guest.page);
    await certificate.getByText('in use, the old one gone').waitFor();
    await expect.poll(() => certificate.locator('.mono').first().textContent(), LONG).not.toBe(before);
  });

  test('deployments, events, and the log tell what happened', async () => {
    const { page, errors } = guest;
    await page.getByRole('button', { name: 'Log of docker_led' }).click();
    // The device uploads its logs every few minutes.
    await page.locator('.log-lines li, .log .state-empty').first().waitFor();
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

  test.skipIf(!PICTURES)('the pictures for the documents', async () => {
    const { page } = operator;
    for (const [index, thing] of SERIALS.entries()) {
      const hertz = String([2, 0.5, 5, 1, 10, 2, 1, 5][index]);
      await mooring('led', 'frequency', thing, hertz, '--state-directory', join(directory, 'state'));
    }
    for (const hertz of ['1', '3', '4', '2.5', '5', '2']) {
      await page.getByLabel('Frequency in Hz').fill(hertz);
      await page.getByRole('button', { name: 'Set', exact: true }).click();
      await page.getByText(`→ ${hertz} Hz, answered`).waitFor();
      await new Promise((resolve) => setTimeout(resolve, 9_000));
    }
    await page.setViewportSize({ width: 1440, height: 1010 });
    await take(page, 'dashboard-device.png');
    await page.setViewportSize({ width: 1440, height: 640 });
    await page.getByRole('link', { name: 'Fleet', exact: true }).first().click();
    for (const thing of SERIALS) await fleetRow(page, thing).getByText('led 1.').waitFor();
    await take(page, 'dashboard.png');
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
    for (const window of [page, guest.page])
      await expect.poll(() => fleetRow(window, OTHER).count(), LONG).toBe(0);
    expect(errors).toEqual([]);
  });
});

async function take(page: Page, name: string): Promise<void> {
  const path = fileURLToPath(new URL(`../../../docs/${name}`, import.meta.url));
  await page.screenshot({ path, animations: 'disabled' });
}
