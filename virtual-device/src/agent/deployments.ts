import { join } from 'node:path';
import { DataPlane } from '../cloud/data-plane.js';
import { JobsListener } from '../cloud/jobs-listener.js';
import { ShadowDeploymentListener } from '../cloud/shadow-listener.js';
import type { ComponentConfigurations } from '../config/component-configuration.js';
import type { ComponentSet } from '../config/effective-config.js';
import { Activation } from '../deployment/activation.js';
import { S3Artifacts } from '../deployment/artifacts/s3-source.js';
import { Deployer } from '../deployment/deployer.js';
import { DeploymentJournal } from '../deployment/journal.js';
import { LocalDeployments } from '../deployment/local-deployments.js';
import { type DeploymentProgress, DeploymentQueue } from '../deployment/queue.js';
import { loadableSpecs, specsOf } from '../deployment/specs.js';
import type { StageName } from '../deployment/stages.js';
import type { ComponentUpdates } from '../ipc/component-updates.js';
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
  readonly updates: ComponentUpdates;
}

/** What changes the device's components, and tells the cloud how they are. */
export interface Deployments {
  readonly local: LocalDeployments;
  /** Puts the components in force under supervision; starts nothing. */
  load(): void;
  /** Starts the components, and goes on with the deployment that was under way. */
  start(): void;
  /** Resolves when no deployment is under way; the device's signal must be aborted. */
  close(): Promise<void>;
}

export function makeDeployments(context: AgentContext, parts: DeploymentParts): Deployments {
  const { layout, clock, logs, store, signal } = context;
  const { connection, configurations, runtime, updates } = parts;
  const { supervisor, images, credentials } = runtime;
  const { thingName } = store.current.system;
  const log = logs.logger('com.aws.greengrass.deployment.DeploymentService');
  const journal = new DeploymentJournal(join(layout.root, 'config', 'deployments.json'), log);
  const recipes = new RecipeStore(layout.recipes);
  const dataPlane = new DataPlane({ store, clock, log });
  const s3 = new S3Artifacts({
    region: store.current.nucleus.awsRegion ?? '',
    credentials: (abort) => credentials.get(abort),
  });
  context.onDispose(() => s3.close());
  const specContext = () => ({
    layout,
    thingName,
    platformOverride: store.current.nucleus.platformOverride,
  });
  const recipeOf = (name: string, version: string) => recipes.find(name, version);
  const onStage = (stage: StageName) => {
    const deploymentId = journal.undertaking?.deployment.id ?? '';
    log('debug', `Deployment ${stage}`, { deploymentId });
    context.emit({ event: 'deployment-stage', deploymentId, stage });
  };
  const activation = new Activation({
    journal,
    store,
    configurations,
    supervisor,
    specsOf: (set: ComponentSet) => specsOf(set, recipeOf, specContext()),
    bootstrap: (spec) => runtime.bootstrap(spec),
    restart: context.restart,
    clock,
    log,
    signal,
    onStage,
  });
  const deployer = new Deployer({
    specContext,
    store,
    recipes,
    supervisor,
    journal,
    activation,
    dataPlane,
    artifacts: { dataPlane, s3, images, clock, log },
    updates,
    clock,
    log,
    onStage,
  });
  const status = new FleetStatus({
    thingName,
    nucleusVersion: NUCLEUS_VERSION,
    supervisor,
    store,
    journal,
    publish: (topic, payload) => connection.publish(topic, payload, { qos: 1 }),
    isConnected: () => connection.state === 'connected',
    sequenceFile: join(layout.root, 'config', 'fleet-status-sequence'),
    intervalSeconds: store.current.nucleus.fleetStatus?.periodicStatusPublishIntervalSeconds ?? 86_400,
    clock,
    log,
  });
  const queue = new DeploymentQueue({
    deployer,
    journal,
    onProgress: (progress) => {
      if (progress.deployment.source === 'LOCAL') local.progressed(progress);
      if (progress.status === 'IN_PROGRESS') status.deploymentStarted();
      else if (progress.status !== 'QUEUED') status.deploymentEnded();
      for (const name of progress.result?.removed ?? []) parts.tokens.revoke(name);
      report(progress, context);
    },
    onStage,
    log,
    signal,
  });
  const local = new LocalDeployments(queue, clock, signal);
  const listening = { thingName, messaging: connection, queue, journal, clock, log };
  const jobs = new JobsListener(listening);
  const shadow = new ShadowDeploymentListener(listening);
  connection.onState((state) => {
    if (state === 'connected') status.connected();
  });
  return {
    local,
    load() {
      activation.recover();
      for (const spec of loadableSpecs(store.current, recipeOf, specContext(), log)) supervisor.put(spec);
    },
    start() {
      // Bootstrap scripts that are still to be run come before anything that may need what they do.
      if (!activation.awaitsBootstrap) supervisor.startAll();
      queue.start();
      jobs.start();
      shadow.start();
      status.start(signal);
    },
    async close() {
      status.close();
      jobs.close();
      shadow.close();
      await queue.close();
    },
  };
}

function report({ deployment, status, result }: DeploymentProgress, { logs, emit }: AgentContext): void {
  const log = logs.logger('com.aws.greengrass.deployment.DeploymentService');
  const reason = result?.failure?.cause;
  const { id, source } = deployment;
  const detail = result ? ` (${result.detail})` : '';
  log(status === 'FAILED' ? 'error' : 'info', `Deployment ${status}${detail}${reason ? `: ${reason}` : ''}`, {
    deploymentId: result?.deploymentId ?? id,
    source,
  });
  emit({
    event: 'deployment',
    deploymentId: result?.deploymentId ?? id,
    source,
    status: status === 'REJECTED' ? 'FAILED' : status,
    ...(reason && { reason }),
  });
}
