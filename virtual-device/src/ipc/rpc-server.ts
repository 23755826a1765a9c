/** The listening socket and its connections. */
import { createServer, type Server, type Socket } from 'node:net';
import type { Clock } from '../clock.js';
import { DeviceError, messageOf } from '../errors.js';
import type { IpcLimits, IpcLog, IpcServer } from './capabilities.js';
import { RpcConnection, type RpcService } from './rpc-connection.js';
import { prepareSocketAddress } from './socket-address.js';

/** @throws DeviceError when the socket cannot be bound */
export async function startRpcServer(
  requestedPath: string,
  service: RpcService,
  limits: IpcLimits,
  log: IpcLog,
  clock: Clock,
): Promise<IpcServer> {
  const unusable = (error: unknown): DeviceError =>
    error instanceof DeviceError
      ? error
      : new DeviceError(
          'ROOT_UNUSABLE',
          `The IPC socket ${requestedPath} cannot be bound: ${messageOf(error)}`,
          { cause: error },
        );
  const address = await prepareSocketAddress(requestedPath).catch((error: unknown) => {
    throw unusable(error);
  });
  const connections = new Set<RpcConnection>();
  const server = createServer((socket: Socket) => {
    if (connections.size >= limits.maxConnections) {
      log('warn', `Refused an IPC connection: ${limits.maxConnections} are open already.`);
      socket.destroy();
      return;
    }
    const connection = new RpcConnection(socket, service, limits, log, clock);
    connections.add(connection);
    socket.once('close', () => connections.delete(connection));
  });
  try {
    await listen(server, address.path);
    await address.protect();
  } catch (error) {
    server.close();
    await address.remove();
    throw unusable(error);
  }
  server.on('error', (error) => log('error', `The IPC socket failed: ${error.message}`));
  const close = async () => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const connection of connections) connection.destroy();
    await closed;
    await address.remove();
  };
  let closing: Promise<void> | undefined;
  return {
    socketPath: address.path,
    // Once only: by a second call the path may be another server's.
    close() {
      closing ??= close();
      return closing;
    },
  };
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ path }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}
