import axe from 'axe-core';
import type { Page } from 'playwright-core';
import { expect } from 'vitest';

/** Looks for violations of accessibility rules in light, in dark, and as narrow as a phone. Needs `bypassCSP`. */
export async function expectAccessible(page: Page): Promise<void> {
  if (await page.evaluate(() => window.axe === undefined)) await page.evaluate(axe.source);
  const looks = [
    [
      'light',
      async () => {
        await page.setViewportSize({ width: 1440, height: 900 });
        await page.emulateMedia({ colorScheme: 'light' });
      },
    ],
    ['dark', async () => page.emulateMedia({ colorScheme: 'dark' })],
    ['phone', async () => page.setViewportSize({ width: 390, height: 844 })],
  ] as const;
  for (const [name, look] of looks) {
    await look();
    const violations = await page.evaluate(async () => {
      const found = await window.axe?.run();
      return found?.violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' | ')}`);
    });
    expect(violations, name).toEqual([]);
  }
}

declare global {
  interface Window {
    axe?: typeof axe;
  }
}
