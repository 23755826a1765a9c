import { lstat, mkdir, readdir, rename, stat, symlink, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { prepareSocketAddress } from '../../src/ipc/socket-address.js';
import { connectClient, RecordingDevice, temporaryDirectory } from './device.js';

const exists = (path: string) =>
  lstat(path).then(
    () => true,
    () => false,
  );

function listenAt(path: string) {
  const server = createServer();
  onTestFinished(() => {
    server.close();
  });
  return new Promise<typeof server>((resolve, reject) => {
    server.once('error', reject).listen(path, () => resolve(server));
  });
}

async function startDeviceAt(path: string) {
  const device = new RecordingDevice();
  device.addComponent('led', { 'aws.greengrass.ipc.pubsub': { p: { operations: ['*'], resources: ['*'] } } });
  const server = await device.start(path);
  onTestFinished(() => server.close());
  return server;
}

describe('the IPC socket', () => {
  it('is where it was asked for, for this user alone, and goes with the server', async () => {
    const path = join(await temporaryDirectory(), 'root', 'ipc.socket');
    const server = await startDeviceAt(path);
    expect(server.socketPath).toBe(path);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    await connectClient(server, 'led');
    await server.close();
    expect(await exists(path)).toBe(false);
  });

  it('has a short path of its own when the one asked for is too long', async () => {
    const path = join(await temporaryDirectory(), 'long'.repeat(50), 'ipc.socket');
    const server = await startDeviceAt(path);
    expect(server.socketPath.length).toBeLessThanOrEqual(103);
    expect((await lstat(path)).isSymbolicLink()).toBe(true);
    expect((await stat(path)).isSocket()).toBe(true);
    const led = await connectClient(server, 'led');
    await led.publishToTopic({ topic: 't', publishMessage: { jsonMessage: { message: 1 } } });
    await server.close();
    expect(await exists(path)).toBe(false);
    expect(await exists(dirname(server.socketPath))).toBe(false);
  });

  it('is left alone by a second close, when it is another server’s', async () => {
    const path = join(await temporaryDirectory(), 'ipc.socket');
    const first = await startDeviceAt(path);
    await first.close();
    const second = await startDeviceAt(path);
    await first.close();
    await connectClient(second, 'led');
  });

  it('takes the place of a socket that nobody serves any more', async () => {
    const directory = await temporaryDirectory();
    const path = join(directory, 'ipc.socket');
    // A socket file outlives a process that is killed; renamed, it outlives its server here.
    const dead = await listenAt(join(directory, 'dead'));
    await rename(join(directory, 'dead'), path);
    await new Promise((resolve) => dead.close(resolve));
    expect(await exists(path)).toBe(true);
    await connectClient(await startDeviceAt(path), 'led');
  });

  it('removes the short directory that a killed process left', async () => {
    const path = join(await temporaryDirectory(), 'long'.repeat(50), 'ipc.socket');
    // Never bound, as after a kill: the link and its directory are there, the server is not.
    const left = await prepareSocketAddress(path);
    const server = await startDeviceAt(path);
    expect(server.socketPath).not.toBe(left.path);
    expect(await exists(dirname(left.path))).toBe(false);
    await connectClient(server, 'led');
  });

  it('follows no link to a directory that is not its own', async () => {
    const directory = await temporaryDirectory();
    const [path, foreign] = [join(directory, 'ipc.socket'), join(directory, 'foreign')];
    await mkdir(foreign);
    await writeFile(join(foreign, 'ipc.socket'), 'precious');
    await symlink(join(foreign, 'ipc.socket'), path);
    await startDeviceAt(path);
    expect(await readdir(foreign)).toEqual(['ipc.socket']);
  });

  it('is refused while another process serves it', async () => {
    const path = join(await temporaryDirectory(), 'ipc.socket');
    await listenAt(path);
    await expect(startDeviceAt(path)).rejects.toMatchObject({
      code: 'ALREADY_RUNNING',
      message: `Another process serves the IPC socket ${path}; stop it or choose another root.`,
    });
    await new Promise<void>((resolve, reject) => {
      const probe = connect(path, () => {
        probe.destroy();
        resolve();
      }).once('error', reject);
    });
  });

  it('is refused where no directory can be made for it', async () => {
    const file = join(await temporaryDirectory(), 'file');
    await writeFile(file, '');
    for (const folder of [file, '/proc/nowhere']) {
      await expect(startDeviceAt(join(folder, 'ipc.socket'))).rejects.toMatchObject({
        code: 'ROOT_UNUSABLE',
        message: expect.stringMatching(/^The IPC socket .* cannot be bound: /),
      });
    }
  });

  it('does not replace a file that is no socket', async () => {
    const path = join(await temporaryDirectory(), 'ipc.socket');
    await writeFile(path, 'precious');
    await expect(startDeviceAt(path)).rejects.toMatchObject({ code: 'ROOT_UNUSABLE' });
    expect(await exists(path)).toBe(true);
  });
});
