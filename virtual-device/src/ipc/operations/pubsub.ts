/** Local publish/subscribe: the IPC service `aws.greengrass.ipc.pubsub`. */
import { z } from 'zod';
import type { AccessControl } from '../access-control.js';
import { IpcError } from '../capabilities.js';
import { hasWildcard, LocalPubSub } from '../local-pubsub.js';
import { defineOperation, type Operation, principalName, type ShapeBody } from '../operation.js';
import { base64, jsonValue, topic } from '../shapes.js';

const SERVICE = 'aws.greengrass.ipc.pubsub';

const publishRequest = z.object({
  topic: topic('Publish topic must not be empty'),
  publishMessage: z.object({
    jsonMessage: z.object({ message: jsonValue.optional() }).optional(),
    binaryMessage: z.object({ message: base64.optional() }).optional(),
  }),
});

const subscribeRequest = z.object({
  topic: topic('Subscribe topic must not be empty'),
  receiveMode: z.enum(['RECEIVE_ALL_MESSAGES', 'RECEIVE_MESSAGES_FROM_OTHERS']).optional(),
});

export function pubSubOperations(accessControl: AccessControl): readonly Operation[] {
  const topics = new LocalPubSub<ShapeBody>();
  return [
    defineOperation({
      name: 'PublishToTopic',
      request: publishRequest,
      handle({ topic, publishMessage }, call) {
        accessControl.authorize(call.principal, SERVICE, call.operation, topic);
        if (/[+#*]/.test(topic)) {
          throw new IpcError('InvalidArgumentsError', 'Publish topic must not contain a wildcard.');
        }
        topics.publish(topic, principalName(call.principal), subscriptionMessage(topic, publishMessage));
        return {};
      },
    }),
    defineOperation({
      name: 'SubscribeToTopic',
      request: subscribeRequest,
      eventShape: 'SubscriptionResponseMessage',
      handle({ topic, receiveMode }, call) {
        accessControl.authorize(call.principal, SERVICE, call.operation, topic);
        const unsubscribe = topics.subscribe(
          {
            filter: topic,
            subscriber: principalName(call.principal),
            // A wildcard would otherwise bring a component its own messages unasked.
            receiveMode:
              receiveMode ?? (hasWildcard(topic) ? 'RECEIVE_MESSAGES_FROM_OTHERS' : 'RECEIVE_ALL_MESSAGES'),
          },
          (message) => call.emit(message),
        );
        call.onClosed(unsubscribe);
        return {};
      },
    }),
  ];
}

function subscriptionMessage(
  topic: string,
  message: z.infer<typeof publishRequest>['publishMessage'],
): ShapeBody {
  const context = { topic };
  const { jsonMessage, binaryMessage } = message;
  if ((jsonMessage === undefined) === (binaryMessage === undefined)) {
    throw new IpcError(
      'InvalidArgumentsError',
      'publishMessage holds either a jsonMessage or a binaryMessage.',
    );
  }
  if (jsonMessage !== undefined) return { jsonMessage: { message: jsonMessage.message, context } };
  return { binaryMessage: { message: binaryMessage?.message?.toString('base64') ?? '', context } };
}
