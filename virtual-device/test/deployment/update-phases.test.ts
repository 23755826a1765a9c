import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Agent, command, log, run } from '../support/agent.js';
import { type PreparedDevice, prepareDevice } from '../support/fixtures.js';
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

const SLEEPER = { Run: 'exec sleep 1000' };

async function started(thing: string): Promise<{ device: PreparedDevice; agent: Agent }> {
  const device = await prepareDevice(broker, thing, { nucleus: cloud.nucleus });
  const agent = run(device);
  await agent.event(({ event }) => event === 'connected');
  return { device, agent };
}

describe('bootstrap scripts', () => {
  it.each([
    ['U1', 100, 'agent'],
    ['U2', 101, 'device'],
  ])(
    'of %s that end with %i have the %s start anew, once, before the new set runs',
    async (thing, code, what) => {
      cloud.put({
        name: `boot.${thing}`,
        lifecycle: {
          Bootstrap: { Script: `echo boot >> {kernel:rootPath}/boots; exit ${code}` },
          ...SLEEPER,
        },
      });
      const { device, agent } = await started(thing);
      const jobId = cloud.queueJob(thing, cloud.document({ [`boot.${thing}`]: '1.0.0' }));
      const restarting = await agent.event(({ event }) => event === 'restarting');
      expect(restarting.what).toBe(what);
      expect((await cloud.jobEnded(thing, jobId)).status).toBe('SUCCEEDED');
      await agent.component(`boot.${thing}`, 'RUNNING');
      expect(readFileSync(join(device.root, 'boots'), 'utf8')).toBe('boot\n');
      expect(cloud.updatesOf(thing, jobId).map(({ status }) => status)).toEqual(['IN_PROGRESS', 'SUCCEEDED']);
    },
  );

  it('that fail undo the deployment', async () => {
    cloud.put({ name: 'boot.bad', lifecycle: { Bootstrap: { Script: 'exit 4' }, ...SLEEPER } });
    cloud.put({ name: 'boot.keep', lifecycle: SLEEPER });
    const { device } = await started('U3');
    await cloud.deploy('U3', cloud.document({ 'boot.keep': '1.0.0' }));
    const failed = await cloud.deploy('U3', cloud.document({ 'boot.bad': '1.0.0' }, { revision: 2 }));
    expect(failed.statusDetails).toMatchObject({
      'detailed-deployment-status': 'FAILED_ROLLBACK_COMPLETE',
      'deployment-failure-cause': 'The bootstrap script of boot.bad exited with code 4.',
      'deployment-error-stack': '["DEPLOYMENT_FAILURE","COMPONENT_UPDATE_ERROR","COMPONENT_BOOTSTRAP_ERROR"]',
    });
    const list = await command('component', 'list', '--root', device.root, '--json');
    expect(JSON.parse(list.stdout)).toMatchObject([{ componentName: 'boot.keep', state: 'RUNNING' }]);
  });
});

/** Defers the first update that it is told of, and takes no configuration that is bad. */
const CAREFUL = `
import { createRequire } from 'node:module';
const require = createRequire(${JSON.stringify(import.meta.url)});
const { greengrasscoreipc } = require('aws-iot-device-sdk-v2');
const client = greengrasscoreipc.createClient();
await client.connect();
let deferred = false;
const updates = client.subscribeToComponentUpdates({});
updates.on('message', async ({ preUpdateEvent, postUpdateEvent }) => {
  if (postUpdateEvent) console.log('done');
  if (!preUpdateEvent) return;
  const { deploymentId } = preUpdateEvent;
  await client.deferComponentUpdate({ deploymentId, recheckAfterMs: deferred ? 0 : 50 });
  console.log(deferred ? 'agreed' : 'deferred');
  deferred = true;
});
await updates.activate();
const validations = client.subscribeToValidateConfigurationUpdates({});
validations.on('message', async ({ validateConfigurationUpdateEvent: { configuration, deploymentId } }) => {
  const status = configuration.bad ? 'REJECTED' : 'ACCEPTED';
  await client.sendConfigurationValidityReport({
    configurationValidityReport: { status, deploymentId, message: 'bad is bad' },
  });
});
await validations.activate();
console.log('ready');
`;

describe('components that take part in updates', () => {
  it('judge their configuration and choose the moment', async () => {
    cloud.put({
      name: 'n.careful',
      configuration: { bad: false },
      artifacts: { 'careful.mjs': CAREFUL },
      lifecycle: { Run: `exec ${process.execPath} {artifacts:path}/careful.mjs` },
    });
    const { device, agent } = await started('U4');
    const wanted = (bad: unknown, revision: number) =>
      cloud.document(
        { 'n.careful': { version: '1.0.0', configurationUpdate: { merge: { bad } } } },
        { revision, componentUpdatePolicy: { timeout: 60, action: 'NOTIFY_COMPONENTS' } },
      );
    expect((await cloud.deploy('U4', wanted(false, 1))).status).toBe('SUCCEEDED');
    await lineIn(device, agent, 'n.careful', 'stdout. ready');
    const refused = await cloud.deploy('U4', wanted(true, 2));
    expect(refused.statusDetails).toMatchObject({
      'detailed-deployment-status': 'FAILED_NO_STATE_CHANGE',
      'deployment-failure-cause': expect.stringContaining('bad is bad'),
      'deployment-error-stack': '["DEPLOYMENT_FAILURE","COMPONENT_CONFIGURATION_NOT_VALID"]',
    });
    expect((await cloud.deploy('U4', wanted(0, 3))).status).toBe('SUCCEEDED');
    await lineIn(device, agent, 'n.careful', 'stdout. agreed');
    expect(log(device, 'n.careful').match(/stdout\. (deferred|agreed)/g)).toEqual([
      'stdout. deferred',
      'stdout. agreed',
    ]);
  });
});

/** Resolves when a component has logged a line. */
async function lineIn(device: PreparedDevice, agent: Agent, component: string, line: string): Promise<void> {
  while (agent.child.exitCode === null) {
    if (existsSync(join(device.root, 'logs', `${component}.log`)) && log(device, component).includes(line))
      return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

describe('a full disk', () => {
  it('fails the deployment with a sentence, and the old set goes on', async () => {
    cloud.put({ name: 'f.keep', lifecycle: SLEEPER });
    const { device, agent } = await started('U5');
    await cloud.deploy('U5', cloud.document({ 'f.keep': '1.0.0' }));
    cloud.put({ name: 'f.big', artifacts: { big: 'x' }, lifecycle: SLEEPER });
    cloud.claimedSizes.set('big', 2 ** 50);
    const failed = await cloud.deploy(
      'U5',
      cloud.document({ 'f.keep': '1.0.0', 'f.big': '1.0.0' }, { revision: 2 }),
    );
    expect(failed.statusDetails).toMatchObject({
      'detailed-deployment-status': 'FAILED_NO_STATE_CHANGE',
      'deployment-failure-cause': expect.stringMatching(
        /^There is no room on the device for The artifact greengrass:big/,
      ),
      'deployment-error-types': '["DEVICE_ERROR"]',
    });
    const list = await command('component', 'list', '--root', device.root, '--json');
    expect(JSON.parse(list.stdout)).toMatchObject([{ componentName: 'f.keep', state: 'RUNNING' }]);
    expect(agent.events.filter(({ component }) => component === 'f.big')).toEqual([]);
  });
});
