import type { ServiceCaller } from '../../resource-access.js';

/** An attribute of a message, as SQS and SNS have them alike. */
export interface MessageAttribute {
  /** `String`, `Number` or `Binary`, with a dot and a label of one's own where wanted. */
  readonly DataType: string;
  readonly StringValue?: string | undefined;
  readonly BinaryValue?: Uint8Array | undefined;
}

/** Sends messages to queues for other services. */
export interface QueueSender {
  /**
   * Sends a message; it is kept when this resolves.
   *
   * @param queueArn ARN of a queue of this account and region.
   * @param caller the service that sends, which the queue's policy has to allow; without it, who calls has
   * checked the role that it sends with already.
   * @throws QueueDoesNotExist, InvalidMessageContents and other errors of SendMessage; AwsError `AccessDenied` when
   * the queue's policy does not allow the service to send.
   */
  send(
    queueArn: string,
    body: string,
    attributes?: Readonly<Record<string, MessageAttribute>>,
    caller?: ServiceCaller,
  ): Promise<{ messageId: string }>;
}
