import { logGroups } from '@mooring/contracts';
import type { Table } from '@pulumi/aws-native/dynamodb/index.js';
import { TopicRule } from '@pulumi/aws-native/iot/index.js';
import type { LogGroup } from '@pulumi/aws-native/logs/index.js';
import { arn, type Place } from './place.js';
import { policyDocument, trustPolicy } from './policy-document.js';
import { serviceRole } from './service-role.js';

/** Rules that write one table, and the role that AWS IoT assumes for them. */
export interface StoringRules {
  /** The role's logical and its real name. */
  readonly role: { readonly name: string; readonly roleName: string };
  readonly table: Table;
  readonly tableName: string;
  /** Takes what could not be stored. */
  readonly failures: LogGroup;
  /** SQL by the rule's logical and its real name; what it selects becomes an item. */
  readonly rules: readonly { readonly name: string; readonly ruleName: string; readonly sql: string }[];
}

/**
 * Rules whose messages become items, by AWS IoT itself: no function runs for them. What cannot be written is logged and
 * not kept otherwise: nothing depends on a single one of these items.
 */
export function storingRules(place: Place, { role, table, tableName, failures, rules }: StoringRules): void {
  const writer = serviceRole(place, role.name, {
    roleName: role.roleName,
    description: `Assumed by AWS IoT to write what rules select to the table ${tableName}`,
    assumeRolePolicyDocument: trustPolicy(
      'iot.amazonaws.com',
      place.account,
      ...rules.map(({ ruleName }) => arn(place, 'iot', `rule/${ruleName}`)),
    ),
    policies: [
      {
        policyName: 'store-messages',
        policyDocument: policyDocument(
          {
            Effect: 'Allow',
            Action: ['dynamodb:PutItem'],
            Resource: [arn(place, 'dynamodb', `table/${tableName}`)],
          },
          {
            Effect: 'Allow',
            Action: ['logs:CreateLogStream', 'logs:DescribeLogStreams', 'logs:PutLogEvents'],
            Resource: [arn(place, 'logs', `log-group:${logGroups.rules}:*`)],
          },
        ),
      },
    ],
  });
  for (const { name, ruleName, sql } of rules) {
    new TopicRule(
      name,
      {
        ruleName,
        topicRulePayload: {
          awsIotSqlVersion: '2016-03-23',
          sql,
          ruleDisabled: false,
          actions: [{ dynamoDBv2: { roleArn: writer.arn, putItem: { tableName } } }],
          errorAction: { cloudwatchLogs: { logGroupName: logGroups.rules, roleArn: writer.arn } },
        },
      },
      { dependsOn: [table, failures] },
    );
  }
}

/** SQL of an item's time to live: so many days from now, in seconds since 1970. */
export function expiresIn(days: number): string {
  return `floor(timestamp() / 1000) + ${days * 86_400} AS expires`;
}
