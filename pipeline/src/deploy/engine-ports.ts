import type { Cloud } from './cloud.js';
import type { Step } from './plan.js';
import type { Recovery } from './recover.js';
import type { Schemas } from './resource-schema.js';
import type { StateStore } from './state-keeper.js';

/** What is to be done, one step a resource, deletions at the end. */
export interface Plan {
  readonly steps: readonly Step[];
  /** Whether anything is to change. */
  readonly changes: boolean;
}

export type DeployProgress =
  | { readonly kind: 'recovered'; readonly recovery: Recovery }
  | { readonly kind: 'planned'; readonly plan: Plan }
  | { readonly kind: 'started'; readonly step: Step }
  | { readonly kind: 'finished'; readonly step: Step };

export interface EnginePorts {
  readonly cloud: Cloud;
  readonly schemas: Schemas;
  readonly states: StateStore;
  /** A client token: unique, at most 128 letters, digits, `-`, `+`, `/` or `=`. */
  readonly newToken: () => string;
  readonly onProgress: (progress: DeployProgress) => void;
}
