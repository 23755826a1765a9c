import * as sdk from '@aws-sdk/client-lambda';
import { patternViolation, rangeViolation, violation } from '../../constraints.js';
import { AwsError } from '../../errors.js';

/** Exceptions of the Lambda API in its words; each is the caller's fault (`Type: User`). */
export const refuse = {
  notFound: (message: string) => new sdk.ResourceNotFoundException({ ...text(message), Type: 'User' }),
  functionNotFound: (arn: string) => refuse.notFound(`Function not found: ${arn}`),
  exists: (message: string) => new sdk.ResourceConflictException({ ...text(message), Type: 'User' }),
  invalidParameter: (message: string) =>
    new sdk.InvalidParameterValueException({ ...text(message), Type: 'User' }),
  invalidContent: (message: string) =>
    new sdk.InvalidRequestContentException({ ...text(message), Type: 'User' }),
  invalidZip: () =>
    new sdk.InvalidParameterValueException({
      ...text('Could not unzip uploaded file. Please check your file, then try to upload again.'),
      Type: 'User',
    }),
  outdated: () =>
    new sdk.PreconditionFailedException({
      ...text(
        'The RevisionId provided does not match the latest RevisionId. Call the GetFunction/GetAlias API to retrieve the latest RevisionId',
      ),
      Type: 'User',
    }),
  tooLarge: (message: string) => new sdk.RequestTooLargeException({ ...text(message), Type: 'User' }),
  throttled: (reason: sdk.ThrottleReason = 'ConcurrentInvocationLimitExceeded') =>
    new sdk.TooManyRequestsException({ ...text('Rate Exceeded.'), Type: 'User', Reason: reason }),
};

function text(message: string) {
  return { message, Message: message, $metadata: {} };
}

/** The error for a value that the API's model does not allow. */
export function invalidValue(member: string, value: string, constraint: string): AwsError {
  return new AwsError('ValidationException', violation(value, member, constraint));
}

/** @throws AwsError `ValidationException`. */
export function assertPattern(member: string, value: string, pattern: RegExp): void {
  if (pattern.test(value)) return;
  throw new AwsError('ValidationException', patternViolation(value, member, pattern.source));
}

/** @throws AwsError `ValidationException`. */
export function assertRange(member: string, value: number, least: number, most: number): void {
  const problem = rangeViolation(value, member, least, most);
  if (problem !== undefined) throw new AwsError('ValidationException', problem);
}
