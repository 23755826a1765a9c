import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { type Clock, pause } from '../clock.js';
import type { DataPlane } from '../cloud/data-plane.js';
import { DataPlaneError } from '../cloud/data-plane.js';
import type { ComponentSpec } from '../component/spec.js';
import type { Supervisor } from '../component/supervisor.js';
import type { ComponentSet, EffectiveConfigStore } from '../config/effective-config.js';
import { messageOf } from '../errors.js';
import type { ComponentUpdates } from '../ipc/component-updates.js';
import { isJsonObject, sameJson } from '../json.js';
import type { Log } from '../log/device-log.js';
import { currentPlatform, type Platform, selectManifest } from '../recipe/platform.js';
import type { Recipe } from '../recipe/recipe.js';
import type { RecipeStore } from '../recipe/store.js';
import { type Activation, type ActivationResult, absent } from './activation.js';
import { type ArtifactAccess, hasAllFiles, prepareArtifacts } from './artifacts/prepare.js';
import { findCandidate } from './candidates.js';
import { type DeploymentDocument, isLargeDocument, LOCAL_GROUP, parseCloudDocument } from './document.js';
import { fetchLargeDocument } from './document-download.js';
import { DeploymentError, type Failure, failureOf } from './failure.js';
import type { Change, ChangeUndertaking, Deployment, DeploymentJournal } from './journal.js';
import { documentOfLocal, parseLocalRequest } from './local-request.js';
import { PackageStaging } from './package-changes.js';
import { PackageOverlay } from './package-overlay.js';
import { planDeployment } from './plan.js';
import { type SpecContext, specsOf } from './specs.js';
import type { StageName } from './stages.js';
import { removeStalePackages } from './stale-packages.js';
import { composeTarget, type ResolvedTarget, resolveTarget, type Target } from './target.js';

export interface DeployerOptions {
  readonly specContext: () => SpecContext;
  readonly store: EffectiveConfigStore;
  readonly recipes: RecipeStore;
  readonly supervisor: Supervisor;
  readonly journal: DeploymentJournal;
  readonly activation: Activation;
  readonly dataPlane: DataPlane;
  readonly artifacts: ArtifactAccess;
  readonly updates: ComponentUpdates;
  readonly clock: Clock;
  readonly log: Log;
  readonly onStage: (stage: StageName) => void;
}

/** How a deployment ended. */
export interface DeploymentResult {
  readonly detail:
    | 'SUCCESSFUL'
    | 'FAILED_NO_STATE_CHANGE'
    | 'FAILED_ROLLBACK_NOT_REQUESTED'
    | 'FAILED_ROLLBACK_COMPLETE'
    | 'FAILED_UNABLE_TO_ROLLBACK'
    | 'REJECTED';
  readonly failure?: Failure;
  readonly deploymentId: string;
  readonly configurationArn: string;
  /** Components that were removed, changed, and roots of the deployment that were not. */
  readonly removed: readonly string[];
  readonly touched: readonly string[];
  readonly unchangedRoots: readonly string[];
}

/** Attempts in a row that a deployment made on the device itself makes at what the network breaks. */
const LOCAL_ATTEMPTS = 3;

/** Carries deployments out, one at a time, as the nucleus's deployment task does. */
export class Deployer {
  readonly #stagingFolder: string;

  constructor(private readonly options: DeployerOptions) {
    this.#stagingFolder = join(options.specContext().layout.root, 'packages', 'staging');
  }

