import type { ComponentError } from '../../runtime/src/errors.js';

export interface Button {
  /** How people call it, for the log. */
  readonly name: string;
  /** Resolves when the button can no longer be watched. */
  readonly failed: Promise<ComponentError>;
  close(): Promise<void>;
}
