import type { AttributeValue } from '@aws-sdk/client-dynamodb';

/** Writes items on behalf of another service, which has checked that its role may do it. */
export interface ItemWriter {
  /**
   * Puts an item into a table; it is kept when the promise resolves.
   *
   * @throws what PutItem throws: `ResourceNotFoundException`, `ValidationException` …
   */
  put(tableName: string, item: Record<string, AttributeValue>): Promise<void>;
}
