import { resolve } from 'node:path';
import { makeConnection, reportConnection } from './agent/connection.js';
import type { AgentContext } from './agent/context.js';
import { makeDeployments } from './agent/deployments.js';
import { startIpc } from './agent/ipc.js';
import { startLogUploads } from './agent/log-uploads.js';
import { makeRuntime, reportComponents } from './agent/runtime.js';
import { takeRoot } from './agent-lock.js';
import { type Clock, systemClock } from './clock.js';
import { agentRestartRequest, rebootRequest } from './component/command-folder.js';
import { ComponentConfigurations } from './config/component-configuration.js';
import type { EffectiveConfigStore } from './config/effective-config.js';
import { readInitConfig } from './config/init-config.js';
import type { ContainerImages } from './containers/images.js';
import type { EngineChoice } from './containers/open.js';
import { DeviceError, messageOf } from './errors.js';
import type { DeviceEvent } from './events.js';
import { Boot } from './hardware/boot.js';
import { plugInButton } from './hardware/button.js';
import { DEFAULT_LED, plugInLed } from './hardware/leds.js';
import { type ComponentDetails, type IpcServer, UpdateNegotiation } from './ipc/index.js';
import { componentsCapability } from './ipc-capabilities.js';
import { makeLayout } from './layout.js';
import { GreengrassLogs } from './log/greengrass-log.js';
import { DEFAULT_LOG_BOUNDS, type LogBounds } from './log/log-file.js';
import type { ConnectionState } from './mqtt/connection.js';
import { NUCLEUS_VERSION } from './nucleus-version.js';
import { obtainIdentity } from './provisioning/identity.js';
import { watchRequest } from './request-file.js';
import { Tokens } from './tokens.js';

export interface DeviceOptions {
  /** The device's folder, as `/greengrass/v2` is a real one's. */
  readonly root: string;
  /** `config.yaml`; needed for the first start only. */
  readonly initConfig?: string;
  /** Names of the LEDs; `ACT` unless told otherwise. */
  readonly leds?: readonly string[];
  /** Folder of unpacked container images, which devices of one machine may share; `<root>/images` otherwise. */
  readonly imageStore?: string;
  /** What runs containers: `auto`, an engine's name, or `process` for none. */
  readonly containerEngine?: EngineChoice;
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
  /** What runs containers; with `process` there is no engine, and images' commands run as plain processes. */
  readonly containerEngine: ContainerImages['engine'];
  /** Stops the device to be started again by its caller: an event says so, and the next start is a new boot. */
  reboot(reason: string): Promise<void>;
  /** Makes the MQTT connection anew, with the certificate that is on disk now. */
  reconnect(): void;
  /** Resolves when the device has stopped, for whatever reason. */
  readonly stopped: Promise<void>;
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
    const context: AgentContext = {
      layout,
      clock,
      logs,
      store,
      signal: stop.signal,
      emit,
      restart: (what, reason) => {
        if (stop.signal.aborted) return;
        logs.logger('com.aws.greengrass.Nucleus')('warn', `The ${what} restarts: ${reason}`);
        if (what === 'device') new Boot(layout).end();
        emit({ event: 'restarting', thingName: store.current.system.thingName, what, reason });
        stop.abort(new DeviceError('STOPPED', `The ${what} restarts.`));
      },
      onDispose: (disposer) => disposers.push(disposer),
    };
    return await run(context, {
      leds: options.leds ?? [DEFAULT_LED],
      imageStore: resolve(options.imageStore ?? layout.images),
      containerEngine: options.containerEngine ?? 'auto',
      stop,
      listeners,
      dispose,
    });
  } catch (error) {
    await dispose();
    throw error;
  }
}

interface Control {
  readonly leds: readonly string[];
  readonly imageStore: string;
  readonly containerEngine: EngineChoice;
  readonly stop: AbortController;
  readonly listeners: Set<(event: DeviceEvent) => void>;
  readonly dispose: () => Promise<void>;
}

/** Puts the agent's parts together and starts them. */
async function run(context: AgentContext, control: Control): Promise<Device> {
  const { layout, logs, store, emit } = context;
  const { leds, stop, listeners, dispose } = control;
  const { system } = store.current;
  const { thingName } = system;
  const log = logs.logger('com.aws.greengrass.Nucleus');

  for (const led of leds) plugInLed(layout, led);
  const bootId = new Boot(layout).begin();
  for (const [request, what] of [
    [rebootRequest(layout), 'device'],
    [agentRestartRequest(layout), 'agent'],
  ] as const) {
    context.onDispose(watchRequest(request, (command) => context.restart(what, command)));
  }
  const button = plugInButton(layout);
  context.onDispose(() => button.close());

  const connection = makeConnection(context);
  const configurations = new ComponentConfigurations(store);
  const tokens = new Tokens();
  const updates = new UpdateNegotiation(context.clock, log);
  const ipcPath = system.ipcSocketPath ?? layout.ipcSocket;
  let ipc: IpcServer | undefined;
  const runtime = await makeRuntime(context, {
    tokens,
    configurations,
    ipcSocketPath: () => ipc?.socketPath ?? ipcPath,
    imageStore: control.imageStore,
    containerEngine: control.containerEngine,
  });
  const { supervisor } = runtime;
  const deployments = makeDeployments(context, { connection, configurations, runtime, tokens, updates });
  ipc = await startIpc(context, {
    socketPath: ipcPath,
    tokens,
    connection,
    supervisor,
    configurations,
    localDeployments: deployments.local,
    updates,
  });
  reportComponents(supervisor, context);
  reportConnection(connection, context);
  startLogUploads(context, { configurations, credentials: runtime.credentials });

  let resolveStopped = () => {};
  const stopped = new Promise<void>((settle) => {
    resolveStopped = settle;
  });
  let stopping: Promise<void> | undefined;
  const shutDown = async () => {
    stop.abort(new DeviceError('STOPPED', 'The device is stopped.'));
    await deployments.close();
    await supervisor.closeAll();
    await connection.close();
    await dispose();
    log('info', 'The device is stopped');
    emit({ event: 'stopped', thingName });
    resolveStopped();
  };
  const device: Device = {
    thingName,
    root: layout.root,
    stopped,
    get state() {
      return connection.state;
    },
    containerEngine: runtime.images.engine,
    reboot(reason) {
      context.restart('device', reason);
      return device.stop();
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

  deployments.load();
  log('info', `Launching as ${thingName}`, {
    version: NUCLEUS_VERSION,
    rootPath: layout.root,
    bootId,
    containers: runtime.images.engine,
  });
  emit({ event: 'started', thingName, root: layout.root, containers: runtime.images.engine });
  connection.start();
  deployments.start();
  if (stop.signal.aborted) {
    await device.stop();
    stop.signal.throwIfAborted();
  }
  return device;
}

function logBounds(store: EffectiveConfigStore): LogBounds {
  const logging = store.current.nucleus.logging;
  return {
    fileBytes: logging?.fileSizeKB ? logging.fileSizeKB * 1024 : DEFAULT_LOG_BOUNDS.fileBytes,
    totalBytes: logging?.totalLogsSizeKB ? logging.totalLogsSizeKB * 1024 : DEFAULT_LOG_BOUNDS.totalBytes,
  };
}
