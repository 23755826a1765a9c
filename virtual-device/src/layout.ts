import { accessSync, constants } from 'node:fs';
import { join, resolve } from 'node:path';
import { DeviceError, messageOf } from './errors.js';
import { makeFolder } from './folder.js';

/** Where a core device keeps things below its root, as `/greengrass/v2` has it. */
export interface Layout {
  readonly root: string;
  readonly effectiveConfig: string;
  /** Process groups that the agent started, so that the next start can end what was left behind. */
  readonly processes: string;
  /** Who runs on this root now. */
  readonly agent: string;
  /** A provisioning under way: certificate and ownership token not yet used up. */
  readonly stagedProvisioning: string;
  readonly stagedKey: string;
  readonly certificate: string;
  readonly privateKey: string;
  readonly logs: string;
  readonly recipes: string;
  /** Artifacts as they came, `<component>/<version>/<file>`. */
  readonly artifactStore: string;
  /** Those that were unpacked, `<component>/<version>/<archive>/`. */
  readonly unarchivedStore: string;
  readonly ipcSocket: string;
  readonly cliIpcInfo: string;
  readonly leds: string;
  readonly inputEvents: string;
  /** What `SYSFS_PATH` and `DEVFS_PATH` are for components: the virtual hardware. */
  readonly sysfs: string;
  readonly devfs: string;
  /** What `PROCFS_PATH` is for components: holds the device's boot id, as Linux has it below `/proc`. */
  readonly procfs: string;
  /** Commands that the device puts in front of the scripts' PATH. */
  readonly commands: string;
  /** Requests to the running agent, gone with each boot. */
  readonly run: string;
  /** Unpacked container images, unless another folder is given. */
  readonly images: string;
  /** Containers that run as processes, and their named volumes. */
  readonly containers: string;
  readonly volumes: string;
  work(component: string): string;
  artifacts(component: string, version: string): string;
  unarchivedArtifacts(component: string, version: string): string;
}

/** The layout below a root; makes nothing. */
export function layoutOf(rootPath: string): Layout {
  const root = resolve(rootPath);
  const at = (...parts: string[]) => join(root, ...parts);
  return {
    root,
    effectiveConfig: at('config', 'effectiveConfig.yaml'),
    processes: at('config', 'processes.json'),
    agent: at('config', 'agent.json'),
    stagedProvisioning: at('config', 'provisioning.json'),
    stagedKey: at('config', 'provisioning.key'),
    certificate: at('thingCert.crt'),
    privateKey: at('privKey.key'),
    logs: at('logs'),
    recipes: at('packages', 'recipes'),
    artifactStore: at('packages', 'artifacts'),
    unarchivedStore: at('packages', 'artifacts-unarchived'),
    ipcSocket: at('ipc.socket'),
    cliIpcInfo: at('cli_ipc_info'),
    leds: at('sys', 'class', 'leds'),
    inputEvents: at('dev', 'input'),
    sysfs: at('sys'),
    devfs: at('dev'),
    procfs: at('proc'),
    commands: at('bin'),
    run: at('run'),
    images: at('images'),
    containers: at('containers'),
    volumes: at('volumes'),
    work: (component) => at('work', component),
    artifacts: (component, version) => at('packages', 'artifacts', component, version),
    unarchivedArtifacts: (component, version) => at('packages', 'artifacts-unarchived', component, version),
  };
}

/**
 * Makes the root's folders.
 *
 * @throws DeviceError ROOT_UNUSABLE when the root cannot be made or written
 */
export function makeLayout(rootPath: string): Layout {
  const layout = layoutOf(rootPath);
  try {
    for (const folder of [
      join(layout.root, 'config'),
      layout.logs,
      layout.recipes,
      layout.artifactStore,
      layout.unarchivedStore,
      join(layout.root, 'work'),
      layout.cliIpcInfo,
      layout.leds,
      layout.inputEvents,
      layout.procfs,
      layout.commands,
      layout.run,
    ]) {
      makeFolder(folder);
    }
    accessSync(layout.root, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new DeviceError(
      'ROOT_UNUSABLE',
      `The device's root ${layout.root} cannot be used: ${messageOf(error)}. Name a folder that may be written.`,
      { cause: error },
    );
  }
  return layout;
}
