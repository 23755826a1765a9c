import { bucketNames, containerComponents, names } from '@mooring/contracts';
import { arn, bucketArn, type Place } from '../place.js';
import type { Statement } from '../policy-document.js';
import { allow } from './statements.js';

/** The buckets, image repositories and tables of the infrastructure program. */
export function serviceStatements(place: Place): Statement[] {
  const buckets = bucketNames(place.account, place.region);
  const own = [buckets.provisioning, buckets.artifacts, buckets.dashboard, buckets.images].map((name) =>
    bucketArn(place, name),
  );
  return [
    // The wildcards are for the many settings of a bucket, all of which Cloud Control reads.
    allow(
      [
        's3:CreateBucket',
        's3:DeleteBucket',
        's3:DeleteBucketPolicy',
        's3:GetAccelerateConfiguration',
        's3:GetBucket*',
        's3:Get*Configuration',
        's3:ListBucket',
        's3:ListBucketVersions',
        's3:ListTagsForResource',
        's3:PutBucketOwnershipControls',
        's3:PutBucketPolicy',
        's3:PutBucketPublicAccessBlock',
        's3:PutBucketTagging',
        's3:PutBucketVersioning',
        's3:PutEncryptionConfiguration',
      ],
      own,
    ),
    // A bucket must be empty to be deleted.
    allow(
      ['s3:DeleteObject', 's3:DeleteObjectVersion'],
      own.map((bucket) => `${bucket}/*`),
    ),
    allow(
      [
        'ecr:CreateRepository',
        'ecr:DeleteLifecyclePolicy',
        'ecr:DeleteRepository',
        'ecr:DeleteRepositoryPolicy',
        'ecr:DescribeRepositories',
        'ecr:GetLifecyclePolicy',
        'ecr:GetRepositoryPolicy',
        'ecr:ListTagsForResource',
        'ecr:PutImageScanningConfiguration',
        'ecr:PutImageTagMutability',
        'ecr:PutLifecyclePolicy',
        'ecr:SetRepositoryPolicy',
        'ecr:TagResource',
        'ecr:UntagResource',
      ],
      containerComponents.map((name) => arn(place, 'ecr', `repository/${name}`)),
    ),
    // Cloud Control asks for every setting of a table.
    allow(
      [
        'dynamodb:CreateTable',
        'dynamodb:DeleteTable',
        'dynamodb:DescribeContinuousBackups',
        'dynamodb:DescribeContributorInsights',
        'dynamodb:DescribeKinesisStreamingDestination',
        'dynamodb:DescribeTable',
        'dynamodb:DescribeTimeToLive',
        'dynamodb:GetResourcePolicy',
        'dynamodb:ListTagsOfResource',
        'dynamodb:TagResource',
        'dynamodb:UntagResource',
        'dynamodb:UpdateContinuousBackups',
        'dynamodb:UpdateContributorInsights',
        'dynamodb:UpdateTable',
        'dynamodb:UpdateTimeToLive',
      ],
      [names.telemetryTable, names.eventsTable].map((table) => arn(place, 'dynamodb', `table/${table}`)),
    ),
  ];
}
