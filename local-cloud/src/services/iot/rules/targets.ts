import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import type { LogGroups, LogWriter } from '../../cloudwatch-logs/writer.js';
import type { RoleDirectory } from '../../iam/directory.js';
import type { RoleAuthority } from '../../iam/role-authority.js';
import type { FunctionInvoker } from '../../lambda/invoker.js';
import type { ObjectWriter } from '../../s3/object-writer.js';

/**
 * What the actions of rules need of other services. An action whose service is left out is refused by name when a
 * rule with it is made.
 */
export interface RuleTargets {
  /** Without it no role can be assumed. */
  readonly roles?: (RoleAuthority & Pick<RoleDirectory, 'byArn' | 'trusts'>) | undefined;
  /** For `aws_lambda()` of rules' SQL. */
  readonly invoker?: FunctionInvoker | undefined;
  readonly functions?: EventQueue | undefined;
  readonly topics?: NotificationTopics | undefined;
  readonly queues?: MessageQueues | undefined;
  readonly items?: ItemTables | undefined;
  readonly writeObject?: ObjectWriter | undefined;
  readonly logs?: (LogWriter & LogGroups) | undefined;
}

/** Invokes functions asynchronously; the event is kept when the promise resolves. */
export interface EventQueue {
  invokeLater(
    functionArn: string,
    payload: Uint8Array,
    caller: { service: string; sourceArn: string },
  ): Promise<void>;
}

/** Publishes to SNS topics. */
export interface NotificationTopics {
  publish(
    topicArn: string,
    message: { message: string; messageStructure?: 'json' },
  ): Promise<{ messageId: string }>;
}

/** Sends to SQS queues. */
export interface MessageQueues {
  send(queueArn: string, body: string): Promise<unknown>;
}

/** Puts items into tables of DynamoDB. */
export interface ItemTables {
  put(tableName: string, item: Record<string, AttributeValue>): Promise<unknown>;
}