  /**
   * Carries out a deployment that nothing was done of yet.
   *
   * @param cancel aborted to have it given up, which is heeded until its change is committed, and when the device stops
   * @returns undefined when it was given up
   * @throws the signal's reason when the device stops
   */
  async deploy(
    deployment: Deployment,
    cancel: AbortSignal,
    stop: AbortSignal,
  ): Promise<DeploymentResult | undefined> {
    const { onStage } = this.options;
    const staging = new PackageStaging(this.#stagingFolder);
    staging.clear();
    const signal = AbortSignal.any([cancel, stop]);
    let document: DeploymentDocument | undefined;
    try {
      onStage('RECEIVED');
      const known = this.#parse(deployment);
      document = known;
      const { text, document: whole } = await this.#whole(deployment, known, signal);
      document = whole;
      if (this.#isStale(whole)) return rejected(whole);
      const resolved = await this.#resolve(deployment, whole, staging, signal);
      const prepared = await this.#prepare(deployment, whole, resolved, staging, signal);
      signal.throwIfAborted();
      return await this.#activate(deployment, text, whole, prepared);
    } catch (error) {
      stop.throwIfAborted();
      if (cancel.aborted) return undefined;
      return {
        detail: 'FAILED_NO_STATE_CHANGE',
        failure: failureOf(error),
        deploymentId: document?.deploymentId ?? deployment.id,
        configurationArn: document?.configurationArn ?? '',
        removed: [],
        touched: [],
        unchangedRoots: [],
      };
    }
  }

  /** Goes on with a deployment whose change was in force, or being taken back, when the device went down. */
  async resume(undertaking: ChangeUndertaking): Promise<DeploymentResult> {
    const document = parseStored(undertaking.document);
    const result = await this.options.activation.resume(
      undertaking,
      document.failureHandlingPolicy === 'ROLLBACK',
    );
    return this.#ended(document, undertaking.change, result);
  }

  /** Forgets what a deployment that has ended needed, and packages that nothing needs any more. */
  async tidyUp(isSuccess: boolean): Promise<void> {
    const { specContext, recipes, store, artifacts, log } = this.options;
    try {
      new PackageStaging(this.#stagingFolder).clear();
      if (isSuccess) {
        const { layout } = specContext();
        await removeStalePackages({ layout, recipes, set: store.current, images: artifacts.images });
      }
    } catch (error) {
      log('warn', `What the deployment left behind cannot be removed: ${messageOf(error)}`);
    }
  }

  #parse(deployment: Deployment): DeploymentDocument {
    const { store } = this.options;
    if (deployment.source !== 'LOCAL') return parseCloudDocument(deployment.document);
    return documentOfLocal(deployment, store.current.groups);
  }

  /** The deployment's whole document, which is apart from it when it is large. */
  async #whole(
    deployment: Deployment,
    document: DeploymentDocument,
    signal: AbortSignal,
  ): Promise<{ text: string; document: DeploymentDocument }> {
    if (!isLargeDocument(document)) return { text: JSON.stringify(document), document };
    const whole = parseCloudDocument(
      await fetchLargeDocument(document.deploymentId, this.options, {
        attempts: attemptsOf(deployment),
        signal,
      }),
    );
    return { text: JSON.stringify(whole), document: whole };
  }

  #isStale(document: DeploymentDocument): boolean {
    const { lastDeployments } = this.options.store.current;
    if (document.group === LOCAL_GROUP || document.createdAt === undefined) return false;
    const last = Object.hasOwn(lastDeployments, document.group) ? lastDeployments[document.group] : undefined;
    return last !== undefined && document.createdAt < last.timestamp;
  }

