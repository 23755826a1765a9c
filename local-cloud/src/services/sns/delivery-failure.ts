import { AwsError } from '../../errors.js';

/** That an attempt to deliver failed. */
export class DeliveryFailure extends Error {
  override readonly name = 'DeliveryFailure';

  constructor(
    /** HTTP status, or the code of the other service's error. */
    readonly code: string,
    message: string,
    /** Whether another attempt would fail too. */
    readonly isPermanent: boolean,
  ) {
    super(message);
  }
}

/** What became of an attempt: errors of a service that blame the caller stay the same when one tries again. */
export function failureOf(error: unknown): DeliveryFailure {
  if (error instanceof DeliveryFailure) return error;
  if (error instanceof AwsError) {
    return new DeliveryFailure(error.code, error.message, error.status < 500);
  }
  if (error instanceof Error && '$fault' in error) {
    return new DeliveryFailure(error.name, error.message, error.$fault === 'client');
  }
  throw error;
}
