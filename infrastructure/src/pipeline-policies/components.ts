import { bucketNames, componentNames, containerComponents, names } from '@mooring/contracts';
import { arn, bucketArn, type Place } from '../place.js';
import type { Statement } from '../policy-document.js';
import { allow } from './statements.js';

/** The fleet's own components: their images, artifacts and versions, and what is deployed of them. */
export function componentStatements(place: Place): Statement[] {
  const greengrass = (resource: string) => arn(place, 'greengrass', resource);
  const components = Object.values(componentNames).map((name) => greengrass(`components:${name}`));
  const { artifacts } = bucketNames(place.account, place.region);
  const target = arn(place, 'iot', `thinggroup/${names.thingGroup}`);
  return [
    // Amazon ECR defines no resource for this action.
    allow(['ecr:GetAuthorizationToken'], ['*']),
    allow(
      [
        'ecr:BatchCheckLayerAvailability',
        'ecr:BatchGetImage',
        'ecr:CompleteLayerUpload',
        'ecr:GetDownloadUrlForLayer',
        'ecr:InitiateLayerUpload',
        'ecr:PutImage',
        'ecr:UploadLayerPart',
      ],
      containerComponents.map((name) => arn(place, 'ecr', `repository/${name}`)),
    ),
    allow(['s3:ListBucket'], [bucketArn(place, artifacts)]),
    // Never overwritten: the writes are conditional.
    allow(['s3:GetObject', 's3:PutObject'], [bucketArn(place, artifacts, '*')]),
    allow(
      [
        'greengrass:CreateComponentVersion',
        'greengrass:DescribeComponent',
        'greengrass:GetComponent',
        'greengrass:ListComponentVersions',
        'greengrass:ListTagsForResource',
        'greengrass:TagResource',
      ],
      [...components, ...components.map((component) => `${component}:versions:*`)],
    ),
    // AWS IoT Greengrass defines no resource for these actions.
    allow(
      [
        'greengrass:CreateDeployment',
        'greengrass:ListComponents',
        'greengrass:ListCoreDevices',
        'greengrass:ListDeployments',
      ],
      ['*'],
    ),
    // Ids of deployments and of their jobs are made by AWS.
    allow(['greengrass:CancelDeployment', 'greengrass:GetDeployment'], [greengrass('deployments:*')]),
    allow(
      [
        'iot:CancelJob',
        'iot:CreateJob',
        'iot:DescribeJob',
        'iot:DescribeJobExecution',
        'iot:ListJobExecutionsForJob',
        'iot:UpdateJob',
      ],
      [arn(place, 'iot', 'job/*')],
    ),
    allow(['iot:DescribeJobExecution'], [arn(place, 'iot', 'thing/*')]),
    allow(['iot:CreateJob', 'iot:DescribeThingGroup'], [target]),
  ];
}
