import { closeSync, existsSync, openSync, readdirSync, readFileSync, readSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readProcess } from '../src/component/process-table.js';
import { Agent, command } from './support/agent.js';
import { componentFolders } from './support/components.js';
import { type PreparedDevice, prepareDevice, temporaryFolder } from './support/fixtures.js';
import { TestBroker } from './support/iot-broker.js';

let broker: TestBroker;
beforeAll(async () => {
  broker = await TestBroker.start();
});
afterAll(() => broker.stop());

function run(device: PreparedDevice, ...more: string[]): Agent {
  return new Agent(['run', '--root', device.root, '--init-config', device.configFile, '--json', ...more]);
}

function deploy(
  device: PreparedDevice,
  folders: { recipeDir: string; artifactDir: string },
  ...more: string[]
) {
  const { recipeDir, artifactDir } = folders;
  return command(
    ...['deployment', 'create', '--root', device.root, '--wait', '--json'],
    ...['--recipeDir', recipeDir, '--artifactDir', artifactDir, ...more],
  );
}

const log = (device: PreparedDevice, name: string) =>
  readFileSync(join(device.root, 'logs', `${name}.log`), 'utf8');

/** Every process that was started for a device, wherever it went since. */
function processesOf(device: PreparedDevice): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return (
          readProcess(pid) &&
          readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`GG_ROOT_PATH=${device.root}\0`)
        );
      } catch {
        return false;
      }
    });
}

async function gone(device: PreparedDevice): Promise<void> {
  while (processesOf(device).length > 0) await new Promise((resolve) => setTimeout(resolve, 20));
}

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

