/** Publish/subscribe with AWS IoT Core: the IPC service `aws.greengrass.ipc.mqttproxy`. */
import { z } from 'zod';
import { messageOf } from '../../errors.js';
import { topicProblem } from '../../mqtt/topic-limits.js';
import type { AccessControl } from '../access-control.js';
import { type IotCoreCapability, type IotCoreMessage, IpcError, type IpcLog } from '../capabilities.js';
import { IotCoreSubscriptions } from '../iot-core-subscriptions.js';
import { defineOperation, type Operation, type ShapeBody } from '../operation.js';
import { base64, qos, topic } from '../shapes.js';

const SERVICE = 'aws.greengrass.ipc.mqttproxy';

const publishRequest = z.object({
  topicName: topic('Topic is required'),
  qos,
  payload: base64.optional(),
  retain: z.boolean().optional(),
  userProperties: z.array(z.object({ key: z.string(), value: z.string() })).optional(),
  messageExpiryIntervalSeconds: z.int().nonnegative().optional(),
  correlationData: base64.optional(),
  responseTopic: z.string().optional(),
  payloadFormat: z
    .enum(['0', '1'])
    .transform((format) => (format === '1' ? 1 : 0))
    .optional(),
  contentType: z.string().optional(),
});

const subscribeRequest = z.object({
  topicName: topic('Topic is required'),
  qos,
});

export function mqttProxyOperations(
  accessControl: AccessControl,
  iotCore: IotCoreCapability,
  log: IpcLog,
): readonly Operation[] {
  const subscriptions = new IotCoreSubscriptions(iotCore, log);
  return [
    defineOperation({
      name: 'PublishToIoTCore',
      request: publishRequest,
      async handle({ topicName, payload, ...options }, call) {
        accessControl.authorize(call.principal, SERVICE, call.operation, topicName);
        if (payload === undefined) throw new IpcError('InvalidArgumentsError', 'Payload is required');
        refuseTopic(topicName, 'publish');
        try {
          await iotCore.publish(topicName, payload, options);
        } catch (error) {
          throw asServiceError(error, `Publish to topic ${topicName} failed:`);
        }
        return {};
      },
    }),
    defineOperation({
      name: 'SubscribeToIoTCore',
      request: subscribeRequest,
      eventShape: 'IoTCoreMessage',
      async handle({ topicName, qos }, call) {
        accessControl.authorize(call.principal, SERVICE, call.operation, topicName);
        refuseTopic(topicName, 'subscribe');
        try {
          call.onClosed(
            await subscriptions.subscribe(topicName, qos, (message) => call.emit(iotCoreMessage(message))),
          );
        } catch (error) {
          throw asServiceError(error, `Subscribe to topic ${topicName} failed with error`);
        }
        return {};
      },
    }),
  ];
}

function refuseTopic(topicName: string, use: 'publish' | 'subscribe'): void {
  const problem = topicProblem(topicName, use);
  if (problem !== undefined) throw new IpcError('InvalidArgumentsError', problem);
}

function iotCoreMessage(message: IotCoreMessage): ShapeBody {
  return {
    message: {
      topicName: message.topic,
      payload: Buffer.from(message.payload).toString('base64'),
      retain: message.retain,
      userProperties: message.userProperties?.map(({ key, value }) => ({ key, value })),
      messageExpiryIntervalSeconds: message.messageExpiryIntervalSeconds,
      correlationData:
        message.correlationData === undefined
          ? undefined
          : Buffer.from(message.correlationData).toString('base64'),
      responseTopic: message.responseTopic,
      payloadFormat: message.payloadFormat?.toString(),
      contentType: message.contentType,
    },
  };
}

function asServiceError(error: unknown, what: string): IpcError {
  if (error instanceof IpcError) return error;
  return new IpcError('ServiceError', `${what} ${messageOf(error)}`);
}
