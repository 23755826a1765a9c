import { MooringError } from '../errors.js';
import type { JsonObject } from './json.js';

/**
 * The cloud as a deployment sees it: one interface for every type of resource. A token makes a repeated
 * request the same request: it gives the first one's result.
 *
 * Each operation rejects with {@link CloudRefusal} when the cloud has said no. Any other rejection leaves open
 * whether the operation took place.
 */
export interface Cloud {
  /** @returns the new resource's primary identifier. */
  create(type: string, properties: JsonObject, token: string): Promise<string>;
  /** @param patch a JSON Patch document (RFC 6902). */
  update(type: string, identifier: string, patch: string, token: string): Promise<void>;
  delete(type: string, identifier: string, token: string): Promise<void>;
  /** @returns the resource's properties, or undefined when there is none. */
  read(type: string, identifier: string): Promise<JsonObject | undefined>;
  /** @returns the identifiers of all resources of the type. */
  list(type: string): Promise<string[]>;
}

/** The cloud has refused an operation, or it failed there. */
export class CloudRefusal extends MooringError {
  /**
   * @param errorCode Cloud Control's handler error code, such as `AlreadyExists`, or the name of its exception.
   * @param said the cloud's own words.
   */
  constructor(
    readonly errorCode: string,
    readonly said: string,
  ) {
    super('CloudRefusal', `${errorCode}: ${said}`);
  }
}

/** Whether the cloud said that there is no such resource. */
export function isNotFound(error: unknown): boolean {
  return error instanceof CloudRefusal && ['NotFound', 'ResourceNotFoundException'].includes(error.errorCode);
}

/** Whether the cloud said that the resource is there already. */
export function isAlreadyExists(error: unknown): boolean {
  return (
    error instanceof CloudRefusal && ['AlreadyExists', 'AlreadyExistsException'].includes(error.errorCode)
  );
}
