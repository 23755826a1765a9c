import {
  InvalidParameterException,
  NotAuthorizedException,
  ResourceNotFoundException,
  UserNotFoundException,
} from '@aws-sdk/client-cognito-identity-provider';

const $metadata = {};

export function invalidParameter(message: string): InvalidParameterException {
  return new InvalidParameterException({ message, $metadata });
}

export function notAuthorized(message: string): NotAuthorizedException {
  return new NotAuthorizedException({ message, $metadata });
}

export function notFound(message: string): ResourceNotFoundException {
  return new ResourceNotFoundException({ message, $metadata });
}

export function noSuchUser(): UserNotFoundException {
  return new UserNotFoundException({ message: 'User does not exist.', $metadata });
}

/**
 * Refuses members of an input that ask for what is not built, so that nothing is accepted and then not done.
 *
 * @throws InvalidParameterException naming the first.
 */
export function refuseOthers(operation: string, input: object, built: readonly string[]): void {
  for (const [name, value] of Object.entries(input)) {
    if (value === undefined || built.includes(name)) continue;
    throw invalidParameter(`${name} of ${operation} is not built in the local cloud`);
  }
}
