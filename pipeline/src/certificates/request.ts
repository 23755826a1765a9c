import { LambdaClient, ResourceNotFoundException } from '@aws-sdk/client-lambda';
import { names, type RotateThingsAnswer } from '@mooring/contracts';
import { invokeRotationRequest, RotationRequestFailedError } from '@mooring/functions/devices';
import { MooringError } from '../errors.js';
import { clientConfig, type Target } from '../target.js';

/**
 * Has the cloud ask devices for signing requests, now.
 *
 * @param things 1 to 1,000 names.
 * @throws MooringError `NotDeployed` when there is no such function; `RequestFailed` when it fails.
 */
export async function requestRotation(
  target: Target,
  things: readonly string[],
): Promise<RotateThingsAnswer> {
  const lambda = new LambdaClient(clientConfig(target));
  try {
    return await invokeRotationRequest(lambda, things);
  } catch (error) {
    if (error instanceof RotationRequestFailedError) throw new MooringError('RequestFailed', error.message);
    if (!(error instanceof ResourceNotFoundException)) throw error;
    throw new MooringError(
      'NotDeployed',
      `There is no function ${names.rotationRequestFunction}: run \`mooring deploy\` first`,
    );
  } finally {
    lambda.destroy();
  }
}
