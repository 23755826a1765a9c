import { z } from 'zod';
import { type ActionContext, type PreparedAction, parameters, template } from './action.js';

const schema = z.strictObject({
  roleArn: z.string(),
  targetArn: z.string().min(1),
  messageFormat: z.enum(['RAW', 'JSON']).optional(),
});

/** Publishes to an SNS topic; with the format JSON a message for each protocol. */
export function snsAction(given: unknown, context: ActionContext): PreparedAction | undefined {
  const { topics } = context.targets;
  if (!topics) return undefined;
  const { roleArn, targetArn, messageFormat } = parameters('sns', schema, given);
  const fill = template(targetArn, context);
  return {
    name: 'SnsAction',
    member: 'sns',
    failure: 'Failed to publish SNS message',
    service: 'AmazonSNS',
    target: targetArn,
    async plan({ message, output }) {
      const topicArn = await fill(message);
      return {
        resource: topicArn,
        details: `Target Arn: ${topicArn}`,
        async perform() {
          context.roles.require(roleArn, 'sns:Publish', topicArn);
          await topics.publish(topicArn, {
            message: Buffer.from(output.payload).toString('utf8'),
            ...(messageFormat === 'JSON' && { messageStructure: 'json' as const }),
          });
        },
      };
    },
  };
}
