import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { deploy, run } from '../support/agent.js';
import { componentFolders } from '../support/components.js';
import { prepareDevice } from '../support/fixtures.js';
import { TestBroker } from '../support/iot-broker.js';
import { LogsServer } from '../support/logs-server.js';

let broker: TestBroker;
beforeAll(async () => {
  broker = await TestBroker.start();
});
afterAll(() => broker.stop());

/** The credentials provider of AWS IoT Core, for any device of the broker's authority. @returns its endpoint */
async function credentialsProvider(): Promise<string> {
  const { certificate, privateKey } = await broker.authority.server();
  const server = createServer(
    { cert: certificate, key: privateKey, ca: broker.authority.certificate, requestCert: true },
    (_request, response) => {
      const credentials = {
        accessKeyId: 'ASIADEVICE',
        secretAccessKey: 'secret',
        sessionToken: 'token',
        expiration: new Date(Date.now() + 3_600_000).toISOString(),
      };
      response.end(JSON.stringify({ credentials }));
    },
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

it('a device uploads its components’ logs with its own credentials while the log manager is deployed', async () => {
  const logs = await LogsServer.start();
  const device = await prepareDevice(broker, 'L1', {
    nucleus: { awsRegion: 'eu-west-1', iotCredEndpoint: await credentialsProvider(), iotRoleAlias: 'Alias' },
  });
  const agent = run(device);
  await agent.event(({ event }) => event === 'connected');
  const folders = componentFolders(
    { name: 'led', lifecycle: { Run: 'for n in 1 2 3; do echo "blink $n"; done; exec sleep 1000' } },
    {
      name: 'aws.greengrass.LogManager',
      version: '2.3.9',
      configuration: {
        periodicUploadIntervalSec: '1',
        logsUploaderConfiguration: {
          systemLogsConfiguration: { uploadToCloudWatch: 'true' },
          componentLogsConfigurationMap: { led: { minimumLogLevel: 'INFO' } },
        },
      },
    },
  );
  const deployed = await deploy(
    device,
    folders,
    ...['--merge', 'led=1.0.0', '--merge', 'aws.greengrass.LogManager=2.3.9'],
  );
  expect(deployed).toMatchObject({ code: 0 });
  const blinks = () => logs.messages.filter((message) => /blink \d/.test(message));
  const system = () => logs.messages.some((message) => message.includes('Launching as L1'));
  await logs.heard(() => blinks().length === 3 && system());
  expect(blinks().map((message) => /blink \d/.exec(message)?.[0])).toEqual(['blink 1', 'blink 2', 'blink 3']);
  const groups = new Set(logs.received.map(({ request }) => request.logGroupName));
  expect([...groups].sort()).toEqual([
    '/aws/greengrass/GreengrassSystemComponent/eu-west-1/System',
    '/aws/greengrass/UserComponent/eu-west-1/led',
  ]);
  expect(logs.received.every(({ authorization }) => authorization.includes('ASIADEVICE'))).toBe(true);
  expect(await agent.stop()).toBe(0);
});
