import type { Base } from '../../plugin.js';
import type { QueueReader, ReceivedMessage } from '../sqs/reader.js';
import type { EventSourceMapping } from './event-source-mapping.js';

/** Receives the messages of queues and has functions handle them. */
export interface SourcePoller {
  start(mapping: EventSourceMapping): void;
  /** What a function is handling already, it handles to its end. */
  stop(uuid: string): void;
  close(): Promise<void>;
}

/** Seconds that one call waits for messages. */
const WAIT = 20;
/** Milliseconds before another attempt when the queue or the function is not there, or the function is throttled. */
const PAUSE = 10_000;
/** Batches of one mapping that are handled at the same time. */
const LOOPS = 4;
/** Messages that SQS gives at once. */
const MOST_AT_ONCE = 10;

/**
 * @param invoke runs the function of that name with an event; the answer is JSON, undefined when the function failed.
 * Rejects when it could not be run now.
 */
export function sourcePoller(
  { clock, log, region }: Base,
  queues: QueueReader,
  invoke: (functionName: string, event: string) => Promise<string | undefined>,
): SourcePoller {
  const stops = new Map<string, AbortController>();
  const running = new Set<Promise<void>>();

  async function pause(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    await new Promise<void>((resolve) => {
      const timer = clock.after(PAUSE, finish);
      signal.addEventListener('abort', finish, { once: true });
      function finish() {
        timer.cancel();
        signal.removeEventListener('abort', finish);
        resolve();
      }
    });
  }

  /** The first messages that come, and what comes within the batching window after them. */
  async function batchOf(mapping: EventSourceMapping, signal: AbortSignal): Promise<ReceivedMessage[]> {
    const { sourceArn, batchSize, window } = mapping;
    const batch = await queues.receive(sourceArn, Math.min(batchSize, MOST_AT_ONCE), WAIT, signal);
    const end = clock.now() + window * 1000;
    while (batch.length > 0 && batch.length < batchSize && window > 0 && !signal.aborted) {
      const left = Math.floor((end - clock.now()) / 1000);
      if (left <= 0) break;
      const most = Math.min(batchSize - batch.length, MOST_AT_ONCE);
      batch.push(...(await queues.receive(sourceArn, most, Math.min(left, WAIT), signal)));
    }
    return batch;
  }

  /** Messages that were not handled come again when their visibility timeout has passed. */
  async function handle(mapping: EventSourceMapping, batch: readonly ReceivedMessage[]): Promise<void> {
    const { sourceArn, functionName, reportsFailures } = mapping;
    const Records = batch.map((message) => recordOf(message, sourceArn, region));
    const answer = await invoke(functionName, JSON.stringify({ Records }));
    if (answer === undefined) return;
    const failed = reportsFailures ? failedItems(answer) : new Set<string>();
    if (failed === 'all') return;
    for (const { id, receiptHandle } of batch) if (!failed.has(id)) queues.delete(sourceArn, receiptHandle);
  }

  async function loop(mapping: EventSourceMapping, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        const batch = await batchOf(mapping, signal);
        if (batch.length > 0) await handle(mapping, batch);
      } catch (error) {
        if (signal.aborted) return;
        const { uuid, functionName, sourceArn } = mapping;
        log('warn', 'The messages of a queue cannot be handled now', {
          ...{ mapping: uuid, functionName, sourceArn },
          error: error instanceof Error ? error.message : String(error),
        });
        await pause(signal);
      }
    }
  }

  return {
    start(mapping) {
      const stop = new AbortController();
      stops.set(mapping.uuid, stop);
      for (let count = 0; count < LOOPS; count += 1) {
        const run = loop(mapping, stop.signal).finally(() => running.delete(run));
        running.add(run);
      }
    },
    stop(uuid) {
      stops.get(uuid)?.abort();
      stops.delete(uuid);
    },
    async close() {
      for (const stop of stops.values()) stop.abort();
      stops.clear();
      await Promise.allSettled(running);
    },
  };
}

/** A message as an event of Lambda has it (Lambda developer guide, "Using Lambda with Amazon SQS"). */
function recordOf(message: ReceivedMessage, sourceArn: string, region: string) {
  const attributes = Object.entries(message.attributes).map(
    ([name, { DataType, StringValue, BinaryValue }]) => [
      name,
      {
        ...(StringValue !== undefined && { stringValue: StringValue }),
        ...(BinaryValue !== undefined && { binaryValue: Buffer.from(BinaryValue).toString('base64') }),
        stringListValues: [],
        binaryListValues: [],
        dataType: DataType,
      },
    ],
  );
  return {
    messageId: message.id,
    receiptHandle: message.receiptHandle,
    body: message.body,
    attributes: {
      ApproximateReceiveCount: String(message.receiveCount),
      ...(message.traceHeader !== undefined && { AWSTraceHeader: message.traceHeader }),
      SentTimestamp: String(message.sentAt),
      SenderId: message.senderId,
      ApproximateFirstReceiveTimestamp: String(message.firstReceivedAt),
    },
    messageAttributes: Object.fromEntries(attributes),
    ...(message.md5OfAttributes !== undefined && { md5OfMessageAttributes: message.md5OfAttributes }),
    md5OfBody: message.md5OfBody,
    eventSource: 'aws:sqs',
    eventSourceARN: sourceArn,
    awsRegion: region,
  };
}

/**
 * The ids of the messages that a function did not handle: none when it says nothing, all when what it says is no
 * list of ids (Lambda developer guide, "Implementing partial batch responses").
 */
export function failedItems(answer: string): ReadonlySet<string> | 'all' {
  const data: unknown = JSON.parse(answer);
  if (data === null || typeof data !== 'object' || !('batchItemFailures' in data)) return new Set();
  const { batchItemFailures: items } = data;
  if (items === null) return new Set();
  if (!Array.isArray(items)) return 'all';
  const ids = new Set<string>();
  for (const item of items as unknown[]) {
    const id =
      typeof item === 'object' && item !== null && 'itemIdentifier' in item ? item.itemIdentifier : '';
    if (typeof id !== 'string' || id === '') return 'all';
    ids.add(id);
  }
  return ids;
}
