import { z } from 'zod';
import { AwsError } from '../../../../errors.js';
import { type ActionContext, type PreparedAction, parameters, template } from './action.js';

const schema = z.strictObject({
  roleArn: z.string(),
  queueUrl: z.string().min(1),
  useBase64: z.boolean().optional(),
});

/** The account and the name that end a queue's URL, whatever host it names. */
const QUEUE = /\/(\d{12})\/([\w-]{1,80}(?:\.fifo)?)$/;

/** Sends to an SQS queue. */
export function sqsAction(given: unknown, context: ActionContext): PreparedAction | undefined {
  const { queues } = context.targets;
  if (!queues) return undefined;
  const { roleArn, queueUrl, useBase64 = false } = parameters('sqs', schema, given);
  const fill = template(queueUrl, context);
  return {
    name: 'SqsAction',
    member: 'sqs',
    failure: 'Failed to send message to SQS',
    service: 'AmazonSQS',
    target: queueUrl,
    async plan({ message, output }) {
      const url = await fill(message);
      return {
        resource: url,
        details: `Queue URL: ${url}`,
        async perform() {
          const [, account, name] = QUEUE.exec(url) ?? [];
          if (account === undefined || name === undefined) {
            throw new AwsError('QueueDoesNotExist', `The specified queue does not exist: ${url}`);
          }
          const queueArn = `arn:aws:sqs:${context.region}:${account}:${name}`;
          context.roles.require(roleArn, 'sqs:SendMessage', queueArn);
          await queues.send(queueArn, Buffer.from(output.payload).toString(useBase64 ? 'base64' : 'utf8'));
        },
      };
    },
  };
}
