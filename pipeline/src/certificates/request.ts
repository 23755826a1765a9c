import { InvokeCommand, LambdaClient, ResourceNotFoundException } from '@aws-sdk/client-lambda';
import { names, parseMessage, RotateThingsAnswer, type RotateThingsEvent } from '@mooring/contracts';
import { z } from 'zod';
import { MooringError } from '../errors.js';
import { clientConfig, type Target } from '../target.js';

/** What a function of AWS Lambda answers when it fails. */
const Failure = z.object({ errorMessage: z.string() });

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
  const FunctionName = names.rotationRequestFunction;
  const lambda = new LambdaClient(clientConfig(target));
  const event: RotateThingsEvent = { things: [...things] };
  try {
    const { FunctionError, Payload = new Uint8Array() } = await lambda.send(
      new InvokeCommand({ FunctionName, Payload: Buffer.from(JSON.stringify(event)) }),
    );
    const failed = (why: string) =>
      new MooringError(
        'RequestFailed',
        `The function ${FunctionName} failed: ${why}; its log is /aws/lambda/${FunctionName}`,
      );
    if (FunctionError !== undefined) {
      const failure = parseMessage(Failure, Payload);
      throw failed(failure.ok ? failure.value.errorMessage : FunctionError);
    }
    const answer = parseMessage(RotateThingsAnswer, Payload);
    if (!answer.ok) throw failed(`its answer cannot be read, ${answer.problem}`);
    return answer.value;
  } catch (error) {
    if (!(error instanceof ResourceNotFoundException)) throw error;
    throw new MooringError(
      'NotDeployed',
      `There is no function ${FunctionName}: run \`mooring deploy\` first`,
    );
  } finally {
    lambda.destroy();
  }
}
