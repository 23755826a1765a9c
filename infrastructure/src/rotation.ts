import { names } from '@mooring/contracts';
import { Queue } from '@pulumi/aws-native/sqs/index.js';
import { expiryAudit } from './expiry-audit.js';
import type { FunctionInputs } from './lambda-function.js';
import { arn, type Place } from './place.js';
import { type RotationPace, rotationFunctions } from './rotation-functions.js';
import { rotationRules } from './rotation-rules.js';

export interface Rotation {
  /** Takes the events that none of the rotation's functions could handle. */
  readonly deadLetters: Queue;
}

/**
 * How certificates are replaced before they expire: a daily audit tells which ones do, their devices are asked for
 * signing requests, these are signed, and what was replaced is retired.
 */
export function rotation(place: Place, inputs: FunctionInputs & RotationPace): Rotation {
  const deadLetters = new Queue('rotation-dead-letters', {
    queueName: names.rotationDeadLetters,
    // 14 days, the longest that SQS keeps a message.
    messageRetentionPeriod: 14 * 86_400,
    sqsManagedSseEnabled: true,
  });
  const deadLettersArn = arn(place, 'sqs', names.rotationDeadLetters);
  const functions = rotationFunctions(place, inputs, { deadLetters, deadLettersArn });
  rotationRules(place, functions, { deadLetters, deadLettersArn });
  expiryAudit(place, functions.request);
  return { deadLetters };
}
