import type { Supervisor } from '../component/supervisor.js';
import type { ComponentConfigurations } from '../config/component-configuration.js';
import type { ComponentUpdatesCapability, LocalDeploymentsCapability } from '../ipc/capabilities.js';
import { type IpcServer, startIpcServer } from '../ipc/index.js';
import { componentsCapability, iotCoreCapability } from '../ipc-capabilities.js';
import { isJsonObject } from '../json.js';
import type { DeviceConnection } from '../mqtt/connection.js';
import { interpolateJson } from '../recipe/interpolation.js';
import type { Tokens } from '../tokens.js';
import type { AgentContext } from './context.js';

export interface IpcParts {
  readonly socketPath: string;
  readonly tokens: Tokens;
  readonly connection: DeviceConnection;
  readonly supervisor: Supervisor;
  readonly configurations: ComponentConfigurations;
  readonly localDeployments: LocalDeploymentsCapability;
  readonly updates: ComponentUpdatesCapability;
}

/** Starts the IPC server that components and the CLI speak to. */
export async function startIpc(context: AgentContext, parts: IpcParts): Promise<IpcServer> {
  const { store, logs, layout, onDispose } = context;
  const { supervisor, configurations, tokens } = parts;
  const server = await startIpcServer({
    socketPath: parts.socketPath,
    authenticate: (token) => tokens.authenticate(token),
    accessControlOf: (name) => {
      const spec = supervisor.spec(name);
      const configuration = configurations.of(name);
      if (!spec || !isJsonObject(configuration)) return undefined;
      const policies = configuration.accessControl;
      // As the nucleus, which replaces variables in configuration only when it is told to.
      if (policies === undefined || store.current.nucleus.interpolateComponentConfiguration !== true)
        return policies;
      return interpolateJson(policies, spec.variables);
    },
    iotCore: iotCoreCapability(parts.connection),
    configuration: configurations,
    components: componentsCapability(supervisor, configurations),
    localDeployments: parts.localDeployments,
    updates: parts.updates,
    clock: context.clock,
    log: logs.logger('com.aws.greengrass.ipc.IPCEventStreamService'),
  });
  onDispose(() => server.close());
  tokens.publishCliInfo(layout, server.socketPath);
  return server;
}
