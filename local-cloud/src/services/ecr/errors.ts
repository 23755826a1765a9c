import * as sdk from '@aws-sdk/client-ecr';

/** The errors of the ECR API that most operations share. */

export function invalidParameter(message: string): sdk.InvalidParameterException {
  return new sdk.InvalidParameterException({ message, $metadata: {} });
}

/** What ECR says of a parameter whose value is not allowed. */
export function unsatisfied(parameter: string, constraint: string): sdk.InvalidParameterException {
  return invalidParameter(
    `Invalid parameter at '${parameter}' failed to satisfy constraint: '${constraint}'`,
  );
}

/** Where something is, in the words of ECR's messages. */
export function inRepository(name: string, registryId: string): string {
  return `the repository with name '${name}' in the registry with id '${registryId}'`;
}

export function repositoryNotFound(name: string, registryId: string): sdk.RepositoryNotFoundException {
  return new sdk.RepositoryNotFoundException({
    message: `The repository with name '${name}' does not exist in the registry with id '${registryId}'`,
    $metadata: {},
  });
}

export function imageNotFound(
  image: { imageDigest?: string | undefined; imageTag?: string | undefined },
  where: string,
): sdk.ImageNotFoundException {
  const { imageDigest = 'null', imageTag = 'null' } = image;
  return new sdk.ImageNotFoundException({
    message: `The image with imageId {imageDigest:'${imageDigest}', imageTag:'${imageTag}'} does not exist within ${where}`,
    $metadata: {},
  });
}

export function layersNotFound(message: string): sdk.LayersNotFoundException {
  return new sdk.LayersNotFoundException({ message, $metadata: {} });
}

export function uploadNotFound(uploadId: string, where: string): sdk.UploadNotFoundException {
  return new sdk.UploadNotFoundException({
    message: `The upload with id '${uploadId}' does not exist in ${where}`,
    $metadata: {},
  });
}
