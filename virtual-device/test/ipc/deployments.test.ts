import { afterAll, beforeAll, expect, it } from 'vitest';
import { log, run } from '../support/agent.js';
import { prepareDevice } from '../support/fixtures.js';
import { GreengrassCloud } from '../support/greengrass-cloud.js';
import { TestBroker } from '../support/iot-broker.js';

let broker: TestBroker;
let cloud: GreengrassCloud;
beforeAll(async () => {
  broker = await TestBroker.start();
  cloud = await GreengrassCloud.start(broker);
});
afterAll(async () => {
  await cloud.stop();
  await broker.stop();
});

/** Defers the first update it is told of once, and takes no frequency above 50. */
const CAREFUL = `
import { createRequire } from 'node:module';
const require = createRequire(${JSON.stringify(import.meta.url)});
const { greengrasscoreipc } = require('aws-iot-device-sdk-v2');
const client = greengrasscoreipc.createClient();
await client.connect();
let deferrals = 0;
const updates = client.subscribeToComponentUpdates({});
updates.on('message', async ({ preUpdateEvent, postUpdateEvent }) => {
  if (postUpdateEvent) console.log('updated');
  if (!preUpdateEvent) return;
  const { deploymentId } = preUpdateEvent;
  const recheckAfterMs = deferrals++ === 0 ? 10 : 0;
  await client.deferComponentUpdate({ deploymentId, recheckAfterMs, message: 'busy' });
});
await updates.activate();
const validation = client.subscribeToValidateConfigurationUpdates({});
validation.on('message', async ({ validateConfigurationUpdateEvent }) => {
  const { deploymentId, configuration } = validateConfigurationUpdateEvent;
  const status = configuration.frequency > 50 ? 'REJECTED' : 'ACCEPTED';
  await client.sendConfigurationValidityReport({
    configurationValidityReport: { deploymentId, status, message: configuration.frequency + ' Hz is too fast' },
  });
});
await validation.activate();
await client.updateState({ state: 'RUNNING' });
`;

it('a component defers a deployment, is told of its end, and rejects a configuration', async () => {
  const device = await prepareDevice(broker, 'U1', { nucleus: cloud.nucleus });
  const agent = run(device);
  await agent.event(({ event }) => event === 'connected');
  cloud.put({
    name: 'careful',
    configuration: { frequency: 2 },
    artifacts: { 'careful.mjs': CAREFUL },
    lifecycle: {
      Startup: { Script: `${process.execPath} {artifacts:path}/careful.mjs & wait`, Timeout: 600 },
    },
  });
  cloud.put({ name: 'other', lifecycle: { Run: 'exec sleep 1000' } });
  const notify = { componentUpdatePolicy: { timeout: 60, action: 'NOTIFY_COMPONENTS' } };
  const revisions = [
    cloud.document({ careful: '1.0.0' }),
    cloud.document({ careful: '1.0.0', other: '1.0.0' }, { revision: 2, ...notify }),
  ];
  for (const document of revisions) {
    expect(await cloud.deploy('U1', document)).toMatchObject({ status: 'SUCCEEDED' });
  }
  expect(log(device, 'greengrass')).toContain('careful deferred the deployment for 10 ms: busy');
  const tooFast = cloud.document({ careful: '1.0.0', other: '1.0.0' }, { revision: 3, ...notify });
  const components = {
    careful: { version: '1.0.0', configurationUpdate: { merge: { frequency: 51 } } },
    other: { version: '1.0.0' },
  };
  const rejected = await cloud.deploy('U1', { ...tooFast, components });
  expect(rejected.status).toBe('FAILED');
  expect(rejected.statusDetails['deployment-failure-cause']).toContain('51 Hz is too fast');
  expect(log(device, 'careful')).toContain('stdout. updated.');
  expect(await agent.stop()).toBe(0);
});
