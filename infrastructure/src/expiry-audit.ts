import { names } from '@mooring/contracts';
import type { Role } from '@pulumi/aws-native/iam/index.js';
import { AccountAuditConfiguration, ScheduledAudit } from '@pulumi/aws-native/iot/index.js';
import { type Function as LambdaFunction, Permission } from '@pulumi/aws-native/lambda/index.js';
import { Subscription, Topic, TopicInlinePolicy } from '@pulumi/aws-native/sns/index.js';
import { arn, type Place } from './place.js';
import { policyDocument, trustPolicy } from './policy-document.js';
import { serviceRole } from './service-role.js';

const NOTIFIER = 'GreengrassAuditNotificationRole';

/**
 * The daily audit that finds certificates which expire within 30 days, and how `listener` is told of it. An account
 * has one audit configuration in a region: where somebody else has made it already, the deployment fails and says so.
 */
export function expiryAudit(place: Place, listener: LambdaFunction): void {
  const auditor = serviceRole(place, 'audit-role', {
    roleName: 'GreengrassCertificateAuditRole',
    description: 'Assumed by AWS IoT Device Defender to look at the certificates of devices',
    assumeRolePolicyDocument: trustPolicy('iot.amazonaws.com', place.account),
    policies: [
      {
        policyName: 'audit-certificates',
        policyDocument: policyDocument(
          {
            // Certificate ids are hashes, unknown beforehand.
            Effect: 'Allow',
            Action: ['iot:DescribeCertificate'],
            Resource: [arn(place, 'iot', 'cert/*')],
          },
          // AWS IoT defines no resource for this action.
          { Effect: 'Allow', Action: ['iot:ListCertificates'], Resource: ['*'] },
        ),
      },
    ],
  });
  const notifier = serviceRole(place, 'audit-notification-role', {
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
  const topic = expiryTopic(place, notifier, listener);
  const configuration = new AccountAuditConfiguration('audit-configuration', {
    accountId: place.account,
    roleArn: auditor.arn,
    auditCheckConfigurations: { deviceCertificateExpiringCheck: { enabled: true } },
    auditNotificationTargetConfigurations: {
      sns: { enabled: true, roleArn: notifier.arn, targetArn: topic.topicArn },
    },
  });
  new ScheduledAudit(
    'certificate-audit',
    {
      scheduledAuditName: names.certificateAudit,
      frequency: 'DAILY',
      targetCheckNames: ['DEVICE_CERTIFICATE_EXPIRING_CHECK'],
    },
    { dependsOn: [configuration] },
  );
}

/**
 * The topic that audits are told on, to which only Device Defender publishes. A message names an audit and counts
 * its findings: nothing that would need a key of its own to be encrypted with.
 */
function expiryTopic(place: Place, notifier: Role, listener: LambdaFunction): Topic {
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
  return topic;
}

function topicArn(place: Place): string {
  return arn(place, 'sns', names.certificateExpiringTopic);
}
