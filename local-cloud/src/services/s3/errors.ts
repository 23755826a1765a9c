import { AwsError } from '../../errors.js';

// S3's errors with the words and statuses of the S3 API reference, "Error responses".

export const noSuchBucket = (bucket: string) =>
  new AwsError('NoSuchBucket', 'The specified bucket does not exist', 404, { BucketName: bucket });

export const noSuchKey = (key: string) =>
  new AwsError('NoSuchKey', 'The specified key does not exist.', 404, { Key: key });

export const noSuchVersion = (key: string, versionId: string) =>
  new AwsError('NoSuchVersion', 'The specified version does not exist.', 404, {
    Key: key,
    VersionId: versionId,
  });

export const noSuchUpload = (uploadId: string) =>
  new AwsError(
    'NoSuchUpload',
    'The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.',
    404,
    { UploadId: uploadId },
  );

export const invalidArgument = (name: string, value: string, message: string) =>
  new AwsError('InvalidArgument', message, 400, { ArgumentName: name, ArgumentValue: value });

export const preconditionFailed = (condition: string) =>
  new AwsError('PreconditionFailed', 'At least one of the pre-conditions you specified did not hold', 412, {
    Condition: condition,
  });

export const methodNotAllowed = (method: string, resourceType: string) =>
  new AwsError('MethodNotAllowed', 'The specified method is not allowed against this resource.', 405, {
    Method: method,
    ResourceType: resourceType,
  });

/** Something of S3 that is not built, asked for by a header or a member: said, never passed over. */
export const notBuilt = (what: string) =>
  new AwsError('NotImplemented', `${what} is not built in the local cloud`, 501);

/** Refusals of the HTTP front under the codes and statuses that S3 has for them. */
const OWN_CODES: Readonly<Record<string, { code: string; status: number }>> = {
  InvalidClientTokenId: { code: 'InvalidAccessKeyId', status: 403 },
  ExpiredToken: { code: 'ExpiredToken', status: 400 },
  IncompleteSignature: { code: 'AuthorizationHeaderMalformed', status: 400 },
};

/** The error as S3 would put it. */
export function ownError(error: AwsError): AwsError {
  const own = OWN_CODES[error.code];
  return own ? new AwsError(own.code, error.message, own.status, error.details) : error;
}
