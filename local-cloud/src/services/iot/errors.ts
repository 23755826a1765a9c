import {
  DeleteConflictException,
  InvalidRequestException,
  LimitExceededException,
  ResourceAlreadyExistsException,
  ResourceNotFoundException,
  VersionConflictException,
} from '@aws-sdk/client-iot';
import { enumViolation, violation } from '../../constraints.js';

/** The errors of the AWS IoT API that most operations share. */

export function notFound(message: string): ResourceNotFoundException {
  return new ResourceNotFoundException({ message, $metadata: {} });
}

export function invalid(message: string): InvalidRequestException {
  return new InvalidRequestException({ message, $metadata: {} });
}

export function alreadyExists(message: string, resourceId: string, resourceArn: string) {
  return new ResourceAlreadyExistsException({ message, resourceId, resourceArn, $metadata: {} });
}

export function limitExceeded(message: string): LimitExceededException {
  return new LimitExceededException({ message, $metadata: {} });
}

export function deleteConflict(message: string): DeleteConflictException {
  return new DeleteConflictException({ message, $metadata: {} });
}

/** Throws VersionConflictException unless the version is the one that the caller expects, if it expects one. */
export function checkVersion(expected: number | undefined, actual: number, what: string): void {
  if (expected === undefined || expected === actual) return;
  throw new VersionConflictException({
    message: `The version for ${what} does not match the expected version.`,
    $metadata: {},
  });
}

/** @throws InvalidRequestException unless the value, when there is one, is one of those. */
export function checkEnum(value: string | undefined, member: string, allowed: readonly string[]): void {
  const problem = enumViolation(value, member, allowed);
  if (problem !== undefined) throw invalid(problem);
}

/**
 * Checks a name or value against the pattern and length that the API reference gives for it.
 *
 * @returns the value, which is then known to be there.
 */
export function checked(value: string | undefined, member: string, pattern: RegExp, longest: number): string {
  const problem =
    value === undefined || value === ''
      ? 'Member must not be null'
      : value.length > longest
        ? `Member must have length less than or equal to ${longest}`
        : pattern.test(value)
          ? undefined
          : `Member must satisfy regular expression pattern: ${pattern.source.replace(/^\^|\$$/g, '')}`;
  if (value === undefined || problem !== undefined) {
    throw invalid(violation(value ?? 'null', member, problem ?? ''));
  }
  return value;
}

/** The pattern of the names of things, thing types and thing groups. */
export const REGISTRY_NAME = /^[a-zA-Z0-9:_-]+$/;
