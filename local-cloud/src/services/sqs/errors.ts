import * as sdk from '@aws-sdk/client-sqs';
import { AwsError } from '../../errors.js';

const options = (message: string) => ({ message, $metadata: {} });

/** Errors of the SQS API in its words. */
export const refuse = {
  noQueue: () => new sdk.QueueDoesNotExist(options('The specified queue does not exist.')),
  exists: (attribute: string) =>
    new sdk.QueueNameExists(
      options(`A queue already exists with the same name and a different value for attribute ${attribute}`),
    ),
  noSuchAttribute: (name: string) => new sdk.InvalidAttributeName(options(`Unknown Attribute ${name}.`)),
  attributeValue: (name: string) =>
    new sdk.InvalidAttributeValue(options(`Invalid value for the parameter ${name}.`)),
  attribute: (message: string) => new sdk.InvalidAttributeValue(options(message)),
  invalid: (message: string) => new AwsError('InvalidParameterValue', message),
  missing: (name: string) =>
    new AwsError('MissingParameter', `The request must contain the parameter ${name}.`),
  receipt: (handle: string) =>
    new sdk.ReceiptHandleIsInvalid(
      options(`The input receipt handle "${handle}" is not a valid receipt handle.`),
    ),
  staleReceipt: (handle: string) =>
    new AwsError(
      'InvalidParameterValue',
      `Value ${handle} for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not available for visibility timeout change.`,
    ),
  notInflight: () => new sdk.MessageNotInflight(options('The message referred to is not in flight.')),
  contents: (message: string) => new sdk.InvalidMessageContents(options(message)),
  emptyBatch: () => new sdk.EmptyBatchRequest(options('There should be at least one entry in the request.')),
  batchIds: (id: string) => new sdk.BatchEntryIdsNotDistinct(options(`Id ${id} repeated.`)),
  batchId: () =>
    new sdk.InvalidBatchEntryId(
      options(
        'A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.',
      ),
    ),
  batchEntries: (count: number) =>
    new sdk.TooManyEntriesInBatchRequest(
      options(`Maximum number of entries per request are 10. You have sent ${count}.`),
    ),
  batchSize: (limit: number, size: number) =>
    new sdk.BatchRequestTooLong(
      options(`Batch requests cannot be longer than ${limit} bytes. You have sent ${size} bytes.`),
    ),
  purging: (name: string) =>
    new sdk.PurgeQueueInProgress(
      options(`Only one PurgeQueue operation on ${name} is allowed every 60 seconds.`),
    ),
  overLimit: (message: string) => new sdk.OverLimit(options(message)),
  unbuilt: (what: string) => new sdk.UnsupportedOperation(options(`Not built in the local cloud: ${what}`)),
};
