/**
 * How components take part in deployments over IPC: they are told that an update is ready and may defer
 * it, and they are asked whether their new configuration suits them.
 */
import type { JsonObject } from '../json.js';

export interface ComponentUpdates {
  /**
   * Tells subscribed components that a deployment is ready and waits for their answers.
   *
   * @returns milliseconds after which to ask again; 0 to go on: nobody is subscribed, nobody deferred, or
   *   the policy's timeout passed
   * @throws the signal's reason once it is aborted
   */
  ready(update: {
    readonly deploymentId: string;
    readonly isGgcRestarting: boolean;
    readonly timeoutMs: number;
    readonly signal: AbortSignal;
  }): Promise<number>;

  /** Tells subscribed components that the deployment is done. */
  done(deploymentId: string): void;

  /**
   * Asks a component about its new configuration; one that is not subscribed has no objection.
   *
   * @throws DeviceError DEPLOYMENT_INVALID with the component's own message when it rejects, or does not
   *   answer in time; the signal's reason once it is aborted
   */
  validate(request: {
    readonly deploymentId: string;
    readonly component: string;
    readonly configuration: JsonObject;
    readonly timeoutMs: number;
    readonly signal: AbortSignal;
  }): Promise<void>;
}
