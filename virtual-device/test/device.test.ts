import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Agent, command, deploy, gone, log, processesOf, run } from './support/agent.js';
import { componentFolders } from './support/components.js';
import { prepareDevice } from './support/fixtures.js';
import { TestBroker } from './support/iot-broker.js';

let broker: TestBroker;
beforeAll(async () => {
  broker = await TestBroker.start();
});
afterAll(() => broker.stop());

/** Echoes what it receives, with how a topic of another thing was answered and what it has kept. */
const TALKER = `
import { createRequire } from 'node:module';
const require = createRequire(${JSON.stringify(import.meta.url)});
const { greengrasscoreipc } = require('aws-iot-device-sdk-v2');
const client = greengrasscoreipc.createClient();
await client.connect();
const thing = process.env.AWS_IOT_THING_NAME;
const outcome = await client
  .publishToIoTCore({ topicName: 'talk/other/out', qos: '1', payload: 'x' })
  .then(() => 'allowed', () => 'refused');
const stream = client.subscribeToIoTCore({ topicName: 'talk/' + thing + '/in', qos: '1' });
stream.on('message', async ({ message }) => {
  await client.updateConfiguration({ keyPath: ['state'], timestamp: new Date(), valueToMerge: { seen: 1 } });
  const { value } = await client.getConfiguration({ keyPath: ['state'] });
  const payload = Buffer.from(message.payload).toString() + ' ' + outcome + ' ' + JSON.stringify(value);
  await client.publishToIoTCore({ topicName: 'talk/' + thing + '/out', qos: '1', payload });
});
await stream.activate();
`;

const SLEEPER = { Run: { Script: 'echo "up $AWS_IOT_THING_NAME"; exec sleep 1000' } };

