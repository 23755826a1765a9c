/** Greengrass's IPC service on a Unix socket: the operations wired to the device's capabilities. */
import { AccessControl } from './access-control.js';
import type { IpcLimits, IpcServer, IpcServerOptions } from './capabilities.js';
import { MODEL_NAMESPACE } from './operation.js';
import { authorizationTokenOperations } from './operations/authorization-token.js';
import { componentMetricOperations } from './operations/component-metrics.js';
import { componentUpdateOperations } from './operations/component-updates.js';
import { componentOperations } from './operations/components.js';
import { configurationOperations } from './operations/configuration.js';
import { localDeploymentOperations } from './operations/local-deployments.js';
import { mqttProxyOperations } from './operations/mqtt-proxy.js';
import { pubSubOperations } from './operations/pubsub.js';
import { unsupportedOperations } from './operations/unsupported.js';
import { startRpcServer } from './rpc-server.js';

const MEBIBYTE = 1_048_576;

/** Far above what components exchange (AWS IoT Core's own limit is 128 KiB), far below what hurts the device. */
const DEFAULT_IPC_LIMITS: IpcLimits = Object.freeze({
  maxMessageBytes: 8 * MEBIBYTE,
  maxOutgoingBytes: 32 * MEBIBYTE,
  maxStreams: 1_000,
  maxConnections: 1_000,
});

/**
 * Starts the server and resolves once clients can connect. It speaks event stream RPC 0.1.0, which the
 * AWS IoT Device SDK v2 uses on `AWS_GG_NUCLEUS_DOMAIN_SOCKET_FILEPATH_FOR_COMPONENT`.
 *
 * @throws DeviceError when the socket cannot be bound
 */
export async function startIpcServer(options: IpcServerOptions): Promise<IpcServer> {
  const { authenticate, log } = options;
  const accessControl = new AccessControl(options.accessControlOf, log);
  const operations = new Map(
    [
      ...pubSubOperations(accessControl),
      ...mqttProxyOperations(accessControl, options.iotCore, log),
      ...configurationOperations(options.configuration),
      ...componentOperations(accessControl, options.components),
      ...componentUpdateOperations(options.updates, options.components),
      ...componentMetricOperations(accessControl, log),
      ...localDeploymentOperations(accessControl, options.localDeployments),
      ...authorizationTokenOperations(authenticate),
      ...unsupportedOperations(),
    ].map((operation) => [MODEL_NAMESPACE + operation.name, operation] as const),
  );
  return await startRpcServer(
    options.socketPath,
    { authenticate, operation: (name) => operations.get(name) },
    { ...DEFAULT_IPC_LIMITS, ...options.limits },
    log,
    options.clock,
  );
}
