import { chmodSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deploy, log, run } from '../support/agent.js';
import { componentFolders } from '../support/components.js';
import { prepareDevice } from '../support/fixtures.js';
import { TestBroker } from '../support/iot-broker.js';
import { otherUsersRunPrograms } from '../support/other-users.js';

let broker: TestBroker;
beforeAll(async () => {
  broker = await TestBroker.start();
});
afterAll(() => broker.stop());

const TALKER = `
import { createRequire } from 'node:module';
const require = createRequire(${JSON.stringify(import.meta.url)});
const { greengrasscoreipc } = require('aws-iot-device-sdk-v2');
const client = greengrasscoreipc.createClient();
await client.connect();
const { value } = await client.getConfiguration({ keyPath: [] });
console.log('as ' + process.getuid() + ' ' + JSON.stringify(value));
await client.close();
`;

describe.skipIf(!otherUsersRunPrograms)('a component that runs as the user of runWithDefault', () => {
  it('reaches the device over IPC, and learns of the token exchange service when that is deployed', async () => {
    const device = await prepareDevice(broker, 'W1', {
      nucleus: { runWithDefault: { posixUser: 'nobody' } },
    });
    chmodSync(device.folder, 0o755);
    const agent = run(device, '--container-engine', 'process');
    await agent.event(({ event }) => event === 'connected');
    const folders = componentFolders({
      name: 'talker',
      configuration: { greeting: 'hello' },
      dependencies: { 'aws.greengrass.TokenExchangeService': { VersionRequirement: '^2.0.0' } },
      artifacts: { 'talker.mjs': TALKER },
      lifecycle: {
        run: `echo "from \${AWS_CONTAINER_CREDENTIALS_FULL_URI%:*}"; exec ${process.execPath} {artifacts:path}/talker.mjs`,
      },
    });
    const deployed = await deploy(device, folders, '--merge', 'talker=1.0.0');
    expect(deployed).toMatchObject({ code: 0 });
    await agent.component('talker', 'FINISHED');
    expect(log(device, 'talker')).toContain('stdout. as 65534 {"greeting":"hello"}. ');
    expect(log(device, 'talker')).toContain('stdout. from http://127.0.0.1. ');
    expect(agent.events).toContainEqual(
      expect.objectContaining({ component: 'aws.greengrass.TokenExchangeService', state: 'RUNNING' }),
    );
  });
});
