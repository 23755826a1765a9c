import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { takeRoot } from './agent-lock.js';
import { type Clock, systemClock } from './clock.js';
import { componentEnvironment } from './component/environment.js';
import { ProcessGroups } from './component/process-groups.js';
import { startScript } from './component/script.js';
import type { ComponentSpec } from './component/spec.js';
import { Supervisor } from './component/supervisor.js';
import { ComponentConfigurations } from './config/component-configuration.js';
import type { EffectiveConfigStore } from './config/effective-config.js';
import { mqttEndpoint } from './config/endpoint.js';
import { NUCLEUS, readInitConfig } from './config/init-config.js';
import { Deployer } from './deployment/deployer.js';
import { LocalDeployments } from './deployment/local-deployments.js';
import { DeviceError, messageOf } from './errors.js';
import type { DeviceEvent } from './events.js';
import { plugInButton } from './hardware/button.js';
import { DEFAULT_LED, plugInLed } from './hardware/leds.js';
import { type ComponentDetails, type IpcServer, type LocalDeployment, startIpcServer } from './ipc/index.js';
import { componentsCapability, iotCoreCapability } from './ipc-capabilities.js';
import { isJsonObject } from './json.js';
import { type Layout, makeLayout } from './layout.js';
import { GreengrassLogs } from './log/greengrass-log.js';
import { DEFAULT_LOG_BOUNDS, type LogBounds } from './log/log-file.js';
import { type ConnectionState, DeviceConnection } from './mqtt/connection.js';
import { obtainIdentity } from './provisioning/identity.js';
import { interpolateJson } from './recipe/interpolation.js';
import { RecipeStore } from './recipe/store.js';
import { FleetStatus } from './status/fleet-status.js';
import { Tokens } from './tokens.js';

/** The version of the Greengrass nucleus whose contract the device honours. */
export const NUCLEUS_VERSION = '2.15.0';

export interface DeviceOptions {
  /** The device's folder, as `/greengrass/v2` is a real one's. */
  readonly root: string;
  /** `config.yaml`; needed for the first start only. */
  readonly initConfig?: string;
  /** Names of the LEDs; `ACT` unless told otherwise. */
  readonly leds?: readonly string[];
  readonly clock?: Clock;
  /** Aborting it stops the device, also while it starts. */
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: DeviceEvent) => void;
}

/** A core device that runs in this process, its components in processes of their own. */
export interface Device {
  readonly thingName: string;
  readonly root: string;
  /** Of the connection to AWS IoT Core. */
  readonly state: ConnectionState;
  components(): readonly ComponentDetails[];
  onEvent(listener: (event: DeviceEvent) => void): () => void;
  /** Makes the MQTT connection anew, with the certificate that is on disk now. */
  reconnect(): void;
  /** Stops the components in reverse order of their dependencies, then disconnects. Safe to call twice. */
  stop(): Promise<void>;
}

/**
 * Starts a core device: ends what an earlier agent left behind, provisions it if need be, and starts its
 * components and its connection. Resolves when that is under way, without waiting for the connection.
 *
 * @throws DeviceError (see its codes), or the signal's reason
 */
