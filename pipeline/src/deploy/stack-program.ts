import type { JsonObject } from './json.js';
import type { DesiredResource } from './plan.js';

/** A resource as the program sees it after registering it; in a preview parts may be missing: not known yet. */
export interface RegisteredResource {
  readonly identifier?: string;
  /** Inputs and what the cloud added to them, by CloudFormation name. */
  readonly properties: JsonObject;
}

export type Register = (desired: DesiredResource) => Promise<RegisteredResource>;

/**
 * Runs the program once: it calls `register` for each resource, when all that its properties need is known (or,
 * in a preview, known to be unknown), and resolves when every registration has.
 *
 * @returns the stack's outputs; in a preview only if they are wholly known.
 */
export type StackProgram = (register: Register, mode: 'preview' | 'apply') => Promise<JsonObject | undefined>;
