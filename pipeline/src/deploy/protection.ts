import { MooringError } from '../errors.js';
import type { Step } from './plan.js';
import type { StoredResource } from './state.js';

/**
 * Refuses a step that would destroy a resource with Pulumi's `protect` option.
 *
 * @throws MooringError `Protected`.
 */
export function refuseProtected(step: Step, resource: StoredResource | undefined): void {
  if (resource?.protect !== true || (step.kind !== 'delete' && step.kind !== 'replace')) return;
  throw new MooringError(
    'Protected',
    `${resource.name} (${resource.type}) is protected and would be ${step.kind === 'delete' ? 'deleted' : 'replaced'}: deploy it once with "protect: false" before`,
  );
}
