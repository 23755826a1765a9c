import * as sdk from '@aws-sdk/client-cloudcontrol';
import { reportDefect } from '../../defects.js';
import { AwsError } from '../../errors.js';

/** How a resource's handler failed: the code that Cloud Control has for it, and the service's words. */
export interface HandlerFailure {
  readonly code: sdk.HandlerErrorCode;
  readonly message: string;
}

/** Which error codes of the services are what to Cloud Control; the first that matches holds. */
const CODES: readonly [RegExp, sdk.HandlerErrorCode][] = [
  [/AlreadyExist|AlreadyOwnedByYou|EntityAlreadyExists|NameExists/, sdk.HandlerErrorCode.ALREADY_EXISTS],
  [/NotFound|^NoSuch|DoesNotExist/, sdk.HandlerErrorCode.NOT_FOUND],
  [/AccessDenied|Unauthorized|Forbidden|NotAuthorized/, sdk.HandlerErrorCode.ACCESS_DENIED],
  [/Throttl|TooManyRequests|SlowDown/, sdk.HandlerErrorCode.THROTTLING],
  [/LimitExceeded|QuotaExceeded|^TooMany/, sdk.HandlerErrorCode.SERVICE_LIMIT_EXCEEDED],
  [/Conflict|InUse|OperationAborted|StillAttached/, sdk.HandlerErrorCode.RESOURCE_CONFLICT],
  [
    /Invalid|Validation|Malformed|Missing|Unmodifiable|CertificateState|NotImplemented/,
    sdk.HandlerErrorCode.INVALID_REQUEST,
  ],
];

/** Sorts an error of a service's operation into Cloud Control's handler error codes. */
export function handlerFailure(error: unknown): HandlerFailure {
  if (error instanceof AwsError)
    // What is not built (501) will not be so at the next try either.
    return { code: codeOf(error.code, error.status < 500 || error.status === 501), message: error.message };
  if (error instanceof Error && '$fault' in error) {
    return { code: codeOf(error.name, error.$fault === 'client'), message: error.message };
  }
  reportDefect(error);
  return { code: sdk.HandlerErrorCode.INTERNAL_FAILURE, message: 'Internal failure of the resource handler' };
}

function codeOf(serviceCode: string, isClientFault: boolean): sdk.HandlerErrorCode {
  if (!isClientFault) return sdk.HandlerErrorCode.SERVICE_INTERNAL_ERROR;
  return (
    CODES.find(([pattern]) => pattern.test(serviceCode))?.[1] ??
    sdk.HandlerErrorCode.GENERAL_SERVICE_EXCEPTION
  );
}

/** The exception that a synchronous call (read, list) answers with when the handler throws `error`. */
export function handlerException(error: unknown): Error {
  const { code, message } = handlerFailure(error);
  const members = { message, $metadata: {} };
  switch (code) {
    case sdk.HandlerErrorCode.NOT_FOUND:
      return new sdk.ResourceNotFoundException(members);
    case sdk.HandlerErrorCode.INVALID_REQUEST:
      return new sdk.InvalidRequestException(members);
    case sdk.HandlerErrorCode.THROTTLING:
      return new sdk.ThrottlingException(members);
    case sdk.HandlerErrorCode.RESOURCE_CONFLICT:
      return new sdk.ResourceConflictException(members);
    case sdk.HandlerErrorCode.SERVICE_LIMIT_EXCEEDED:
      return new sdk.ServiceLimitExceededException(members);
    case sdk.HandlerErrorCode.SERVICE_INTERNAL_ERROR:
      return new sdk.ServiceInternalErrorException(members);
    case sdk.HandlerErrorCode.INTERNAL_FAILURE:
      return new sdk.HandlerInternalFailureException(members);
    case sdk.HandlerErrorCode.ACCESS_DENIED:
      return new AwsError('AccessDeniedException', message);
    default:
      return new sdk.GeneralServiceException(members);
  }
}
