import { bucketNames, names, objectKeys } from '@mooring/contracts';
import { bucketArn, type Place } from '../place.js';
import type { Statement } from '../policy-document.js';
import { allow } from './statements.js';

/**
 * The bootstrap bucket: Pulumi's state or the local engine's, the functions' code, the claim certificates. The state
 * of the pipeline's own access is there too, and is not for the pipeline; nor may it delete the bucket, its versions,
 * or the mark that says which stack the account is for.
 */
export function stateStatements(place: Place, stack: string): Statement[] {
  const { bootstrap } = bucketNames(place.account, place.region);
  const objects = (...keys: string[]) => keys.map((key) => bucketArn(place, bootstrap, key));
  return [
    allow(['s3:GetBucketVersioning', 's3:ListBucket'], [bucketArn(place, bootstrap)]),
    allow(
      ['s3:DeleteObject', 's3:GetObject', 's3:PutObject'],
      objects('claims/*', 'functions/*', 'pulumi/*', `state/${stack}.json`, `state/${stack}.lock.json`),
    ),
    allow(['s3:GetObject'], objects(objectKeys.accountMarker)),
    // Its own tags say which stack and region the account is for.
    allow(['iam:GetRole'], [`arn:${place.partition}:iam::${place.account}:role/${names.pipelineRole}`]),
  ];
}