export async function startDevice(options: DeviceOptions): Promise<Device> {
  const initConfig = options.initConfig === undefined ? undefined : readInitConfig(options.initConfig);
  const layout = makeLayout(options.root);
  const releaseRoot = takeRoot(layout);
  const stop = new AbortController();
  const forward = () => stop.abort(options.signal?.reason);
  options.signal?.addEventListener('abort', forward, { once: true });
  if (options.signal?.aborted) forward();
  const disposers: (() => void | Promise<void>)[] = [
    releaseRoot,
    () => options.signal?.removeEventListener('abort', forward),
  ];
  const dispose = async () => {
    for (const disposer of disposers.splice(0).reverse()) await disposer();
  };
  try {
    const clock = options.clock ?? systemClock;
    const listeners = new Set<(event: DeviceEvent) => void>(options.onEvent ? [options.onEvent] : []);
    const emit = (event: DeviceEvent) => {
      for (const listener of [...listeners]) listener(event);
    };
    let logs = new GreengrassLogs(layout.logs, clock);
    const provisioningLog = logs.logger('com.aws.greengrass.FleetProvisioningByClaimPlugin');
    const store = await obtainIdentity({
      layout,
      initConfig,
      nucleusVersion: NUCLEUS_VERSION,
      clock,
      log: (level, message, fields) => {
        provisioningLog(level, message, fields);
        emit({ event: 'provisioning', detail: message });
      },
      signal: stop.signal,
      onProvisioned: (thingName, certificateId) => emit({ event: 'provisioned', thingName, certificateId }),
    }).catch((error: unknown) => {
      if (!stop.signal.aborted) provisioningLog('error', messageOf(error));
      throw error;
    });
    const isDebugging = /^(debug|trace)$/i.test(store.current.nucleus.logging?.level ?? '');
    logs = new GreengrassLogs(layout.logs, clock, logBounds(store), isDebugging);
    return await run({ options, layout, clock, logs, store, stop, emit, listeners, disposers, dispose });
  } catch (error) {
    await dispose();
    throw error;
  }
}

interface Running {
  readonly options: DeviceOptions;
  readonly layout: Layout;
  readonly clock: Clock;
  readonly logs: GreengrassLogs;
  readonly store: EffectiveConfigStore;
  readonly stop: AbortController;
  readonly emit: (event: DeviceEvent) => void;
  readonly listeners: Set<(event: DeviceEvent) => void>;
  readonly disposers: (() => void | Promise<void>)[];
  readonly dispose: () => Promise<void>;
}

