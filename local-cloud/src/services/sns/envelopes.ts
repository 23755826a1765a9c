import { messageFor, type Notification } from './notification.js';
import type { Signatures } from './signatures.js';
import type { Subscription } from './subscriptions.js';

/** Where the local cloud answers what SNS answers at its own address, below the address of the HTTP front. */
export const SNS_PATH = '/_local/sns/';

/** Messages as SNS delivers them, with its signature (SNS developer guide, "Parsing Amazon SNS message formats"). */
export interface Envelopes {
  /** The event of a Lambda function: JSON text. */
  lambdaEvent(subscription: Subscription, notification: Notification): Promise<string>;
  /** What queues and HTTP endpoints get: JSON text. */
  notification(subscription: Subscription, notification: Notification): Promise<string>;
  /** What an HTTP endpoint is asked with whether it wants to be subscribed: JSON text. */
  confirmation(subscription: Subscription, messageId: string, timestamp: string): Promise<string>;
}

/**
 * @param endpointUrl address of the HTTP front, once it listens.
 * @param versionOf the signature version of a topic.
 */
export function envelopes(
  endpointUrl: Promise<string>,
  signatures: Signatures,
  versionOf: (topicArn: string) => '1' | '2',
): Envelopes {
  const linkTo = async (parameters: Record<string, string>) =>
    `${await endpointUrl}${SNS_PATH}?${new URLSearchParams(parameters)}`;

  async function signed(topicArn: string, fields: Readonly<Record<string, string | undefined>>) {
    const version = versionOf(topicArn);
    const { signature, certificateName } = await signatures.sign(fields, version);
    return { version, signature, certificateUrl: `${await endpointUrl}${SNS_PATH}${certificateName}` };
  }

  async function parts(subscription: Subscription, notification: Notification) {
    const { topicArn, messageId, subject, timestamp, attributes } = notification;
    const fields = {
      Type: 'Notification',
      MessageId: messageId,
      TopicArn: topicArn,
      Subject: subject,
      Message: messageFor(notification, subscription.protocol),
      Timestamp: timestamp,
    };
    const { version, signature, certificateUrl } = await signed(topicArn, fields);
    return {
      fields,
      proof: { SignatureVersion: version, Signature: signature },
      certificateUrl,
      unsubscribeUrl: await linkTo({ Action: 'Unsubscribe', SubscriptionArn: subscription.arn }),
      attributes: Object.fromEntries(
        Object.entries(attributes).map(([name, { DataType, StringValue, BinaryValue }]) => [
          name,
          { Type: DataType, Value: BinaryValue ? Buffer.from(BinaryValue).toString('base64') : StringValue },
        ]),
      ),
    };
  }

  return {
    async lambdaEvent(subscription, notification) {
      const { fields, proof, certificateUrl, unsubscribeUrl, attributes } = await parts(
        subscription,
        notification,
      );
      const Sns = {
        ...fields,
        Subject: fields.Subject ?? null,
        ...proof,
        SigningCertUrl: certificateUrl,
        UnsubscribeUrl: unsubscribeUrl,
        MessageAttributes: attributes,
      };
      return JSON.stringify({
        Records: [
          { EventSource: 'aws:sns', EventVersion: '1.0', EventSubscriptionArn: subscription.arn, Sns },
        ],
      });
    },
    async notification(subscription, notification) {
      const { fields, proof, certificateUrl, unsubscribeUrl, attributes } = await parts(
        subscription,
        notification,
      );
      return JSON.stringify({
        ...fields,
        ...proof,
        SigningCertURL: certificateUrl,
        UnsubscribeURL: unsubscribeUrl,
        ...(Object.keys(attributes).length > 0 && { MessageAttributes: attributes }),
      });
    },
    async confirmation({ topicArn, token = '' }, messageId, timestamp) {
      const fields = {
        Type: 'SubscriptionConfirmation',
        MessageId: messageId,
        Token: token,
        TopicArn: topicArn,
        Message: `You have chosen to subscribe to the topic ${topicArn}.\nTo confirm the subscription, visit the SubscribeURL included in this message.`,
        SubscribeURL: await linkTo({ Action: 'ConfirmSubscription', TopicArn: topicArn, Token: token }),
        Timestamp: timestamp,
      };
      const { version, signature, certificateUrl } = await signed(topicArn, fields);
      return JSON.stringify({
        ...fields,
        SignatureVersion: version,
        Signature: signature,
        SigningCertURL: certificateUrl,
      });
    },
  };
}
