import type * as sdk from '@aws-sdk/client-iot';
import { AwsError } from '../../../errors.js';

/** Settings of jobs that are not built, and are refused by name rather than left out. */
const NOT_BUILT = [
  'presignedUrlConfig',
  'documentParameters',
  'schedulingConfig',
  'destinationPackageVersions',
  'maintenanceWindows',
] as const;

/** Job documents that want presigned URLs put into them, which are not built. */
const PRESIGNED_URL = '${aws:iot:s3-presigned-url';

/** The settings of a request, by the names that a job keeps them under. */
export function settingsOf(
  input: Pick<
    sdk.CreateJobCommandInput,
    'jobExecutionsRolloutConfig' | 'abortConfig' | 'timeoutConfig' | 'jobExecutionsRetryConfig'
  >,
) {
  const {
    jobExecutionsRolloutConfig: rollout,
    abortConfig: abort,
    timeoutConfig: timeout,
    jobExecutionsRetryConfig: retry,
  } = input;
  return {
    ...(rollout && { rollout }),
    ...(abort && { abort }),
    ...(timeout && { timeout }),
    ...(retry && { retry }),
  };
}

/** @throws AwsError `NotImplementedException` when a request has what is not built. */
export function refuseNotBuilt(input: Readonly<Record<string, unknown>> | object): void {
  for (const name of NOT_BUILT) {
    const value: unknown = name in input ? input[name as keyof typeof input] : undefined;
    const isEmpty = typeof value === 'object' && value !== null && Object.keys(value).length === 0;
    if (value !== undefined && !isEmpty) throw notBuilt(name);
  }
}

/** @throws AwsError `NotImplementedException` when a document wants presigned URLs. */
export function refusePresignedUrls(document: string): void {
  if (document.includes(PRESIGNED_URL)) throw notBuilt('presignedUrlConfig');
}

function notBuilt(member: string): AwsError {
  return new AwsError(
    'NotImplementedException',
    `The parameter ${member} of AWS IoT jobs is not built in the local cloud`,
    501,
  );
}