async function run(context: Running): Promise<Device> {
  const { options, layout, clock, logs, store, stop, emit, listeners, disposers } = context;
  const { system } = store.current;
  const { thingName } = system;
  const log = logs.logger('com.aws.greengrass.Nucleus');
  const ipcPath = system.ipcSocketPath ?? layout.ipcSocket;

  for (const led of options.leds ?? [DEFAULT_LED]) plugInLed(layout, led);
  const button = plugInButton(layout);
  disposers.push(() => button.close());

  const connection = makeConnection(context);
  const configurations = new ComponentConfigurations(store);
  const recipes = new RecipeStore(layout.recipes);
  const tokens = new Tokens();
  let ipc: IpcServer | undefined;
  const environmentOf = (component: string) =>
    componentEnvironment({
      layout,
      thingName,
      awsRegion: store.current.nucleus.awsRegion ?? '',
      rootCaPath: store.current.system.rootCaPath,
      nucleusVersion: NUCLEUS_VERSION,
      ipcSocketPath: ipc?.socketPath ?? ipcPath,
      token: tokens.ofComponent(component),
    });
  const groups = new ProcessGroups(layout.processes, { name: 'GG_ROOT_PATH', value: layout.root });
  for (const { component, processes } of groups.endLeftovers()) {
    log('warn', `Ended ${processes} processes of ${component} that an earlier run left behind`);
  }
  disposers.push(() => groups.close());
  const marked = (component: string) => ({ ...environmentOf(component), GG_ROOT_PATH: layout.root });
  const supervisor = new Supervisor({ layout, clock, logs, groups, environmentOf: marked });
  const deployer = new Deployer({
    layout,
    thingName,
    store,
    configurations,
    recipes,
    supervisor,
    provided: new Map([[NUCLEUS, NUCLEUS_VERSION]]),
    bootstrap: (spec) => bootstrap(spec, context, groups, marked(spec.name)),
    clock,
    log,
    signal: stop.signal,
  });
  const status = new FleetStatus({
    thingName,
    nucleusVersion: NUCLEUS_VERSION,
    supervisor,
    store,
    publish: (topic, payload) => connection.publish(topic, payload, { qos: 1 }),
    sequenceFile: join(layout.root, 'config', 'fleet-status-sequence'),
    intervalSeconds: store.current.nucleus.fleetStatus?.periodicStatusPublishIntervalSeconds ?? 86_400,
    clock,
    log,
  });
  let before: readonly string[] = [];
  const deployments = new LocalDeployments({
    deployer,
    clock,
    onStatus: (deployment) => {
      const names = supervisor.list().map(({ name }) => name);
      if (deployment.status === 'IN_PROGRESS') {
        before = names;
        status.deploymentStarted();
      } else if (deployment.status !== 'QUEUED') {
        const removed = before.filter((name) => !names.includes(name));
        for (const name of removed) tokens.revoke(name);
        status.deploymentEnded(deployment, removed);
      }
      reportDeployment(deployment, log, emit);
    },
  });

  ipc = await startIpcServer({
    socketPath: ipcPath,
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
    iotCore: iotCoreCapability(connection),
    configuration: configurations,
    components: componentsCapability(supervisor, configurations),
    localDeployments: deployments,
    log: logs.logger('com.aws.greengrass.ipc.IPCEventStreamService'),
  });
  const server = ipc;
  disposers.push(() => server.close());
  tokens.publishCliInfo(layout, server.socketPath);

  supervisor.onChange(({ component, to, statusReason }) =>
    emit({
      event: 'component',
      component,
      version: supervisor.component(component)?.version ?? '',
      state: to,
      ...(statusReason && (to === 'ERRORED' || to === 'BROKEN') && { reason: statusReason }),
    }),
  );
  watchConnection(connection, context, status);

  let stopping: Promise<void> | undefined;
  const shutDown = async () => {
    stop.abort(new DeviceError('STOPPED', 'The device is stopped.'));
    status.close();
    await deployments.close();
    await supervisor.closeAll();
    await connection.close();
    await context.dispose();
    log('info', 'The device is stopped');
    emit({ event: 'stopped', thingName });
  };
  const device: Device = {
    thingName,
    root: layout.root,
    get state() {
      return connection.state;
    },
    components: () => componentsCapability(supervisor, configurations).list(),
    onEvent(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    reconnect: () => connection.reconnect(),
    stop() {
      // Begun in a later turn: aborting the signal below calls this again.
      stopping ??= Promise.resolve().then(shutDown);
      return stopping;
    },
  };
  stop.signal.addEventListener('abort', () => void device.stop(), { once: true });

  deployer.load();
  log('info', `Launching as ${thingName}`, { version: NUCLEUS_VERSION, rootPath: layout.root });
  emit({ event: 'started', thingName, root: layout.root });
  connection.start();
  supervisor.startAll();
  status.start(stop.signal);
  if (stop.signal.aborted) {
    await device.stop();
    stop.signal.throwIfAborted();
  }
  return device;
}

function makeConnection({ store, clock, logs }: Running): DeviceConnection {
  const { nucleus, system } = store.current;
  const endpoint = mqttEndpoint(nucleus.iotDataEndpoint ?? '', nucleus.mqtt?.port);
  if (!endpoint) {
    throw new DeviceError(
      'CONFIG_INVALID',
      `services.${NUCLEUS}.configuration.iotDataEndpoint is missing or no host.`,
    );
  }
  for (const path of [system.certificateFilePath, system.privateKeyPath]) {
    if (!existsSync(path)) {
      throw new DeviceError('NOT_PROVISIONED', `The device's ${path} is gone; it cannot connect without it.`);
    }
  }
  return new DeviceConnection({
    endpoint,
    thingName: system.thingName,
    rootCaPath: system.rootCaPath,
    certificatePath: system.certificateFilePath,
    privateKeyPath: system.privateKeyPath,
    version: nucleus.mqtt?.version ?? 'mqtt5',
    keepAliveSeconds: Math.max(1, Math.round((nucleus.mqtt?.keepAliveTimeoutMs ?? 60_000) / 1000)),
    sessionExpirySeconds: nucleus.mqtt?.sessionExpirySeconds ?? 604_800,
    receiveMaximum: nucleus.mqtt?.receiveMaximum ?? 100,
    spoolBytes: nucleus.mqtt?.spooler?.maxSizeInBytes ?? 2_621_440,
    clock,
    log: logs.logger('com.aws.greengrass.mqttclient.AwsIotMqttClient'),
  });
}

function watchConnection(connection: DeviceConnection, { emit, store }: Running, status: FleetStatus): void {
  const { system, nucleus } = store.current;
  const { thingName } = system;
  let connectedOnce = false;
  let said: string | undefined;
  connection.onState((state, detail) => {
    if (state === 'connected') {
      emit({ event: 'connected', thingName, endpoint: nucleus.iotDataEndpoint ?? '' });
      if (connectedOnce) status.reconnected();
      connectedOnce = true;
      said = undefined;
    } else if (state === 'disconnected' && said !== detail) {
      said = detail;
      emit({ event: 'disconnected', thingName, reason: detail });
    }
  });
}

function reportDeployment(
  deployment: LocalDeployment,
  log: ReturnType<GreengrassLogs['logger']>,
  emit: (event: DeviceEvent) => void,
): void {
  const { deploymentId, status, deploymentStatusDetails } = deployment;
  const reason = deploymentStatusDetails?.deploymentFailureCause;
  log(status === 'FAILED' ? 'error' : 'info', `Local deployment ${status}${reason ? `: ${reason}` : ''}`, {
    deploymentId,
  });
  emit({ event: 'deployment', deploymentId, status, ...(reason && { reason }) });
}

/** Seconds a bootstrap script may take unless its recipe says otherwise. */
const BOOTSTRAP_TIMEOUT = 120;

async function bootstrap(
  spec: ComponentSpec,
  { layout, clock, logs }: Running,
  groups: ProcessGroups,
  environment: Readonly<Record<string, string>>,
): Promise<void> {
  const step = spec.lifecycle.bootstrap;
  if (!step) return;
  const script = startScript({
    component: spec.name,
    script: step.script,
    cwd: layout.root,
    groups,
    clock,
    environment: { ...process.env, ...environment, ...step.environment },
    onLine: (stream, message) =>
      logs.component(spec.name, {
        level: stream === 'stdout' ? 'info' : 'warn',
        thread: 'Copier',
        logger: spec.name,
        event: stream,
        message,
        fields: {
          scriptName: `services.${spec.name}.${step.scriptName}`,
          serviceName: spec.name,
          currentState: 'NEW',
        },
      }),
  });
  const seconds = step.timeout ?? BOOTSTRAP_TIMEOUT;
  let timer: { cancel(): void } | undefined;
  const timedOut = new Promise<undefined>((resolve) => {
    timer = clock.after(seconds * 1000, () => resolve(undefined));
  });
  const exit = await Promise.race([script.exited, timedOut]);
  timer?.cancel();
  await script.end(0);
  if (exit?.code === 0) return;
  const how = exit ? `exited with ${exit.code ?? exit.signal}` : `did not end within ${seconds} s`;
  const hint =
    exit?.code === 100 || exit?.code === 101 ? '; restarts asked for by bootstrap scripts are not built' : '';
  throw new DeviceError('DEPLOYMENT_INVALID', `The bootstrap script of ${spec.name} ${how}${hint}.`);
}

function logBounds(store: EffectiveConfigStore): LogBounds {
  const logging = store.current.nucleus.logging;
  return {
    fileBytes: logging?.fileSizeKB ? logging.fileSizeKB * 1024 : DEFAULT_LOG_BOUNDS.fileBytes,
    totalBytes: logging?.totalLogsSizeKB ? logging.totalLogsSizeKB * 1024 : DEFAULT_LOG_BOUNDS.totalBytes,
  };
}
