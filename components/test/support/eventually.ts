import { vi } from 'vitest';

/** Waits until a check passes. The deadline only ends a test that hangs; it measures nothing. */
export const eventually = (check: () => void | Promise<void>): Promise<void> =>
  vi.waitFor(check, { timeout: 30_000, interval: 20 });