describe('the virtual-device command', () => {
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
    const device = await prepareDevice(broker, 'D12');
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

  it('tells a refusal in the cloud’s words and ends', async () => {
    broker.provisioning.register = ({ SerialNumber }) =>
      SerialNumber === 'D2'
        ? { statusCode: 403, errorCode: 'AccessDenied', errorMessage: 'serial D2 is not listed' }
        : { thingName: SerialNumber ?? '' };
    const device = await prepareDevice(broker, 'D2');
    const agent = run(device);
    expect(await agent.exited).toBe(3);
    expect(agent.events.at(-1)).toMatchObject({ event: 'refused', code: 'PROVISIONING_REFUSED' });
    expect(agent.stderr).toMatch(
      /^AWS IoT refuses to provision the device SerialNumber=D2 .*serial D2 is not listed\n$/,
    );
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
      'No version of other fits (1.0.0 for the deployment): there is no recipe of it',
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

  it('leaves nothing behind when it is killed, and a second start cleans up what escaped', async () => {
    const device = await prepareDevice(broker, 'D6');
    const agent = run(device);
    await agent.event(({ event }) => event === 'connected');
    const folders = componentFolders({
      name: 'forker',
      lifecycle: { startup: 'sleep 1000 & sleep 1000 & exit 0' },
    });
    expect((await deploy(device, folders, '--merge', 'forker=1.0.0')).code).toBe(0);
    expect(processesOf(device).length).toBeGreaterThanOrEqual(2);
    await agent.stop('SIGKILL');
    await gone(device);
    // As if the guardian had been killed as well: a process of the recorded session is still there.
    const again = new Agent(['run', '--root', device.root, '--json']);
    await again.component('forker', 'RUNNING');
    expect(await again.stop()).toBe(0);
    expect(processesOf(device)).toEqual([]);
  });

  it('ends with its parent when asked to', async () => {
    const device = await prepareDevice(broker, 'D7');
    const agent = run(device, '--exit-with-parent');
    await agent.event(({ event }) => event === 'connected');
    agent.child.stdin?.end();
    expect(await agent.exited).toBe(0);
  });

  it('lets only one agent run on a root', async () => {
    const device = await prepareDevice(broker, 'D8');
    await run(device).event(({ event }) => event === 'connected');
    const second = run(device);
    expect(await second.exited).toBe(6);
    expect(second.stderr).toMatch(/^A device is already running in /);
  });

  it('has an LED and a button where Linux has them', async () => {
    const device = await prepareDevice(broker, 'D9');
    expect(await command('button', 'press', '--root', device.root)).toMatchObject({
      code: 1,
      stderr: `No device is running in ${device.root}; start it first.\n`,
    });
    await run(device, '--led', 'status').event(({ event }) => event === 'started');
    expect(readFileSync(join(device.root, 'sys/class/leds/status/brightness'), 'utf8')).toBe('0\n');
    const events = openSync(join(device.root, 'dev/input/event0'), 'r');
    expect((await command('button', 'press', '--root', device.root)).code).toBe(0);
    const bytes = Buffer.alloc(24 * 4);
    expect(readSync(events, bytes)).toBe(96);
    closeSync(events);
    const decoded = [0, 24, 48, 72].map((at) => [
      bytes.readUInt16LE(at + 16),
      bytes.readUInt16LE(at + 18),
      bytes.readInt32LE(at + 20),
    ]);
    expect(decoded).toEqual([
      [1, 148, 1],
      [0, 0, 0],
      [1, 148, 0],
      [0, 0, 0],
    ]);
  });

  it('publishes its health on launch, with the nucleus among the components', async () => {
    const device = await prepareDevice(broker, 'D10');
    await run(device).event(({ event }) => event === 'connected');
    const { payload } = await broker.message(
      ({ topic }) => topic === '$aws/things/D10/greengrassv2/health/json',
    );
    expect(JSON.parse(payload)).toMatchObject({
      thing: 'D10',
      messageType: 'COMPLETE',
      trigger: 'NUCLEUS_LAUNCH',
      overallDeviceStatus: 'HEALTHY',
      sequenceNumber: 1,
      components: [{ componentName: 'aws.greengrass.Nucleus', status: 'RUNNING', isRoot: false }],
    });
  });

  it.each([
    [['run'], 2, /--root/],
    [['run', '--root', '/dev/null/here'], 5, /^The device's root \/dev\/null\/here cannot be used/],
    [['component', 'list', '--root', '/nonexistent'], 1, /^No device is running in \/nonexistent/],
    [['deployment', 'create', '--root', '/x', '--merge', 'a'], 2, /<name>=<version>/],
  ])('says what is wrong: %s', async (args, code, message) => {
    const result = await command(...args);
    expect(result.code).toBe(code);
    expect(result.stderr).toMatch(message);
  });

  it('is not provisioned without config.yaml, and says which key is missing in a bad one', async () => {
    const root = temporaryFolder();
    expect(await command('run', '--root', root)).toMatchObject({
      code: 4,
      stderr: expect.stringMatching(/--init-config FILE\.\n$/),
    });
    const file = join(root, 'config.yaml');
    writeFileSync(file, 'system: {}\n');
    expect(await command('run', '--root', root, '--init-config', file)).toMatchObject({
      code: 4,
      stderr: expect.stringMatching(/config\.yaml: system\.thingName is missing/),
    });
    expect(existsSync(join(root, 'privKey.key'))).toBe(false);
  });

  it('does not let strangers on its socket', async () => {
    const device = await prepareDevice(broker, 'D11');
    await run(device).event(({ event }) => event === 'started');
    const info = JSON.parse(
      readFileSync(join(device.root, 'cli_ipc_info', `user-${process.getuid?.()}`), 'utf8'),
    );
    writeFileSync(
      join(device.root, 'cli_ipc_info', `user-${process.getuid?.()}`),
      JSON.stringify({ ...info, cli_auth_token: 'guess' }),
    );
    expect(await command('component', 'list', '--root', device.root)).toMatchObject({ code: 1 });
    await new Promise<void>((resolve) => {
      const socket = connect(info.domain_socket_path, () => socket.end('rubbish'.repeat(100)));
      socket.resume();
      socket.on('close', () => resolve());
      socket.on('error', () => {});
    });
  });
});
