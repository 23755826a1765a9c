import { getAccountId } from '@pulumi/aws-native/getAccountId.js';
import { getPartition } from '@pulumi/aws-native/getPartition.js';
import { getRegion } from '@pulumi/aws-native/getRegion.js';

/** Where a stack is deployed to. */
export interface Place {
  /** `aws` outside of China and the government regions. */
  readonly partition: string;
  readonly region: string;
  /** The 12 digits of the AWS account. */
  readonly account: string;
  /** ARN of the managed policy that limits what the roles made here can be allowed; where there is one. */
  readonly permissionsBoundary?: string;
}

/**
 * Asks the provider where it deploys to. These are plain values, known before any resource exists, so that
 * names and policy documents are built by ordinary functions. The target answers the three invokes: the
 * provider plugin on AWS, the deploy engine for the local cloud.
 */
export async function currentPlace(): Promise<Place> {
  const [{ partition }, { region }, { accountId }] = await Promise.all([
    getPartition(),
    getRegion(),
    getAccountId(),
  ]);
  return { partition, region, account: accountId };
}

/** The ARN of a resource of `service` in the stack's own region and account. */
export function arn(place: Place, service: string, resource: string): string {
  return `arn:${place.partition}:${service}:${place.region}:${place.account}:${resource}`;
}

/** The ARN of a bucket, or of the objects whose key matches `key` in it. */
export function bucketArn(place: Place, bucket: string, key?: string): string {
  return `arn:${place.partition}:s3:::${bucket}${key === undefined ? '' : `/${key}`}`;
}
