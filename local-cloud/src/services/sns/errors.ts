import * as sdk from '@aws-sdk/client-sns';

const options = (message: string) => ({ message, $metadata: {} });

/** Errors of the SNS API in its words. */
export const refuse = {
  noTopic: () => new sdk.NotFoundException(options('Topic does not exist')),
  noSubscription: () => new sdk.NotFoundException(options('Subscription does not exist')),
  denied: (message: string) => new sdk.AuthorizationErrorException(options(message)),
  noResource: () => new sdk.ResourceNotFoundException(options('Resource does not exist')),
  parameter: (message: string) => new sdk.InvalidParameterException(options(`Invalid parameter: ${message}`)),
  value: (message: string) => new sdk.InvalidParameterValueException(options(message)),
  tooManyTags: () =>
    new sdk.TagLimitExceededException(
      options('Could not complete request: tag quota of per resource exceeded'),
    ),
  emptyBatch: () =>
    new sdk.EmptyBatchRequestException(options('The batch request does not contain any entries.')),
  batchEntries: () =>
    new sdk.TooManyEntriesInBatchRequestException(
      options('The batch request contains more entries than permissible.'),
    ),
  batchIds: () =>
    new sdk.BatchEntryIdsNotDistinctException(
      options('Two or more batch entries in the request have the same Id.'),
    ),
  batchId: () =>
    new sdk.InvalidBatchEntryIdException(
      options("The Id of a batch entry in a batch request doesn't abide by the specification."),
    ),
  batchSize: () =>
    new sdk.BatchRequestTooLongException(
      options('The length of all the batch messages put together is more than the limit.'),
    ),
  unbuilt: (what: string): Error => refuse.parameter(`Not built in the local cloud: ${what}`),
};
