import type { ServiceCaller } from '../../resource-access.js';

/** What is published to a topic. */
export interface TopicNotification {
  /** The message; JSON text of an object with messages by protocol where `messageStructure` is `json`. */
  readonly message: string;
  readonly subject?: string | undefined;
  readonly messageStructure?: 'json' | undefined;
  readonly attributes?: Readonly<Record<string, TopicMessageAttribute>> | undefined;
}

export interface TopicMessageAttribute {
  /** `String`, `String.Array`, `Number` or `Binary`. */
  readonly DataType: string;
  readonly StringValue?: string | undefined;
  readonly BinaryValue?: Uint8Array | undefined;
}

/** Publishes to topics for other services. */
export interface TopicPublisher {
  /**
   * Publishes to a topic; what is to be delivered is kept when this resolves.
   *
   * @param caller the service that publishes, which the topic's policy has to allow; without it, who calls has
   * checked the role that it publishes with already.
   * @throws NotFoundException, InvalidParameterException and other errors of Publish; AwsError `AuthorizationError`
   * when the topic's policy does not allow the service to publish.
   */
  publish(
    topicArn: string,
    notification: TopicNotification,
    caller?: ServiceCaller,
  ): Promise<{ messageId: string }>;
}
