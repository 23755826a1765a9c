/**
 * Where the IPC socket is bound. A socket address holds about a hundred bytes, a device's root may be
 * longer: then the socket lives in a directory of its own under the system's temporary directory, and a
 * symbolic link stands where it was asked for, so that a relative path to it works too.
 */
import { chmod, lstat, mkdtemp, readlink, rm, symlink, unlink } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { DeviceError, errnoOf } from '../errors.js';
import { makeFolder } from '../folder.js';

/** macOS has 104 bytes with the terminator, Linux 108; the smaller one is safe on both. */
const MAX_SOCKET_PATH_BYTES = 103;
const SHORT_DIRECTORY_PREFIX = 'gg-ipc-';
const SOCKET_FILE = 'ipc.socket';

export interface SocketAddress {
  /** What to bind and to connect to. */
  readonly path: string;
  /** Lets only this user connect; after binding. */
  protect(): Promise<void>;
  /** Removes every trace; after the server has closed. */
  remove(): Promise<void>;
}

/**
 * Makes a path free and fit for binding: its directory exists, remains of a process that died are gone.
 *
 * @throws DeviceError when another process listens there, or something else is in the way
 */
export async function prepareSocketAddress(requestedPath: string): Promise<SocketAddress> {
  makeFolder(dirname(requestedPath));
  await removeRemains(requestedPath);
  if (Buffer.byteLength(requestedPath) <= MAX_SOCKET_PATH_BYTES) {
    return {
      path: requestedPath,
      protect: () => chmod(requestedPath, 0o600),
      remove: () => rm(requestedPath, { force: true }),
    };
  }
  // mkdtemp lets only this user in, which protects the socket as well.
  const directory = await mkdtemp(join(tmpdir(), SHORT_DIRECTORY_PREFIX));
  const path = join(directory, SOCKET_FILE);
  if (Buffer.byteLength(path) > MAX_SOCKET_PATH_BYTES) {
    await rm(directory, { recursive: true, force: true });
    throw new DeviceError(
      'ROOT_UNUSABLE',
      `Neither ${requestedPath} nor ${path} fits into a socket address of ${MAX_SOCKET_PATH_BYTES} bytes; set TMPDIR to a shorter directory.`,
    );
  }
  await symlink(path, requestedPath);
  return {
    path,
    protect: () => chmod(path, 0o600),
    async remove() {
      await rm(requestedPath, { force: true });
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function removeRemains(path: string): Promise<void> {
  const found = await lstat(path).catch(absentAsUndefined);
  if (found === undefined) return;
  if (found.isSymbolicLink()) {
    const target = await readlink(path);
    await refuseWhenInUse(target, path);
    await unlink(path);
    const directory = dirname(target);
    if (basename(target) === SOCKET_FILE && basename(directory).startsWith(SHORT_DIRECTORY_PREFIX)) {
      await rm(target, { force: true });
      await rm(directory, { recursive: true, force: true });
    }
  } else if (found.isSocket()) {
    await refuseWhenInUse(path, path);
    await unlink(path);
  } else {
    throw new DeviceError(
      'ROOT_UNUSABLE',
      `${path} is in the way of the IPC socket and is no socket; remove it or choose another root.`,
    );
  }
}

async function refuseWhenInUse(target: string, path: string): Promise<void> {
  // A path that is too long can never have been bound.
  if (Buffer.byteLength(target) > MAX_SOCKET_PATH_BYTES || !(await isListening(target))) return;
  throw new DeviceError(
    'ALREADY_RUNNING',
    `Another process serves the IPC socket ${path}; stop it or choose another root.`,
  );
}

function isListening(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path);
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', () => resolve(false));
  });
}

function absentAsUndefined(error: unknown): undefined {
  if (errnoOf(error) === 'ENOENT') return undefined;
  throw error;
}