  async #resolve(
    deployment: Deployment,
    document: DeploymentDocument,
    staging: PackageStaging,
    signal: AbortSignal,
  ): Promise<{ target: ResolvedTarget; packages: PackageOverlay }> {
    const { specContext, recipes, store, dataPlane, log, onStage } = this.options;
    onStage('RESOLVING');
    const packages = new PackageOverlay(specContext().layout, recipes, staging);
    if (deployment.source === 'LOCAL') {
      const request = parseLocalRequest(deployment.document);
      if (request.recipeDirectoryPath !== undefined) packages.importRecipes(request.recipeDirectoryPath);
      if (request.artifactsDirectoryPath !== undefined)
        packages.importArtifacts(request.artifactsDirectoryPath);
    }
    const { components } = store.current;
    const target = await resolveTarget({
      current: store.current,
      document,
      membership: await this.#membership(deployment, document, signal),
      candidate: (name, requirements) =>
        findCandidate(name, requirements, {
          packages,
          dataPlane,
          active: (component) =>
            Object.hasOwn(components, component) ? components[component]?.version : undefined,
          platform: this.#platform(),
          isFromCloud: deployment.source !== 'LOCAL',
          log,
          signal,
        }),
    });
    return { target, packages };
  }

  /** The thing groups that the device is in; those it last knew of when the cloud does not say. */
  async #membership(
    deployment: Deployment,
    document: DeploymentDocument,
    signal: AbortSignal,
  ): Promise<readonly string[]> {
    const { dataPlane, store, log } = this.options;
    const known = store.current.membership;
    const isAlone = Object.keys(store.current.groups).every(
      (group) => group === LOCAL_GROUP || group === document.group,
    );
    // Nobody's roots depend on the answer.
    if (deployment.source === 'LOCAL' && isAlone) return known;
    try {
      return await dataPlane.thingGroups({ attempts: LOCAL_ATTEMPTS, signal });
    } catch (error) {
      if (!(error instanceof DataPlaneError)) throw error;
      log('warn', `The thing groups of the device are those known before: ${error.message}`);
      return known;
    }
  }

  async #prepare(
    deployment: Deployment,
    document: DeploymentDocument,
    { target, packages }: { target: ResolvedTarget; packages: PackageOverlay },
    staging: PackageStaging,
    signal: AbortSignal,
  ): Promise<() => Prepared> {
    const { store, clock, updates, artifacts, onStage } = this.options;
    onStage('DOWNLOADING');
    for (const [name, { recipe }] of composeTarget(store.current, document, target).members) {
      const { version } = recipe;
      const owner = () => ({
        name,
        version,
        arn: packages.arnOf(name, version),
        artifacts: selectManifest(recipe, this.#platform())?.Artifacts ?? [],
        ...packages.foldersOf(name, version),
      });
      const { components } = store.current;
      const isInForce = Object.hasOwn(components, name) && components[name]?.version === version;
      // What a component that runs now reads is not touched before the change is committed.
      if (isInForce && !(await hasAllFiles(owner()))) packages.replaceArtifacts(name, version);
      await prepareArtifacts(owner(), artifacts, { attempts: attemptsOf(deployment), signal });
    }
    const prepare = () => this.#compose(document, target, packages, staging);
    onStage('VALIDATING');
    await this.#validate(document, prepare().target.set, signal);
    onStage('NOTIFYING');
    if (document.notify) {
      for (;;) {
        const delay = await updates.ready({
          deploymentId: document.deploymentId,
          isGgcRestarting: prepare().plan.bootstraps.length > 0,
          timeoutMs: document.notifyTimeout,
          signal,
        });
        if (delay <= 0) break;
        await pause(clock, delay, signal);
      }
    }
    return prepare;
  }

  #platform(): Platform {
    return currentPlatform(this.options.specContext().platformOverride);
  }

  /** Composed anew after every wait, as components may change their own configuration meanwhile. */
  #compose(
    document: DeploymentDocument,
    resolved: ResolvedTarget,
    packages: PackageOverlay,
    staging: PackageStaging,
  ): Prepared {
    const { specContext, store, supervisor } = this.options;
    const target = composeTarget(store.current, document, resolved);
    const recipeOf = (name: string): Recipe | undefined => resolved.recipes.get(name);
    const specs = specsOf(target.set, recipeOf, specContext()).map((spec) =>
      packages.changesArtifacts(spec.name, spec.version)
        ? { ...spec, artifactsDigest: createHash('sha256').update(document.deploymentId).digest('hex') }
        : spec,
    );
    const current = supervisor.list();
    const broken = current.filter(({ name }) => supervisor.component(name)?.state === 'BROKEN');
    const brokenNames = broken.map(({ name }) => name);
    const plan = planDeployment(current, specs, new Set(brokenNames));
    return { target, plan, specs, brokenBefore: brokenNames, packages: staging.changes };
  }

  /** Asks running components whose configuration changes whether it suits them. */
  async #validate(document: DeploymentDocument, after: ComponentSet, signal: AbortSignal): Promise<void> {
    const { store, supervisor, updates } = this.options;
    for (const [component, { configuration, version }] of Object.entries(after.components)) {
      const { components } = store.current;
      const before = Object.hasOwn(components, component) ? components[component] : undefined;
      const isRunning = supervisor.component(component)?.state === 'RUNNING';
      if (
        !before ||
        !isRunning ||
        before.version !== version ||
        sameJson(before.configuration, configuration)
      ) {
        continue;
      }
      try {
        await updates.validate({
          deploymentId: document.deploymentId,
          component,
          configuration: isJsonObject(configuration) ? configuration : {},
          timeoutMs: document.validationTimeout,
          signal,
        });
      } catch (error) {
        signal.throwIfAborted();
        throw new DeploymentError(
          ['COMPONENT_CONFIGURATION_NOT_VALID'],
          messageOf(error),
          ['REQUEST_ERROR'],
          { cause: error },
        );
      }
    }
  }

  async #activate(
    deployment: Deployment,
    text: string,
    document: DeploymentDocument,
    prepare: () => Prepared,
  ): Promise<DeploymentResult> {
    const { store, activation, updates } = this.options;
    const { target, plan, brokenBefore, packages } = prepare();
    const { nucleus, components, groups, membership, lastDeployments } = store.current;
    const change: Change = {
      before: { nucleus, components, groups, membership, lastDeployments },
      after: target.set,
      packages,
      reinstalled: [...plan.reinstalled],
      restarted: [...plan.restarted],
      bootstraps: [...plan.bootstraps],
      brokenBefore: [...brokenBefore],
    };
    const result = await activation.carryOut(
      { deployment, document: text, change },
      plan.stopped,
      document.failureHandlingPolicy === 'ROLLBACK',
    );
    updates.done(document.deploymentId);
    return this.#ended(document, change, result);
  }

  #ended(document: DeploymentDocument, change: Change, result: ActivationResult): DeploymentResult {
    const isBack =
      result.detail === 'FAILED_ROLLBACK_COMPLETE' || result.detail === 'FAILED_UNABLE_TO_ROLLBACK';
    const touched = [...change.reinstalled, ...change.restarted];
    return {
      ...result,
      deploymentId: document.deploymentId,
      configurationArn: document.configurationArn,
      removed: isBack ? absent(change.after, change.before) : absent(change.before, change.after),
      touched,
      unchangedRoots: Object.keys(document.roots).filter((name) => !touched.includes(name)),
    };
  }
}

interface Prepared {
  readonly target: Target;
  readonly plan: ReturnType<typeof planDeployment>;
  readonly specs: readonly ComponentSpec[];
  readonly brokenBefore: readonly string[];
  readonly packages: Change['packages'];
}

function attemptsOf({ source }: Deployment): number {
  return source === 'LOCAL' ? LOCAL_ATTEMPTS : Number.POSITIVE_INFINITY;
}

function rejected({ deploymentId, configurationArn, group }: DeploymentDocument): DeploymentResult {
  return {
    detail: 'REJECTED',
    failure: {
      cause: `A newer deployment of ${group} has been carried out already.`,
      stack: ['DEPLOYMENT_REJECTED', 'REJECTED_STALE_DEPLOYMENT'],
      types: ['REQUEST_ERROR'],
    },
    deploymentId,
    configurationArn,
    removed: [],
    touched: [],
    unchangedRoots: [],
  };
}

/** What {@link Deployer} itself has put into the journal. */
function parseStored(text: string): DeploymentDocument {
  return JSON.parse(text) as DeploymentDocument;
}
