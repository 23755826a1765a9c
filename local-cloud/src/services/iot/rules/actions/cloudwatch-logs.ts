import { z } from 'zod';
import { AwsError } from '../../../../errors.js';
import type { LogEvent } from '../../../cloudwatch-logs/writer.js';
import { type ActionContext, type ActionJob, type PreparedAction, parameters, template } from './action.js';

const schema = z.strictObject({
  roleArn: z.string(),
  logGroupName: z.string().min(1),
  batchMode: z.boolean().optional(),
});
const batchSchema = z
  .array(z.object({ timestamp: z.number().int().nonnegative(), message: z.string().min(1) }))
  .min(1);

/**
 * Writes to a log group, which has to be there; the log stream is named after the rule. With `batchMode` the
 * message is a list of `{timestamp, message}` (AWS IoT developer guide, "CloudWatch Logs").
 */
export function cloudwatchLogsAction(given: unknown, context: ActionContext): PreparedAction | undefined {
  const { logs } = context.targets;
  if (!logs) return undefined;
  const { roleArn, logGroupName, batchMode = false } = parameters('cloudwatchLogs', schema, given);
  const fill = template(logGroupName, context);

  function eventsOf({ output }: ActionJob): LogEvent[] {
    if (!batchMode) {
      return [{ timestamp: context.now(), message: Buffer.from(output.payload).toString('utf8') }];
    }
    const result = batchSchema.safeParse(output.value);
    if (result.success) return result.data;
    throw new AwsError(
      'InvalidParameterException',
      'With batchMode the payload has to be a list of objects with timestamp and message',
    );
  }

  return {
    name: 'CloudwatchLogsAction',
    member: 'cloudwatchLogs',
    failure: 'Failed to send message to CloudWatch Logs',
    service: 'AWSLogs',
    target: logGroupName,
    async plan(job) {
      const group = await fill(job.message);
      return {
        resource: group,
        details: `Log group: ${group}`,
        async perform() {
          const arn = `arn:aws:logs:${context.region}:${context.accountId}:log-group:${group}`;
          context.roles.require(roleArn, 'logs:CreateLogStream', `${arn}:*`);
          context.roles.require(roleArn, 'logs:PutLogEvents', `${arn}:log-stream:${context.ruleName}`);
          const events = eventsOf(job);
          if (!logs.hasGroup(group)) {
            throw new AwsError('ResourceNotFoundException', 'The specified log group does not exist.');
          }
          logs.write(group, context.ruleName, events);
        },
      };
    },
  };
}
