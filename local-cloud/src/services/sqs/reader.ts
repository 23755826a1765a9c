import type { MessageAttributes } from './message-attributes.js';

/** A message as it was received. Times are milliseconds since 1970. */
export interface ReceivedMessage {
  readonly id: string;
  readonly receiptHandle: string;
  readonly body: string;
  readonly attributes: MessageAttributes;
  readonly md5OfBody: string;
  readonly md5OfAttributes: string | undefined;
  readonly senderId: string;
  readonly sentAt: number;
  readonly receiveCount: number;
  readonly firstReceivedAt: number;
  readonly traceHeader: string | undefined;
}

/** Receives the messages of queues for other services; who calls has checked the role that it receives with. */
export interface QueueReader {
  /** Seconds that a message is hidden after its reception; undefined when there is no such queue. */
  visibilityTimeout(queueArn: string): number | undefined;
  /**
   * @param most 1 to 10 messages.
   * @param wait seconds until there has to be one.
   * @throws QueueDoesNotExist
   */
  receive(queueArn: string, most: number, wait: number, signal: AbortSignal): Promise<ReceivedMessage[]>;
  /** A message or a queue that is gone already is no error. */
  delete(queueArn: string, receiptHandle: string): void;
}
