import { names } from '@mooring/contracts';
import type { Role } from '@pulumi/aws-native/iam/index.js';
import { Policy, ProvisioningTemplate } from '@pulumi/aws-native/iot/index.js';
import { Permission } from '@pulumi/aws-native/lambda/index.js';
import { allowlistHook } from './allowlist-hook.js';
import { claimPolicyDocument } from './claim-policy.js';
import { type FleetIdentity, thingGroupArn } from './fleet-identity.js';
import type { FunctionInputs } from './lambda-function.js';
import { arn, type Place } from './place.js';
import { policyDocument, trustPolicy } from './policy-document.js';
import { provisioningTemplateBody } from './provisioning-template.js';
import { serviceRole } from './service-role.js';

export interface Provisioning {
  readonly claimPolicy: Policy;
  readonly template: ProvisioningTemplate;
}

/** How a device with a claim certificate becomes one of the fleet, if its serial number is on the allowlist. */
export function provisioning(
  place: Place,
  inputs: FunctionInputs & Pick<FleetIdentity, 'thingGroup' | 'devicePolicy'>,
): Provisioning {
  const templateArn = arn(place, 'iot', `provisioningtemplate/${names.provisioningTemplate}`);
  const claimPolicy = new Policy('claim-policy', {
    policyName: names.claimPolicy,
    policyDocument: claimPolicyDocument(place),
  });
  const hook = allowlistHook(place, inputs);
  const permission = new Permission('allowlist-hook-permission', {
    action: 'lambda:InvokeFunction',
    functionName: hook.arn,
    principal: 'iot.amazonaws.com',
    sourceAccount: place.account,
    sourceArn: templateArn,
  });
  const role = provisioningRole(place, templateArn);
  const template = new ProvisioningTemplate(
    'provisioning-template',
    {
      templateName: names.provisioningTemplate,
      templateType: 'FLEET_PROVISIONING',
      description: 'Registers a device of the allowlist under its serial number',
      enabled: true,
      provisioningRoleArn: role.arn,
      templateBody: provisioningTemplateBody(),
      preProvisioningHook: { payloadVersion: '2020-04-01', targetArn: hook.arn },
    },
    { dependsOn: [permission, inputs.thingGroup, inputs.devicePolicy] },
  );
  return { claimPolicy, template };
}

/**
 * The role in which AWS IoT carries out the template: what AWS's `AWSIoTThingsRegistration` allows, kept to
 * the actions and resources of this template.
 */
function provisioningRole(place: Place, templateArn: string): Role {
  const iot = (resource: string) => arn(place, 'iot', resource);
  return serviceRole(place, 'provisioning-role', {
    roleName: 'GreengrassFleetProvisioningRole',
    description: 'Assumed by AWS IoT to register devices through the fleet provisioning template',
    assumeRolePolicyDocument: trustPolicy('iot.amazonaws.com', place.account, templateArn),
    policies: [
      {
        policyName: 'register-devices',
        policyDocument: policyDocument(
          {
            // Things are named by serial numbers, which the hook decides on.
            Effect: 'Allow',
            Action: [
              'iot:AddThingToThingGroup',
              'iot:CreateThing',
              'iot:DescribeThing',
              'iot:ListThingGroupsForThing',
              'iot:ListThingPrincipals',
              'iot:RemoveThingFromThingGroup',
              'iot:UpdateThing',
              'iot:UpdateThingGroupsForThing',
            ],
            Resource: [iot('thing/*')],
          },
          {
            Effect: 'Allow',
            Action: [
              'iot:AddThingToThingGroup',
              'iot:DescribeThingGroup',
              'iot:RemoveThingFromThingGroup',
              'iot:UpdateThingGroupsForThing',
            ],
            Resource: [thingGroupArn(place)],
          },
          {
            // Certificate ids are hashes, unknown beforehand.
            Effect: 'Allow',
            Action: [
              'iot:AttachPolicy',
              'iot:AttachPrincipalPolicy',
              'iot:AttachThingPrincipal',
              'iot:DescribeCertificate',
              'iot:DetachThingPrincipal',
              'iot:ListAttachedPolicies',
              'iot:UpdateCertificate',
            ],
            Resource: [iot('cert/*')],
          },
          {
            Effect: 'Allow',
            Action: ['iot:GetPolicy'],
            Resource: [iot(`policy/${names.devicePolicy}`)],
          },
          {
            // AWS IoT defines no resource for these three actions.
            Effect: 'Allow',
            Action: ['iot:ListPrincipalPolicies', 'iot:ListPrincipalThings', 'iot:RegisterThing'],
            Resource: ['*'],
          },
        ),
      },
    ],
  });
}
