import { explain, MooringError } from '../errors.js';
import type { ResourceRef } from './plan.js';

/** A step that failed. */
export interface StepFailure {
  readonly operation: 'create' | 'update' | 'replace' | 'delete' | 'same';
  readonly resource: ResourceRef;
  readonly error: unknown;
}

/** A deployment stopped because resources could not be brought to what the program says. */
export class DeployError extends MooringError {
  constructor(readonly failures: readonly StepFailure[]) {
    super(
      'DeployFailed',
      `${failures.map(sentence).join('\n')}\nWhat was done is recorded: correct the cause and deploy again, the next run goes on from here`,
      { cause: failures[0]?.error },
    );
  }
}

function sentence({ operation, resource, error }: StepFailure): string {
  const { name, type, identifier } = resource;
  const which = identifier === undefined ? type : `${type} ${identifier}`;
  return `Could not ${operation === 'same' ? 'keep' : operation} ${name} (${which}): ${explain(error)}`;
}
