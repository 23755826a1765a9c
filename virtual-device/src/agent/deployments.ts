import { join } from 'node:path';
import type { ComponentConfigurations } from '../config/component-configuration.js';
import { NUCLEUS } from '../config/init-config.js';
import { Deployer } from '../deployment/deployer.js';
import { LocalDeployments } from '../deployment/local-deployments.js';
import type { LocalDeployment } from '../ipc/capabilities.js';
import type { DeviceConnection } from '../mqtt/connection.js';
import { NUCLEUS_VERSION } from '../nucleus-version.js';
import { RecipeStore } from '../recipe/store.js';
import { FleetStatus } from '../status/fleet-status.js';
import type { Tokens } from '../tokens.js';
import type { AgentContext } from './context.js';
import type { Runtime } from './runtime.js';

export interface DeploymentParts {
  readonly connection: DeviceConnection;
  readonly configurations: ComponentConfigurations;
  readonly runtime: Runtime;
  readonly tokens: Tokens;
}

/** What changes the device's components, and tells the cloud how they are. */
export interface Deployments {
  readonly local: LocalDeployments;
  readonly status: FleetStatus;
  /** Puts the components in force under supervision; starts nothing. */
  load(): void;
}

export function makeDeployments(context: AgentContext, parts: DeploymentParts): Deployments {
  const { layout, clock, logs, store, signal } = context;
  const { connection, configurations, runtime, tokens } = parts;
  const { supervisor } = runtime;
  const { thingName } = store.current.system;
  const log = logs.logger('com.aws.greengrass.Nucleus');
  const deployer = new Deployer({
    layout,
    thingName,
    store,
    configurations,
    recipes: new RecipeStore(layout.recipes),
    supervisor,
    provided: new Map([[NUCLEUS, NUCLEUS_VERSION]]),
    bootstrap: (spec) => runtime.bootstrap(spec),
    clock,
    log,
    signal,
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
  const local = new LocalDeployments({
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
      report(deployment, context);
    },
  });
  return { local, status, load: () => deployer.load() };
}

function report(deployment: LocalDeployment, { logs, emit }: AgentContext): void {
  const { deploymentId, status, deploymentStatusDetails } = deployment;
  const reason = deploymentStatusDetails?.deploymentFailureCause;
  const log = logs.logger('com.aws.greengrass.Nucleus');
  log(status === 'FAILED' ? 'error' : 'info', `Local deployment ${status}${reason ? `: ${reason}` : ''}`, {
    deploymentId,
  });
  emit({ event: 'deployment', deploymentId, status, ...(reason && { reason }) });
}
