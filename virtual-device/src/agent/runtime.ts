import { chmodSync, realpathSync } from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';
import type { Clock } from '../clock.js';
import { runBootstrap } from '../component/bootstrap.js';
import { writeCommands } from '../component/command-folder.js';
import { componentEnvironment } from '../component/environment.js';
import { type RunWith, ScriptLauncher } from '../component/launcher.js';
import { ProcessGroups } from '../component/process-groups.js';
import type { ComponentSpec } from '../component/spec.js';
import { Supervisor } from '../component/supervisor.js';
import type { ComponentConfigurations } from '../config/component-configuration.js';
import type { EffectiveConfigStore } from '../config/effective-config.js';
import type { ContainerImages } from '../containers/images.js';
import { type EngineChoice, openContainerImages } from '../containers/open.js';
import { NUCLEUS_VERSION } from '../nucleus-version.js';
import { DeviceCredentials } from '../tes/device-credentials.js';
import { startTokenExchange, TOKEN_EXCHANGE_SERVICE } from '../tes/token-exchange.js';
import type { Tokens } from '../tokens.js';
import type { AgentContext } from './context.js';

/** What runs the device's components. */
export interface Runtime {
  readonly supervisor: Supervisor;
  /** The device's own, of its role alias. */
  readonly credentials: DeviceCredentials;
  readonly images: ContainerImages;
  /** Runs a component's bootstrap script. @returns its exit code @throws DeviceError when it has none */
  bootstrap(spec: ComponentSpec): Promise<number>;
}

export interface RuntimeParts {
  readonly tokens: Tokens;
  readonly configurations: ComponentConfigurations;
  /** Where the IPC server listens, once it does. */
  readonly ipcSocketPath: () => string;
  /** Folder of unpacked container images. */
  readonly imageStore: string;
  readonly containerEngine: EngineChoice;
}

/**
 * Makes what runs components, and ends what an earlier agent on this root left behind.
 *
 * @throws DeviceError ROOT_UNUSABLE
 */
export async function makeRuntime(context: AgentContext, parts: RuntimeParts): Promise<Runtime> {
  const { layout, clock, logs, store, onDispose } = context;
  const { tokens } = parts;
  const log = logs.logger('com.aws.greengrass.Nucleus');
  const groups = new ProcessGroups(layout.processes, { name: 'GG_ROOT_PATH', value: layout.root });
  for (const { component, processes } of groups.endLeftovers()) {
    log('warn', `Ended ${processes} processes of ${component} that an earlier run left behind`);
  }
  onDispose(() => groups.close());
  const credentials = deviceCredentials(store, clock);
  const images = await openContainerImages({
    layout,
    imageStore: parts.imageStore,
    engine: parts.containerEngine,
    credentials,
    region: () => store.current.nucleus.awsRegion,
    environment: process.env,
    clock,
    log: logs.logger('com.aws.greengrass.DockerApplicationManager'),
  });
  writeCommands(
    layout,
    images.engine === 'process' ? { kind: 'process', imageStore: parts.imageStore } : { kind: images.engine },
  );
  const exchange = await startTokenExchange({
    credentials,
    authenticate: (token) => {
      const principal = tokens.authenticate(token);
      return principal !== undefined && 'componentName' in principal;
    },
    port: configuredPort(parts.configurations),
    clock,
    log: logs.logger('com.aws.greengrass.tes.CredentialRequestHandler'),
  });
  onDispose(() => exchange.close());
  const environmentOf = (component: string) => ({
    ...componentEnvironment({
      layout,
      thingName: store.current.system.thingName,
      awsRegion: store.current.nucleus.awsRegion ?? '',
      rootCaPath: store.current.system.rootCaPath,
      nucleusVersion: NUCLEUS_VERSION,
      ipcSocketPath: parts.ipcSocketPath(),
      token: tokens.ofComponent(component),
      credentialsUri: hasTokenExchange(store) ? exchange.uri : undefined,
      path: process.env.PATH,
    }),
    GG_ROOT_PATH: layout.root,
  });
  const launcher = new ScriptLauncher({
    layout,
    clock,
    logs,
    groups,
    environmentOf,
    runWithDefault: () => runWithDefault(store),
    admitOthers: () => admitOthers(parts.ipcSocketPath(), layout.root),
  });
  return {
    supervisor: new Supervisor({ clock, logs, launcher }),
    credentials,
    images,
    bootstrap: (spec) => runBootstrap(spec, { launcher, layout, clock }),
  };
}

function deviceCredentials(store: EffectiveConfigStore, clock: Clock): DeviceCredentials {
  return new DeviceCredentials(() => {
    const { system, nucleus } = store.current;
    return {
      endpoint: nucleus.iotCredEndpoint,
      roleAlias: nucleus.iotRoleAlias,
      thingName: system.thingName,
      rootCaPath: system.rootCaPath,
      certificatePath: system.certificateFilePath,
      privateKeyPath: system.privateKeyPath,
    };
  }, clock);
}

/** Lets every user connect to the IPC server; who may do what there is settled by the components' tokens. */
function admitOthers(socketPath: string, root: string): void {
  const socket = realpathSync(socketPath);
  chmodSync(socket, 0o666);
  // A socket whose path would be too long below the root lies in a folder of the agent's own.
  if (!socket.startsWith(`${root}/`)) chmodSync(dirname(socket), 0o711);
}

/**
 * Whether the device has the token exchange service. Then every component learns of it, as with the nucleus,
 * which puts it into the environment of all, not of those alone that depend on it.
 */
function hasTokenExchange({ current }: EffectiveConfigStore): boolean {
  return Object.hasOwn(current.components, TOKEN_EXCHANGE_SERVICE);
}

function configuredPort(configurations: ComponentConfigurations): number {
  const port = Number(configurations.get(TOKEN_EXCHANGE_SERVICE, ['port']) ?? 0);
  return Number.isInteger(port) && port >= 0 && port <= 65_535 ? port : 0;
}

function runWithDefault({ current }: EffectiveConfigStore): RunWith | undefined {
  const result = RunWithDefault.safeParse(current.nucleus.runWithDefault ?? {});
  return result.data;
}

const Limit = z.coerce.number().positive().optional();
const RunWithDefault = z.object({
  posixUser: z.string().min(1).optional(),
  systemResourceLimits: z.object({ memory: Limit, cpus: Limit }).optional(),
});

/** Says each state of a component as an event. */
export function reportComponents(supervisor: Supervisor, { emit }: AgentContext): void {
  supervisor.onChange(({ component, to, statusReason }) =>
    emit({
      event: 'component',
      component,
      version: supervisor.component(component)?.version ?? '',
      state: to,
      ...(statusReason && (to === 'ERRORED' || to === 'BROKEN') && { reason: statusReason }),
    }),
  );
}
