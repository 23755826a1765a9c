import type { BatchResultErrorEntry } from '@aws-sdk/client-sqs';
import { AwsError } from '../../errors.js';
import { refuse } from './errors.js';

/** What came of the entries of a batch: each succeeds or fails by itself. */
export interface BatchOutcome<Result> {
  Successful: (Result & { Id: string })[];
  Failed: BatchResultErrorEntry[];
}

/**
 * Does the same for every entry of a batch.
 *
 * @throws EmptyBatchRequest, TooManyEntriesInBatchRequest, InvalidBatchEntryId, BatchEntryIdsNotDistinct.
 */
export function eachOf<Entry extends { Id: string | undefined }, Result extends object>(
  entries: readonly Entry[] | undefined,
  work: (entry: Entry) => Result,
): BatchOutcome<Result> {
  if (entries === undefined || entries.length === 0) throw refuse.emptyBatch();
  if (entries.length > 10) throw refuse.batchEntries(entries.length);
  const ids = new Set<string>();
  for (const { Id = '' } of entries) {
    if (!/^[A-Za-z0-9_-]{1,80}$/.test(Id)) throw refuse.batchId();
    if (ids.has(Id)) throw refuse.batchIds(Id);
    ids.add(Id);
  }
  const outcome: BatchOutcome<Result> = { Successful: [], Failed: [] };
  for (const entry of entries) {
    const Id = entry.Id ?? '';
    try {
      outcome.Successful.push({ Id, ...work(entry) });
    } catch (error) {
      if (!(error instanceof Error) || !('$fault' in error || error instanceof AwsError)) throw error;
      const Code = error instanceof AwsError ? error.code : error.name;
      outcome.Failed.push({ Id, SenderFault: true, Code, Message: error.message });
    }
  }
  return outcome;
}