describe('a device that runs components', () => {
  it('provisions, connects, runs components over restarts, and leaves no process', async () => {
    const device = await prepareDevice(broker, 'D1');
    const first = run(device);
    await first.event(({ event }) => event === 'provisioned');
    await first.event(({ event, thingName }) => event === 'connected' && thingName === 'D1');
    const folders = componentFolders(
      { name: 'base', lifecycle: SLEEPER },
      {
        name: 'app',
        format: 'json',
        configuration: { greeting: 'hello', deep: { n: 1 } },
        dependencies: { base: { VersionRequirement: '^1.0.0', DependencyType: 'HARD' } },
        artifacts: { 'say.sh': 'echo "$1"; exec sleep 1000\n' },
        lifecycle: {
          install: 'echo installing',
          run: "sh {artifacts:path}/say.sh '{configuration:/greeting} {configuration:/deep}'",
        },
      },
    );
    const deployed = await deploy(device, folders, '--merge', 'app=1.0.0');
    expect(deployed).toMatchObject({ code: 0, stdout: expect.stringContaining('"SUCCEEDED"') });
    const order = first.events.flatMap((event) => (event.state === 'RUNNING' ? [event.component] : []));
    expect(order).toEqual(['base', 'app']);
    const listed = await command('component', 'list', '--root', device.root, '--json');
    expect(JSON.parse(listed.stdout)).toEqual([
      { componentName: 'base', version: '1.0.0', state: 'RUNNING', configuration: {} },
      {
        componentName: 'app',
        version: '1.0.0',
        state: 'RUNNING',
        configuration: { greeting: 'hello', deep: { n: 1 } },
      },
    ]);
    expect(log(device, 'base')).toMatch(
      /^\d{4}-\d\d-\d\dT[\d:.]+Z \[INFO\] \(Copier\) base: stdout\. up D1\. \{scriptName=services\.base\.lifecycle\.Run\.Script, serviceName=base, currentState=RUNNING\}$/m,
    );
    expect(log(device, 'app')).toContain('stdout. hello {"n":1}. {scriptName=services.app.lifecycle.run,');
    expect(await first.stop()).toBe(0);
    expect(processesOf(device)).toEqual([]);
    expect(
      first.events.filter(({ state }) => state === 'STOPPING').map(({ component }) => component),
    ).toEqual(['app', 'base']);

    const second = new Agent(['run', '--root', device.root, '--json']);
    await second.component('app', 'RUNNING');
    expect(second.events.some(({ event }) => event === 'provisioned')).toBe(false);
    const removed = await deploy(device, folders, '--remove', 'app');
    expect(removed.code).toBe(0);
    await gone(device);
    expect(JSON.parse((await command('component', 'list', '--root', device.root, '--json')).stdout)).toEqual(
      [],
    );
    expect(await second.stop('SIGINT')).toBe(0);
  });

  it('lets components use the vendor’s IPC client as far as their access control goes', async () => {
    const device = await prepareDevice(broker, 'D12', {
      nucleus: { interpolateComponentConfiguration: true },
    });
    const agent = run(device);
    await agent.event(({ event }) => event === 'connected');
    const policy = (operations: string[], resources: string[]) => ({ p: { operations, resources } });
    const folders = componentFolders({
      name: 'talker',
      configuration: {
        accessControl: {
          'aws.greengrass.ipc.mqttproxy': policy(
            ['aws.greengrass#PublishToIoTCore', 'aws.greengrass#SubscribeToIoTCore'],
            ['talk/{iot:thingName}/#'],
          ),
        },
      },
      artifacts: { 'talker.mjs': TALKER },
      lifecycle: { run: `exec ${process.execPath} {artifacts:path}/talker.mjs` },
    });
    expect((await deploy(device, folders, '--merge', 'talker=1.0.0')).code).toBe(0);
    await broker.subscribed('talk/D12/in');
    broker.send('talk/D12/in', 'hello');
    await broker.message(
      ({ topic, payload }) => topic === 'talk/D12/out' && payload === 'hello refused {"seen":1}',
    );
    const details = await command(
      'component',
      'details',
      '--root',
      device.root,
      '--name',
      'talker',
      '--json',
    );
    expect(JSON.parse(details.stdout)).toMatchObject({ configuration: { state: { seen: 1 } } });
  });

  it('breaks a component after three tries, keeps the others, and mends it by a deployment', async () => {
    const device = await prepareDevice(broker, 'D3');
    const agent = run(device);
    await agent.event(({ event }) => event === 'connected');
    const bad = componentFolders(
      { name: 'good', lifecycle: SLEEPER },
      { name: 'bad', lifecycle: { Run: 'echo try; exit 7' } },
    );
    const failed = await deploy(
      device,
      bad,
      ...['--merge', 'good=1.0.0,bad=1.0.0', '--failure-handling-policy', 'DO_NOTHING'],
    );
    expect(failed).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('bad: The run script exited with code 7'),
    });
    expect(log(device, 'bad').match(/stdout\. try/g)).toHaveLength(3);
    const states = agent.events.flatMap((event) => (event.component === 'bad' ? [event.state] : []));
    expect(states.filter((state) => state === 'ERRORED')).toHaveLength(2);
    expect(states.at(-1)).toBe('BROKEN');
    const unhealthy = await broker.message(
      ({ topic, payload }) =>
        topic === '$aws/things/D3/greengrassv2/health/json' && payload.includes('UNHEALTHY'),
    );
    expect(JSON.parse(unhealthy.payload)).toMatchObject({
      trigger: 'LOCAL_DEPLOYMENT',
      messageType: 'PARTIAL',
      overallDeviceStatus: 'UNHEALTHY',
      components: expect.arrayContaining([
        expect.objectContaining({ componentName: 'bad', status: 'BROKEN', isRoot: true }),
      ]),
    });
    const sleeping = processesOf(device);
    const mended = componentFolders({ name: 'bad', version: '1.0.1', lifecycle: { Run: 'exec sleep 1000' } });
    expect((await deploy(device, mended, '--merge', 'bad=1.0.1')).code).toBe(0);
    expect(processesOf(device)).toEqual(expect.arrayContaining(sleeping));
    await broker.message(
      ({ payload }) => payload.includes('"overallDeviceStatus":"HEALTHY"') && payload.includes('1.0.1'),
    );
  });

  it('rolls a broken update back, and refuses what cannot be resolved without touching anything', async () => {
    const device = await prepareDevice(broker, 'D4');
    const agent = run(device);
    await agent.event(({ event }) => event === 'connected');
    expect(
      (await deploy(device, componentFolders({ name: 'app', lifecycle: SLEEPER }), '--merge', 'app=1.0.0'))
        .code,
    ).toBe(0);
    const update = componentFolders({ name: 'app', version: '2.0.0', lifecycle: { install: 'exit 1' } });
    const rolledBack = await deploy(device, update, '--merge', 'app=2.0.0');
    expect(JSON.parse(rolledBack.stdout.split('\n')[0] ?? '')).toMatchObject({
      status: 'FAILED',
      deploymentStatusDetails: { detailedDeploymentStatus: 'FAILED_ROLLBACK_COMPLETE' },
    });
    const details = await command('component', 'details', '--root', device.root, '--name', 'app', '--json');
    expect(JSON.parse(details.stdout)).toMatchObject({ version: '1.0.0', state: 'RUNNING' });
    const before = processesOf(device);
    const refused = await deploy(device, update, '--merge', 'other=1.0.0');
    expect(refused.stderr).toContain(
      'No version of other fits (1.0.0 for LOCAL_DEPLOYMENT): the device has no recipe of it, and the cloud cannot be asked',
    );
    expect(processesOf(device)).toEqual(before);
    const bad = await deploy(device, { ...update, recipeDir: '/nonexistent' }, '--merge', 'app=1.0.0');
    expect(bad).toMatchObject({
      code: 1,
      stderr: 'CreateLocalDeployment is refused: The recipe folder /nonexistent is not there\n',
    });
  });

  it('changes configuration, restarting only what reads it in a script', async () => {
    const device = await prepareDevice(broker, 'D5');
    const agent = run(device);
    await agent.event(({ event }) => event === 'connected');
    const folders = componentFolders(
      {
        name: 'reader',
        configuration: { say: 'one' },
        lifecycle: { run: 'echo "says {configuration:/say}"; exec sleep 1000' },
      },
      { name: 'quiet', configuration: { say: 'one' }, lifecycle: SLEEPER },
    );
    expect((await deploy(device, folders, '--merge', 'reader=1.0.0,quiet=1.0.0')).code).toBe(0);
    const mark = agent.events.length;
    const update = { MERGE: { say: 'two' } };
    const changed = await deploy(
      device,
      folders,
      '--update-config',
      JSON.stringify({ reader: update, quiet: update }),
    );
    expect(changed.code).toBe(0);
    expect(log(device, 'reader')).toContain('stdout. says two.');
    expect(agent.events.slice(mark).filter(({ component }) => component === 'quiet')).toEqual([]);
    const details = await command('component', 'details', '--root', device.root, '--name', 'quiet', '--json');
    expect(JSON.parse(details.stdout)).toMatchObject({ configuration: { say: 'two' } });
  });
});
