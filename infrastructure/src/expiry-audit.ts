import { names } from '@mooring/contracts';
import { Role } from '@pulumi/aws-native/iam/index.js';
import { type Function as LambdaFunction, Permission } from '@pulumi/aws-native/lambda/index.js';
import { Subscription, Topic, TopicInlinePolicy } from '@pulumi/aws-native/sns/index.js';
import { arn, type Place } from './place.js';
import { policyDocument, trustPolicy } from './policy-document.js';

const NOTIFIER = 'GreengrassAuditNotificationRole';

/** How `listener` is told of audits that find certificates which are about to expire. */
export function expiryAudit(place: Place, listener: LambdaFunction): void {
  const notifier = new Role('audit-notification-role', {
    roleName: NOTIFIER,
    description: 'Assumed by AWS IoT Device Defender to tell that an audit is over',
    assumeRolePolicyDocument: trustPolicy('iot.amazonaws.com', place.account),
    policies: [
      {
        policyName: 'publish-audits',
        policyDocument: policyDocument({
          Effect: 'Allow',
          Action: ['sns:Publish'],
          Resource: [topicArn(place)],
        }),
      },
    ],
  });
  expiryTopic(place, notifier, listener);
}

/**
 * The topic that audits are told on, to which only Device Defender publishes. A message names an audit and counts
 * its findings: nothing that would need a key of its own to be encrypted with.
 */
function expiryTopic(place: Place, notifier: Role, listener: LambdaFunction): void {
  const topic = new Topic('certificate-expiring-topic', { topicName: names.certificateExpiringTopic });
  new TopicInlinePolicy(
    'certificate-expiring-topic-policy',
    {
      topicArn: topic.topicArn,
      policyDocument: policyDocument(
        {
          Sid: 'OnlyAudits',
          Effect: 'Allow',
          Principal: { AWS: `arn:${place.partition}:iam::${place.account}:role/${NOTIFIER}` },
          Action: ['sns:Publish'],
          Resource: [topicArn(place)],
        },
        {
          Sid: 'OnlyOverTls',
          Effect: 'Deny',
          Principal: '*',
          Action: ['sns:Publish'],
          Resource: [topicArn(place)],
          Condition: { Bool: { 'aws:SecureTransport': 'false' } },
        },
      ),
    },
    // SNS takes only principals that exist.
    { dependsOn: [notifier] },
  );
  const permission = new Permission('certificate-expiring-permission', {
    action: 'lambda:InvokeFunction',
    functionName: listener.arn,
    principal: 'sns.amazonaws.com',
    // It holds the account.
    sourceArn: topicArn(place),
  });
  new Subscription(
    'certificate-expiring-subscription',
    { topicArn: topic.topicArn, protocol: 'lambda', endpoint: listener.arn },
    { dependsOn: [permission] },
  );
}

function topicArn(place: Place): string {
  return arn(place, 'sns', names.certificateExpiringTopic);
}
