import type { ComponentError } from '../../runtime/src/errors.js';

export interface Led {
  /** How people call it, for the log. */
  readonly name: string;
  /** @throws ComponentError `HARDWARE` when the LED is gone */
  set(on: boolean): void;
  /** Resolves when the LED can no longer be driven and nobody wrote to notice; never for most. */
  readonly failed: Promise<ComponentError>;
  /** Switches it off and gives it back. */
  close(): Promise<void>;
}
