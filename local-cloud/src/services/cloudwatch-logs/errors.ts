import {
  InvalidParameterException,
  ResourceAlreadyExistsException,
  ResourceNotFoundException,
} from '@aws-sdk/client-cloudwatch-logs';

const $metadata = {};

export const groupNotFound = () =>
  new ResourceNotFoundException({ message: 'The specified log group does not exist.', $metadata });
export const streamNotFound = () =>
  new ResourceNotFoundException({ message: 'The specified log stream does not exist.', $metadata });
export const groupExists = () =>
  new ResourceAlreadyExistsException({ message: 'The specified log group already exists', $metadata });
export const streamExists = () =>
  new ResourceAlreadyExistsException({ message: 'The specified log stream already exists', $metadata });
export const invalidParameter = (message: string) => new InvalidParameterException({ message, $metadata });
