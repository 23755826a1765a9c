import { onTestFinished } from 'vitest';

const atFileEnd: (() => unknown)[] = [];

/** Ends a test file; `test/setup.ts` has it run after each. */
export async function endFile(): Promise<void> {
  for (const work of atFileEnd.splice(0).reverse()) await work();
}

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
