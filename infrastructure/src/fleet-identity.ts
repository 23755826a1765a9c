import { bucketNames, containerComponents, logGroups, names } from '@mooring/contracts';
import { Policy, RoleAlias, ThingGroup } from '@pulumi/aws-native/iot/index.js';
import { devicePolicyDocument } from './device-policy.js';
import { arn, bucketArn, type Place } from './place.js';
import { policyDocument, trustPolicy } from './policy-document.js';
import { serviceRole } from './service-role.js';

export interface FleetIdentity {
  readonly thingGroup: ThingGroup;
  readonly devicePolicy: Policy;
  readonly roleAlias: RoleAlias;
}

/** Who the devices are: their group, what their certificates allow, and the role their components assume. */
export function fleetIdentity(place: Place): FleetIdentity {
  const thingGroup = new ThingGroup('thing-group', {
    thingGroupName: names.thingGroup,
    thingGroupProperties: { thingGroupDescription: 'Every provisioned device of the fleet' },
  });
  const devicePolicy = new Policy('device-policy', {
    policyName: names.devicePolicy,
    policyDocument: devicePolicyDocument(place),
  });
  const { artifacts } = bucketNames(place.account, place.region);
  const role = serviceRole(place, 'token-exchange-role', {
    roleName: names.tokenExchangeRole,
    description: 'Assumed by the components of a device through its certificate',
    assumeRolePolicyDocument: trustPolicy('credentials.iot.amazonaws.com', place.account),
    policies: [
      {
        policyName: 'component-artifacts',
        policyDocument: policyDocument(
          { Effect: 'Allow', Action: ['s3:GetBucketLocation'], Resource: [bucketArn(place, artifacts)] },
          { Effect: 'Allow', Action: ['s3:GetObject'], Resource: [bucketArn(place, artifacts, '*')] },
        ),
      },
      {
        policyName: 'component-images',
        policyDocument: policyDocument(
          // Amazon ECR defines no resource for this action.
          { Effect: 'Allow', Action: ['ecr:GetAuthorizationToken'], Resource: ['*'] },
          {
            Effect: 'Allow',
            Action: ['ecr:BatchGetImage', 'ecr:GetDownloadUrlForLayer'],
            Resource: containerComponents.map((name) => arn(place, 'ecr', `repository/${name}`)),
          },
        ),
      },
      {
        policyName: 'component-logs',
        policyDocument: policyDocument({
          Effect: 'Allow',
          Action: [
            'logs:CreateLogGroup',
            'logs:CreateLogStream',
            'logs:DescribeLogStreams',
            'logs:PutLogEvents',
          ],
          // The log manager names its groups by component, and their streams by day and thing.
          Resource: [arn(place, 'logs', `log-group:${logGroups.prefix}*`)],
        }),
      },
    ],
  });
  const roleAlias = new RoleAlias('role-alias', {
    roleAlias: names.roleAlias,
    roleArn: role.arn,
    credentialDurationSeconds: 3600,
  });
  return { thingGroup, devicePolicy, roleAlias };
}

/** The ARN of the fleet's thing group. */
export function thingGroupArn(place: Place): string {
  return arn(place, 'iot', `thinggroup/${names.thingGroup}`);
}
