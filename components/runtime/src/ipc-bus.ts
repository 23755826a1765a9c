import type { eventstream_rpc } from 'aws-iot-device-sdk-v2';
import {
  createClient,
  createDefaultClientConfig,
  model,
} from 'aws-iot-device-sdk-v2/dist/greengrasscoreipc.js';
import type { Bus, Payload, Subscription } from './bus.js';
import { ComponentError, reasonOf } from './errors.js';

/**
 * Connects to the Greengrass core device that started this process, with the AWS IoT Device SDK and the
 * environment that the core device gives to components.
 *
 * @throws ComponentError `ENVIRONMENT` when not started by a core device, `IPC` when it does not accept us
 */
export async function connectToCore(env: NodeJS.ProcessEnv): Promise<Bus> {
  for (const name of ['AWS_GG_NUCLEUS_DOMAIN_SOCKET_FILEPATH_FOR_COMPONENT', 'SVCUID']) {
    if (!env[name]) {
      throw new ComponentError(
        'ENVIRONMENT',
        `${name} is not set: this program is a Greengrass component, so deploy it to a core device instead of starting it by hand`,
      );
    }
  }
  const client = createClient(createDefaultClientConfig());
  const lost = new Promise<ComponentError>((resolve) => {
    client.on('disconnection', (event) => {
      const cause = event ? ` (${event.reason.message})` : '';
      resolve(new ComponentError('IPC', `The core device closed the connection${cause}`));
    });
  });
  await refusedAs('The core device does not accept the connection', client.connect());

  return {
    lost,

    configuration: async () => {
      const response = await refusedAs(
        'The core device does not give the configuration',
        client.getConfiguration({ keyPath: [] }),
      );
      return response.value;
    },

    nucleusConfiguration: async () => {
      const read = (componentName: string) => client.getConfiguration({ componentName, keyPath: [] });
      const response = await refusedAs(
        'The core device does not give the configuration of its nucleus',
        // The small nucleus has a name of its own.
        read('aws.greengrass.Nucleus').catch(() => read('aws.greengrass.NucleusLite')),
      );
      return response.value;
    },

    publishLocal: async (topic, message) => {
      await refusedAs(
        `The core device does not let us publish to ${topic}`,
        client.publishToTopic({ topic, publishMessage: { jsonMessage: { message } } }),
      );
    },

    subscribeLocal: (topic, onMessage) =>
      subscribed(
        topic,
        client.subscribeToTopic({
          topic,
          receiveMode: model.ReceiveMode.RECEIVE_MESSAGES_FROM_OTHERS,
        }),
        ({ jsonMessage, binaryMessage }) => {
          if (jsonMessage) onMessage(JSON.stringify(jsonMessage.message ?? null));
          else onMessage(bytesOf(binaryMessage?.message));
        },
      ),

    publishToCloud: async (topicName, message, { qos } = { qos: 1 }) => {
      await refusedAs(
        `The core device does not publish to ${topicName} of IoT Core`,
        client.publishToIoTCore({
          topicName,
          qos: deliveryOf(qos),
          payload: JSON.stringify(message),
        }),
      );
    },

    subscribeToCloud: (topicName, onMessage, { qos } = { qos: 1 }) =>
      subscribed(
        `${topicName} of IoT Core`,
        client.subscribeToIoTCore({ topicName, qos: deliveryOf(qos) }),
        ({ message }) => onMessage(bytesOf(message?.payload)),
      ),

    close: () => client.close(),
  };
}

function deliveryOf(qos: 0 | 1): model.QOS {
  return qos === 0 ? model.QOS.AT_MOST_ONCE : model.QOS.AT_LEAST_ONCE;
}

async function subscribed<Request, Response, Inbound>(
  topic: string,
  operation: eventstream_rpc.StreamingOperation<Request, Response, void, Inbound>,
  onMessage: (message: Inbound) => void,
): Promise<Subscription> {
  const ended = new Promise<void>((resolve) => {
    // When the connection is lost its streams end a moment earlier; that it is lost says more.
    operation.on('ended', () => setTimeout(resolve, LOSS_SETTLES_MS));
  });
  // A message that the SDK cannot read says nothing about the next one, so the stream stays.
  operation.on('message', onMessage);
  await refusedAs(`The core device does not let us subscribe to ${topic}`, operation.activate());
  return { ended };
}

/** In milliseconds. */
const LOSS_SETTLES_MS = 200;

/** The SDK hands out what it received as one of several kinds of buffer. */
function bytesOf(payload: string | ArrayBuffer | ArrayBufferView | undefined): Payload {
  if (payload === undefined || typeof payload === 'string') return payload ?? '';
  if (ArrayBuffer.isView(payload)) {
    return new Uint8Array(payload.buffer, payload.byteOffset, payload.byteLength);
  }
  return new Uint8Array(payload);
}

async function refusedAs<T>(what: string, answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw new ComponentError('IPC', `${what}: ${serviceReason(error)}`, { cause: error });
  }
}

/** The sentence of the service's own error when there is one. */
function serviceReason(error: unknown): string {
  if (error instanceof Error && 'serviceError' in error) {
    const { serviceError } = error;
    if (typeof serviceError === 'object' && serviceError !== null && 'message' in serviceError) {
      return String(serviceError.message);
    }
  }
  if (error instanceof Error && 'internalError' in error && error.internalError instanceof Error) {
    return `${error.message} (${error.internalError.message})`;
  }
  return reasonOf(error);
}
