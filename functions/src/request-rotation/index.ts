import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import type { RotateThingsAnswer } from '@mooring/contracts';
import { requiredNumber } from '../environment.js';
import { awsPorts } from '../rotation/ports.js';
import { defenderFindings } from './findings.js';
import { requestRotations } from './request.js';

const { iot, ...ports } = awsPorts();
const lambda = new LambdaClient({});

/** Milliseconds that are kept for handing over: a chunk of devices that AWS has wait, and the invocation. */
const HAND_OVER = 60_000;

/** What Lambda tells of an invocation, as far as it is used here. */
interface Context {
  readonly invokedFunctionArn: string;
  getRemainingTimeInMillis(): number;
}

/**
 * The Lambda handler that asks devices to rotate their certificates. `ROTATIONS_PER_SECOND` is how many devices may
 * do so in a second, `ROTATION_PATIENCE_SECONDS` after how long a device is asked again.
 */
export async function handler(event: unknown, context: Context): Promise<RotateThingsAnswer | undefined> {
  const [, partition, , region, account] = context.invokedFunctionArn.split(':');
  return requestRotations(event, {
    ...ports,
    readFindings: defenderFindings(iot),
    certificateArn: (id) => `arn:${partition}:iot:${region}:${account}:cert/${id}`,
    perSecond: requiredNumber('ROTATIONS_PER_SECOND'),
    patience: requiredNumber('ROTATION_PATIENCE_SECONDS') * 1000,
    hasTime: () => context.getRemainingTimeInMillis() > HAND_OVER,
    async continueWith(rest) {
      await lambda.send(
        new InvokeCommand({
          FunctionName: context.invokedFunctionArn,
          InvocationType: 'Event',
          Payload: Buffer.from(JSON.stringify(rest)),
        }),
      );
    },
  });
}
