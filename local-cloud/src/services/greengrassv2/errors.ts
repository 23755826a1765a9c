import {
  AccessDeniedException,
  ConflictException,
  ResourceNotFoundException,
  ValidationException,
} from '@aws-sdk/client-greengrassv2';
import { enumViolation, rangeViolation } from '../../constraints.js';

/** The errors of the AWS IoT Greengrass API that its operations share. */

export function invalid(message: string): ValidationException {
  return new ValidationException({ message, $metadata: {} });
}

/** A problem with what a caller wrote, in the words that Greengrass begins them with. */
export function invalidInput(problem: string): ValidationException {
  return invalid(`Invalid Input: ${problem}`);
}

export function notFound(message: string, resourceType: string, resourceId: string) {
  return new ResourceNotFoundException({ message, resourceType, resourceId, $metadata: {} });
}

export function conflict(message: string, resourceType: string, resourceId: string): ConflictException {
  return new ConflictException({ message, resourceType, resourceId, $metadata: {} });
}

export function accessDenied(message: string): AccessDeniedException {
  return new AccessDeniedException({ message, $metadata: {} });
}

/** @throws ValidationException unless the value, when there is one, is one of those. */
export function checkEnum(value: string | undefined, member: string, allowed: readonly string[]): void {
  const problem = enumViolation(value, member, allowed);
  if (problem !== undefined) throw invalid(problem);
}

/** @throws ValidationException unless the number, when there is one, is whole and from `least` to `most`. */
export function checkRange(value: number | undefined, member: string, least: number, most: number): void {
  const problem = value === undefined ? undefined : rangeViolation(value, member, least, most);
  if (problem !== undefined) throw invalid(problem);
}
