import { closeSync, existsSync, openSync, readFileSync, readSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { command, commandProcess, run } from './support/agent.js';
import { prepareDevice, temporaryFolder } from './support/fixtures.js';
import { TestBroker } from './support/iot-broker.js';

let broker: TestBroker;
beforeAll(async () => {
  broker = await TestBroker.start();
});
afterAll(() => broker.stop());

describe('the virtual-device command', () => {
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

  it('has an LED and a button where Linux has them, tells its health, and knows its user', async () => {
    const device = await prepareDevice(broker, 'D9');
    expect(await command('button', 'press', '--root', device.root)).toMatchObject({
      code: 1,
      stderr: `No device is running in ${device.root}; start it first.\n`,
    });
    await run(device, '--led', 'status').event(({ event }) => event === 'connected');
    expect(readFileSync(join(device.root, 'sys/class/leds/status/brightness'), 'utf8')).toBe('0\n');
    // A press before somebody listens is lost, as with the character device.
    expect(await command('button', 'press', '--root', device.root)).toMatchObject({
      code: 0,
      stdout: 'pressed, but no component listens to the button\n',
    });
    const events = openSync(join(device.root, 'dev/input/event0'), 'r');
    expect(await command('button', 'press', '--root', device.root)).toMatchObject({
      code: 0,
      stdout: 'pressed\n',
    });
    const bytes = Buffer.alloc(24 * 5);
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

    // On its launch it has told its health, with the nucleus among the components.
    const { payload } = await broker.message(
      ({ topic }) => topic === '$aws/things/D9/greengrassv2/health/json',
    );
    expect(JSON.parse(payload)).toMatchObject({
      thing: 'D9',
      messageType: 'COMPLETE',
      trigger: 'NUCLEUS_LAUNCH',
      overallDeviceStatus: 'HEALTHY',
      sequenceNumber: 1,
      components: [{ componentName: 'aws.greengrass.Nucleus', status: 'RUNNING', isRoot: false }],
    });

    // And strangers are not let on its socket.
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

  it.concurrent.each([
    [['run'], 2, /--root/],
    [['run', '--root', '/dev/null/here'], 5, /^The device's root \/dev\/null\/here cannot be used/],
    // Where the kernel makes no folders, and Node's recursive mkdir never returns.
    [
      ['run', '--root', '/proc/nowhere/v2'],
      5,
      /^The device's root \/proc\/nowhere\/v2 cannot be used: ENOENT/,
    ],
    [['component', 'list', '--root', '/nonexistent'], 1, /^No device is running in \/nonexistent/],
    [['deployment', 'create', '--root', '/x', '--merge', 'a'], 2, /<name>=<version>/],
  ])('says what is wrong: %s', async (args, code, message) => {
    const result = await commandProcess(...args);
    expect(result.code).toBe(code);
    expect(result.stderr).toMatch(message);
  });

  it('is not provisioned without config.yaml, and says which key is missing in a bad one', async () => {
    const root = temporaryFolder();
    expect(await commandProcess('run', '--root', root)).toMatchObject({
      code: 4,
      stderr: expect.stringMatching(/--init-config FILE\.\n$/),
    });
    const file = join(root, 'config.yaml');
    writeFileSync(file, 'system: {}\n');
    expect(await commandProcess('run', '--root', root, '--init-config', file)).toMatchObject({
      code: 4,
      stderr: expect.stringMatching(/config\.yaml: system\.thingName is missing/),
    });
    expect(existsSync(join(root, 'privKey.key'))).toBe(false);
  });
});
