import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DynamoDBClient, ScanCommand } from '@aws-sdk/client-dynamodb';
import { IoTClient, ListThingsCommand } from '@aws-sdk/client-iot';
import { IoTDataPlaneClient, PublishCommand } from '@aws-sdk/client-iot-data-plane';
import { names, topics } from '@mooring/contracts';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { Mooring, mooring, processesNaming } from './mooring.js';

interface Running {
  event: 'running';
  endpointUrl: string;
  devices: { thing: string; root: string; provisioned: boolean; hertz: number | null }[];
}

const anyPorts = ['--http-port', '0', '--mqtt-port', '0', '--https-port', '0'];
const directories: string[] = [];

function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'mooring-start-'));
  directories.push(directory);
  return directory;
}

afterAll(() => {
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
});

async function nothingLeft(directory: string): Promise<void> {
  await vi.waitFor(() => expect(processesNaming(directory)).toEqual([]), { timeout: 30_000, interval: 100 });
}

describe('the whole system on one machine', () => {
  const state = temporaryDirectory();
  const allowlist = join(temporaryDirectory(), 'allowlist.txt');
  const options = ['--state-directory', state, '--allowlist', allowlist];
  const start = () => new Mooring(['start', '--devices', '2', ...options, ...anyPorts, '--json']);
  let system: Mooring;
  let running: Running;

  beforeAll(async () => {
    writeFileSync(allowlist, 'listed-1\n');
    system = start();
    running = await system.firstJson<Running>();
  }, 120_000);

  afterAll(async () => {
    system.process.kill('SIGKILL');
    await nothingLeft(state);
  });

  test('boots the listed device and makes up the others, and their LEDs blink', () => {
    expect(running.devices.map(({ thing }) => thing)).toEqual(['listed-1', '1000000000000001']);
    for (const { provisioned, hertz } of running.devices) {
      expect(provisioned).toBe(true);
      expect(hertz).toBeGreaterThan(0);
    }
  });

  test('an AWS client sees the things', async () => {
    const iot = new IoTClient({
      endpoint: running.endpointUrl,
      region: 'eu-central-1',
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    });
    const { things = [] } = await iot.send(new ListThingsCommand({}));
    expect(things.map(({ thingName }) => thingName).sort()).toEqual(['1000000000000001', 'listed-1']);
    iot.destroy();
  });

  test('the components came by a deployment to the group, which leaves nothing to do', async () => {
    const deploy = await mooring(
      ...['components', 'deploy', '--without', 'docker_corrupt', '--json', '--state-directory', state],
    );
    expect(deploy.code).toBe(0);
    expect(JSON.parse(deploy.stdout)).toMatchObject({ changed: false, revision: { revision: '1' } });
    const list = await mooring('components', 'list', '--json', '--state-directory', state);
    expect(JSON.parse(list.stdout)).toEqual(
      [
        { name: 'docker_button', version: '1.1.0' },
        { name: 'docker_certificate_rotator', version: '1.1.0' },
        { name: 'docker_led', version: '1.1.0' },
        { name: 'os_update', version: '1.0.0' },
      ].map(({ name, version }) =>
        expect.objectContaining({ name, newest: version, deployed: version, heldBack: [] }),
      ),
    );
  });

  test('status lists the devices with certificate, health and components', async () => {
    const { code, stdout } = await mooring('status', '--json', '--state-directory', state);
    expect(code).toBe(0);
    const { devices, deployment, broken } = JSON.parse(stdout) as {
      devices: object[];
      deployment: object;
      broken: object[];
    };
    expect(deployment).toMatchObject({ revision: '1', status: 'ACTIVE' });
    expect(broken).toEqual([]);
    expect(devices).toHaveLength(2);
    expect(devices[0]).toMatchObject({
      connected: true,
      health: 'HEALTHY',
      certificates: [{ status: 'ACTIVE' }],
      components: expect.arrayContaining([expect.objectContaining({ name: 'docker_led', state: 'RUNNING' })]),
    });
  });

  test('the LED is told a frequency and answers; the button stops it and starts it again', async () => {
    const led = await mooring('led', 'frequency', 'listed-1', '12.5', '--json', '--state-directory', state);
    expect(led).toMatchObject({ code: 0, stdout: '{"thing":"listed-1","frequency":12.5}\n' });
    for (const blinking of [false, true]) {
      const button = await mooring('button', 'press', 'listed-1', '--json', '--state-directory', state);
      expect(button).toMatchObject({ code: 0, stdout: `{"thing":"listed-1","state":${blinking}}\n` });
    }
  });

  test('what the LED did is kept as telemetry, and its button can be pressed through the cloud', async () => {
    const config = {
      endpoint: running.endpointUrl,
      region: 'eu-central-1',
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    };
    const database = new DynamoDBClient(config);
    const told = async () => {
      const { Items = [] } = await database.send(new ScanCommand({ TableName: names.telemetryTable }));
      return Items.filter(({ thing }) => thing?.S === 'listed-1');
    };
    const data = new IoTDataPlaneClient(config);
    await data.send(
      new PublishCommand({ topic: topics.pressButton('listed-1'), payload: Buffer.from('{}') }),
    );
    await vi.waitFor(
      async () =>
        expect(await told()).toContainEqual(
          expect.objectContaining({ frequency: { N: '12.5' }, blinking: { BOOL: false } }),
        ),
      { timeout: 20_000 },
    );
    data.destroy();
    database.destroy();
  });

  test.each([
    [['led', 'frequency', 'listed-1', '51'], '51 Hz is out of range'],
    [['led', 'frequency', 'a/b', '5'], '"a/b" is not a thing name'],
    [['button', 'press', 'a/b'], '"a/b" is not a thing name'],
    [['deploy', '--stack', 'dev'], 'pulumi'],
  ])('%j is refused in a sentence', async (args, sentence) => {
    const { code, stdout, stderr } = await mooring(...args, '--state-directory', state);
    expect(code).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toContain(sentence);
    expect(stderr).not.toMatch(/^\s+at /m);
  });

  test('deployed and provisioned again, nothing changes', async () => {
    const deploy = await mooring('deploy', '--stack', 'local', '--json', '--state-directory', state);
    expect(deploy.code).toBe(0);
    const provision = await mooring(
      'provision',
      '--json',
      '--state-directory',
      state,
      '--allowlist',
      allowlist,
    );
    expect(JSON.parse(provision.stdout)).toMatchObject({ claimCertificateCreated: false });
  });

  test('it is not reset while it runs, and a second one on the same state is refused', async () => {
    const reset = await mooring('reset', '--state-directory', state);
    expect(reset).toMatchObject({ code: 1, stderr: expect.stringContaining('in use by process') });
    const second = await mooring('start', ...options, ...anyPorts);
    expect(second).toMatchObject({ code: 1, stderr: expect.stringContaining('in use by process') });
  });

  test('Ctrl-C stops it all, the next start goes on with the same devices, and death leaves nothing', async () => {
    system.process.kill('SIGINT');
    expect((await system.finished).code).toBe(0);
    expect(processesNaming(state)).toEqual([]);

    // At the same address, as with the default ports: images are where the recipes say.
    const port = new URL(running.endpointUrl).port;
    system = new Mooring(['start', '--devices', '2', ...options, ...anyPorts, '--http-port', port, '--json']);
    const again = await system.firstJson<Running>();
    expect(again.devices.map(({ thing }) => thing)).toEqual(running.devices.map(({ thing }) => thing));
    for (const { provisioned } of again.devices) expect(provisioned).toBe(false);

    system.process.kill('SIGKILL');
    const { stderr } = await system.finished;
    expect(stderr).toMatch(/no changes, \d+ resources are as they should be/);
    expect(stderr).toContain('no changes, 4 components are published');
    expect(stderr).toContain('deployment revision 1 is in force, no changes');
    await nothingLeft(state);
    const reset = await mooring('reset', '--state-directory', state);
    expect(reset.code).toBe(0);
    expect(existsSync(state)).toBe(false);
  }, 120_000);
});

test('a port that is taken is named, and nothing stays', async () => {
  const state = temporaryDirectory();
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const address = other.address();
  const port = typeof address === 'object' ? String(address?.port) : '';
  const ports = ['--http-port', port, '--mqtt-port', '0', '--https-port', '0'];
  const { code, stderr } = await mooring('start', '--state-directory', state, ...ports);
  other.close();
  expect(code).toBe(1);
  expect(stderr).toContain(`Port ${port}`);
  expect(stderr).not.toMatch(/^\s+at /m);
  await nothingLeft(state);
});

test('a malformed or missing allowlist is named before anything starts', async () => {
  const directory = temporaryDirectory();
  const allowlist = join(directory, 'allowlist.txt');
  const missing = await mooring(
    'start',
    '--state-directory',
    directory,
    '--allowlist',
    allowlist,
    ...anyPorts,
  );
  expect(missing).toMatchObject({ code: 1, stderr: expect.stringContaining(allowlist) });
  writeFileSync(allowlist, 'good\nnot good\n');
  const malformed = await mooring(
    'start',
    '--state-directory',
    directory,
    '--allowlist',
    allowlist,
    ...anyPorts,
  );
  expect(malformed).toMatchObject({ code: 1, stderr: expect.stringContaining('line 2') });
});
