import { afterAll, onTestFinished } from 'vitest';

// Registered when this module is loaded: a hook that another hook registers would never run.
const atFileEnd: (() => unknown)[] = [];
afterAll(async () => {
  for (const work of atFileEnd.splice(0).reverse()) await work();
});

/** Undoes what a test, or a test file outside of its tests, has set up, when that ends; the latest first. */
export function atEnd(work: () => unknown): void {
  try {
    onTestFinished(async () => {
      await work();
    });
  } catch {
    // Not within a test.
    atFileEnd.push(work);
  }
}
