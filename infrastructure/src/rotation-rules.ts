import { names } from '@mooring/contracts';
import { TopicRule } from '@pulumi/aws-native/iot/index.js';
import { type Function as LambdaFunction, Permission } from '@pulumi/aws-native/lambda/index.js';
import { arn, type Place } from './place.js';
import { policyDocument, trustPolicy } from './policy-document.js';
import type { DeadLetters, RotationFunctions } from './rotation-functions.js';
import { serviceRole } from './service-role.js';

/**
 * What devices answer, on its way to the functions. Whose message it is comes from the topic and the connection;
 * of the payload only that is taken which the function is about. What cannot reach its function is kept.
 */
export function rotationRules(
  place: Place,
  { sign, retire }: Pick<RotationFunctions, 'sign' | 'retire'>,
  { deadLetters, deadLettersArn }: DeadLetters,
): void {
  const rules = [
    { name: 'csr-rule', rule: names.csrRule, member: 'csr', topic: 'csr_res', to: sign },
    {
      name: 'certificate-ack-rule',
      rule: names.certificateAckRule,
      member: 'certificateArn',
      topic: 'crt_ack',
      to: retire,
    },
  ] as const;
  const role = serviceRole(place, 'rotation-rules-role', {
    roleName: 'GreengrassRotationRulesRole',
    description: 'Assumed by AWS IoT to keep messages of devices that no function could be invoked with',
    assumeRolePolicyDocument: trustPolicy(
      'iot.amazonaws.com',
      place.account,
      ...rules.map(({ rule }) => ruleArn(place, rule)),
    ),
    policies: [
      {
        policyName: 'keep-messages',
        policyDocument: policyDocument({
          Effect: 'Allow',
          Action: ['sqs:SendMessage'],
          Resource: [deadLettersArn],
        }),
      },
    ],
  });
  for (const { name, rule, member, topic, to } of rules) {
    const permission = mayInvoke(place, name, rule, to);
    new TopicRule(
      name,
      {
        ruleName: rule,
        topicRulePayload: {
          awsIotSqlVersion: '2016-03-23',
          sql: `SELECT ${member}, topic(2) AS thing, principal() AS principal, clientid() AS clientId FROM 'lambda/+/${topic}'`,
          ruleDisabled: false,
          actions: [{ lambda: { functionArn: to.arn } }],
          errorAction: {
            sqs: { queueUrl: deadLetters.queueUrl, roleArn: role.arn, useBase64: false },
          },
        },
      },
      { dependsOn: [permission] },
    );
  }
}

function mayInvoke(place: Place, name: string, rule: string, to: LambdaFunction): Permission {
  return new Permission(`${name}-permission`, {
    action: 'lambda:InvokeFunction',
    functionName: to.arn,
    principal: 'iot.amazonaws.com',
    sourceAccount: place.account,
    sourceArn: ruleArn(place, rule),
  });
}

function ruleArn(place: Place, rule: string): string {
  return arn(place, 'iot', `rule/${rule}`);
}
