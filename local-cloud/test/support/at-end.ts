import { afterAll, onTestFinished } from 'vitest';

/** Undoes what a test, or a test file outside of its tests, has set up, when that ends. */
export function atEnd(work: () => Promise<void>): void {
  try {
    onTestFinished(work);
  } catch {
    // Not within a test.
    afterAll(work);
  }
}
