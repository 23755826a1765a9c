import { InvokeCommand, type LambdaClient } from '@aws-sdk/client-lambda';
import { names, parseMessage, RotateThingsAnswer, type RotateThingsEvent } from '@mooring/contracts';
import { z } from 'zod';
import type { CallOptions } from './call-options.js';

/** The function that asks for rotations failed. */
export class RotationRequestFailedError extends Error {
  override readonly name = 'RotationRequestFailedError';
}

/** What a function of AWS Lambda answers when it fails. */
const Failure = z.object({ errorMessage: z.string() });

/**
 * Has the cloud ask devices for signing requests, now.
 *
 * @param things 1 to 1,000 names.
 * @throws RotationRequestFailedError when the function fails; ResourceNotFoundException when there is none.
 */
export async function invokeRotationRequest(
  lambda: LambdaClient,
  things: readonly string[],
  options: CallOptions = {},
): Promise<RotateThingsAnswer> {
  const FunctionName = names.rotationRequestFunction;
  const event: RotateThingsEvent = { things: [...things] };
  const { FunctionError, Payload = new Uint8Array() } = await lambda.send(
    new InvokeCommand({ FunctionName, Payload: Buffer.from(JSON.stringify(event)) }),
    options,
  );
  const failed = (why: string) =>
    new RotationRequestFailedError(
      `The function ${FunctionName} failed: ${why}; its log is /aws/lambda/${FunctionName}`,
    );
  if (FunctionError !== undefined) {
    const failure = parseMessage(Failure, Payload);
    throw failed(failure.ok ? failure.value.errorMessage : FunctionError);
  }
  const answer = parseMessage(RotateThingsAnswer, Payload);
  if (!answer.ok) throw failed(`its answer cannot be read, ${answer.problem}`);
  return answer.value;
}
