import { GreengrassV2Client } from '@aws-sdk/client-greengrassv2';
import { DescribeEndpointCommand, IoTClient } from '@aws-sdk/client-iot';
import { IoTDataPlaneClient } from '@aws-sdk/client-iot-data-plane';
import { clientConfig, type Target } from '../target.js';

/** What a change of the fleet's membership works with. */
export interface FleetClients {
  readonly iot: IoTClient;
  readonly data: IoTDataPlaneClient;
  readonly greengrass: GreengrassV2Client;
  close(): void;
}

/**
 * Connects to the services. AWS IoT lets a few registry calls a second through (AWS IoT Core endpoints and quotas),
 * so the clients slow down when they are throttled, and try long.
 */
export async function fleetClients(target: Target): Promise<FleetClients> {
  const config = { ...clientConfig(target), retryMode: 'adaptive', maxAttempts: 12 };
  const iot = new IoTClient(config);
  const greengrass = new GreengrassV2Client(config);
  const data = new IoTDataPlaneClient({ ...config, ...(await dataEndpoint(iot, target)) });
  return {
    iot,
    data,
    greengrass,
    close() {
      for (const client of [iot, data, greengrass]) client.destroy();
    },
  };
}

async function dataEndpoint(iot: IoTClient, target: Target): Promise<{ endpoint?: string }> {
  if (target.endpoint !== undefined) return {};
  const { endpointAddress } = await iot.send(new DescribeEndpointCommand({ endpointType: 'iot:Data-ATS' }));
  return endpointAddress === undefined ? {} : { endpoint: `https://${endpointAddress}` };
}
