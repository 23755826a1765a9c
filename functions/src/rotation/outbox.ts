import { type IoTDataPlaneClient, PublishCommand } from '@aws-sdk/client-iot-data-plane';

/** Publishes a message in JSON. The broker keeps it for a device whose session is there but not connected. */
export type Publish = (topic: string, message: object) => Promise<void>;

/** {@link Publish} at the AWS IoT data plane, with QoS 1. */
export function dataPlanePublish(data: IoTDataPlaneClient): Publish {
  return async (topic, message) => {
    await data.send(new PublishCommand({ topic, qos: 1, payload: Buffer.from(JSON.stringify(message)) }));
  };
}
