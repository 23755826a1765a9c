import { eventRules, names } from '@mooring/contracts';
import { arn, type Place } from '../place.js';
import type { Statement } from '../policy-document.js';
import { allow } from './statements.js';

/** Cloud Control, which makes resources in the pipeline's name, and what it makes in AWS IoT, SNS and SQS. */
export function infrastructureStatements(place: Place): Statement[] {
  return [
    // AWS defines no resource for Cloud Control's actions. They allow nothing by themselves: what they do to a resource
    // has to be allowed as well. The registry tells the schemas of types.
    allow(
      [
        'cloudformation:CancelResourceRequest',
        'cloudformation:CreateResource',
        'cloudformation:DeleteResource',
        'cloudformation:DescribeType',
        'cloudformation:GetResource',
        'cloudformation:GetResourceRequestStatus',
        'cloudformation:ListResources',
        'cloudformation:UpdateResource',
      ],
      ['*'],
    ),
    ...iot(place),
    ...notifications(place),
  ];
}

function iot(place: Place): Statement[] {
  const of = (resource: string) => arn(place, 'iot', resource);
  const tags = ['iot:ListTagsForResource', 'iot:TagResource', 'iot:UntagResource'];
  return [
    allow(
      [
        ...tags,
        'iot:CreatePolicy',
        'iot:CreatePolicyVersion',
        'iot:CreateProvisioningTemplate',
        'iot:CreateProvisioningTemplateVersion',
        'iot:CreateRoleAlias',
        'iot:CreateThingGroup',
        'iot:CreateTopicRule',
        'iot:DeletePolicy',
        'iot:DeletePolicyVersion',
        'iot:DeleteProvisioningTemplate',
        'iot:DeleteProvisioningTemplateVersion',
        'iot:DeleteRoleAlias',
        'iot:DeleteThingGroup',
        'iot:DeleteTopicRule',
        'iot:DescribeProvisioningTemplate',
        'iot:DescribeRoleAlias',
        'iot:DescribeThingGroup',
        'iot:GetPolicy',
        'iot:GetTopicRule',
        'iot:ListPolicyVersions',
        'iot:ListProvisioningTemplateVersions',
        'iot:ListTargetsForPolicy',
        'iot:ReplaceTopicRule',
        'iot:SetDefaultPolicyVersion',
        'iot:UpdateProvisioningTemplate',
        'iot:UpdateRoleAlias',
        'iot:UpdateThingGroup',
      ],
      [
        of(`policy/${names.devicePolicy}`),
        of(`policy/${names.claimPolicy}`),
        of(`policy/${names.dashboardPolicy}`),
        of(`provisioningtemplate/${names.provisioningTemplate}`),
        of(`rolealias/${names.roleAlias}`),
        of(`thinggroup/${names.thingGroup}`),
        of(`rule/${names.csrRule}`),
        of(`rule/${names.certificateAckRule}`),
        of(`rule/${names.telemetryRule}`),
        ...Object.values(eventRules).map((rule) => of(`rule/${rule}`)),
      ],
    ),
    allow(
      [
        ...tags,
        'iot:CreateScheduledAudit',
        'iot:DeleteScheduledAudit',
        'iot:DescribeScheduledAudit',
        'iot:UpdateScheduledAudit',
      ],
      [of(`scheduledaudit/${names.certificateAudit}`)],
    ),
    // The account has one configuration each of audits, logging, events and the fleet index, for which AWS IoT defines no resource.
    allow(
      [
        'iot:DeleteAccountAuditConfiguration',
        'iot:DescribeAccountAuditConfiguration',
        'iot:DescribeEventConfigurations',
        'iot:GetIndexingConfiguration',
        'iot:GetV2LoggingOptions',
        'iot:SetV2LoggingOptions',
        'iot:UpdateAccountAuditConfiguration',
        'iot:UpdateEventConfigurations',
        'iot:UpdateIndexingConfiguration',
      ],
      ['*'],
    ),
  ];
}

/** The topic and the queue of the rotation of certificates. */
function notifications(place: Place): Statement[] {
  const topic = arn(place, 'sns', names.certificateExpiringTopic);
  return [
    allow(
      [
        'sns:CreateTopic',
        'sns:DeleteTopic',
        'sns:GetDataProtectionPolicy',
        'sns:GetSubscriptionAttributes',
        'sns:GetTopicAttributes',
        'sns:ListSubscriptionsByTopic',
        'sns:ListTagsForResource',
        'sns:SetSubscriptionAttributes',
        'sns:SetTopicAttributes',
        'sns:Subscribe',
        'sns:TagResource',
        'sns:Unsubscribe',
        'sns:UntagResource',
      ],
      [topic, `${topic}:*`],
    ),
    allow(
      [
        'sqs:CreateQueue',
        'sqs:DeleteQueue',
        'sqs:GetQueueAttributes',
        'sqs:GetQueueUrl',
        'sqs:ListQueueTags',
        'sqs:SetQueueAttributes',
        'sqs:TagQueue',
        'sqs:UntagQueue',
      ],
      [arn(place, 'sqs', names.rotationDeadLetters)],
    ),
  ];
}
