import {
  type AttributeValue,
  type CancellationReason,
  ConditionalCheckFailedException,
  IdempotentParameterMismatchException,
  LimitExceededException,
  ResourceInUseException,
  ResourceNotFoundException,
  TransactionCanceledException,
} from '@aws-sdk/client-dynamodb';
import { AwsError } from '../../errors.js';

const $metadata = {};

/** DynamoDB's code for input that it does not take; no model names it. */
export const validation = (message: string) => new AwsError('ValidationException', message);
/** The same for a value of a parameter. */
export const invalidValues = (message: string) =>
  validation(`One or more parameter values were invalid: ${message}`);
/** @param what a noun phrase: `The stream of a table`. */
export const notBuilt = (what: string) =>
  new AwsError('NotImplementedException', `${what} is not built in the local cloud`, 501);
export const resourceNotFound = (message = 'Requested resource not found') =>
  new ResourceNotFoundException({ message, $metadata });
export const tableNotFound = (name: string) =>
  resourceNotFound(`Requested resource not found: Table: ${name} not found`);
export const inUse = (message: string) => new ResourceInUseException({ message, $metadata });
export const limitExceeded = (message: string) => new LimitExceededException({ message, $metadata });
export const tokenReused = () =>
  new IdempotentParameterMismatchException({
    Message: 'A request with the same client token was made with other parameters',
    message: 'A request with the same client token was made with other parameters',
    $metadata,
  });

/** @param item what is there, for callers that asked for it. */
export function conditionFailed(item?: Record<string, AttributeValue>): ConditionalCheckFailedException {
  return new ConditionalCheckFailedException({
    message: 'The conditional request failed',
    ...(item && { Item: item }),
    $metadata,
  });
}

export function transactionCanceled(reasons: readonly CancellationReason[]): TransactionCanceledException {
  const codes = reasons.map(({ Code }) => Code).join(', ');
  const message = `Transaction cancelled, please refer cancellation reasons for specific reasons [${codes}]`;
  return new TransactionCanceledException({
    Message: message,
    message,
    CancellationReasons: [...reasons],
    $metadata,
  });
}
