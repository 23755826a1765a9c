import { type Clock, pause } from '../clock.js';
import { type ComponentSpec, specOf } from '../component/spec.js';
import type { Supervisor } from '../component/supervisor.js';
import type { ComponentConfigurations } from '../config/component-configuration.js';
import type { EffectiveConfig, EffectiveConfigStore } from '../config/effective-config.js';
import { DeviceError, messageOf } from '../errors.js';
import type { LocalDeployment, LocalDeploymentRequest } from '../ipc/capabilities.js';
import type { JsonObject } from '../json.js';
import type { Layout } from '../layout.js';
import type { Log } from '../log/device-log.js';
import type { Recipe } from '../recipe/recipe.js';
import type { RecipeStore } from '../recipe/store.js';
import { importArtifacts, prepareArtifacts, restoreArtifacts } from './artifacts.js';
import { planDeployment, type Step } from './plan.js';
import { type Groups, targetOf } from './target.js';

/** Milliseconds that components must stay up for a deployment to have succeeded. */
const STABLE_AFTER = 1_000;

export interface DeployerOptions {
  readonly layout: Layout;
  readonly thingName: string;
  readonly store: EffectiveConfigStore;
  readonly configurations: ComponentConfigurations;
  readonly recipes: RecipeStore;
  readonly supervisor: Supervisor;
  /** Components that the device has built in, by version. */
  readonly provided: ReadonlyMap<string, string>;
  /** Runs a component's bootstrap script to its end. @returns its exit code @throws DeviceError */
  readonly bootstrap: (spec: ComponentSpec) => Promise<number>;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

export type DeploymentResult = Pick<LocalDeployment, 'status' | 'deploymentStatusDetails'>;

/** A set of components with what records it. */
interface Wanted {
  readonly specs: readonly ComponentSpec[];
  readonly groups: Groups;
}

/** Brings the device from the set of components in force to another one. */
export class Deployer {
  constructor(private readonly options: DeployerOptions) {}

  /** Puts the recorded set under supervision, as a start of the device does; starts nothing. */
  load(): void {
    const { store, supervisor, recipes, log } = this.options;
    restoreArtifacts(this.options.layout);
    const set = new Map<string, { recipe: Recipe; configuration: JsonObject }>();
    for (const [name, record] of Object.entries(store.current.components)) {
      const recipe = recipes.find(name, record.version);
      const configuration = this.options.configurations.of(name) ?? {};
      if (recipe) set.set(name, { recipe, configuration });
      else log('error', `${name} ${record.version} cannot be started: its recipe is gone`);
    }
    for (const name of set.keys()) {
      try {
        supervisor.put(this.#spec(name, set));
      } catch (error) {
        log('error', `${name} cannot be started: ${messageOf(error)}`);
      }
    }
  }

  /** Carries out one local deployment; never rejects, unless the device is stopped meanwhile. */
  async deploy(request: LocalDeploymentRequest): Promise<DeploymentResult> {
    const { layout, recipes, store, supervisor, provided } = this.options;
    const before: Wanted = { specs: supervisor.list(), groups: store.current.groups };
    let wanted: Wanted;
    let plan: Step[];
    try {
      if (request.recipeDirectoryPath !== undefined) recipes.importFolder(request.recipeDirectoryPath);
      if (request.artifactsDirectoryPath !== undefined)
        importArtifacts(request.artifactsDirectoryPath, layout);
      const target = targetOf({
        current: store.current,
        request,
        recipes: (name) => recipes.versionsOf(name),
        provided,
      });
      wanted = {
        groups: target.groups,
        specs: [...target.set.keys()].map((name) => this.#spec(name, target.set)),
      };
      plan = planDeployment(before.specs, wanted.specs);
      for (const step of plan) if (step.kind === 'prepare') await this.#execute(step, wanted);
    } catch (error) {
      return failed('FAILED_NO_STATE_CHANGE', error);
    }
    try {
      await this.#carryOut(plan, wanted);
      return { status: 'SUCCEEDED', deploymentStatusDetails: { detailedDeploymentStatus: 'SUCCESSFUL' } };
    } catch (error) {
      this.options.signal.throwIfAborted();
      if (request.failureHandlingPolicy === 'DO_NOTHING')
        return failed('FAILED_ROLLBACK_NOT_REQUESTED', error);
      this.options.log('warn', `The deployment failed and is rolled back: ${messageOf(error)}`);
      return await this.#rollBack(before, error);
    }
  }

  async #rollBack(before: Wanted, cause: unknown): Promise<DeploymentResult> {
    const { supervisor, signal } = this.options;
    const plan = planDeployment(supervisor.list(), before.specs);
    try {
      for (const step of plan) if (step.kind === 'prepare') await this.#execute(step, before);
      await this.#carryOut(plan, before);
    } catch (error) {
      signal.throwIfAborted();
      this.options.log('error', `The rollback left components broken: ${messageOf(error)}`);
    }
    return failed('FAILED_ROLLBACK_COMPLETE', cause);
  }

  /** Executes all but the preparations, then waits until what was touched runs. */
  async #carryOut(plan: readonly Step[], wanted: Wanted): Promise<void> {
    const { supervisor, signal } = this.options;
    const touched: string[] = [];
    for (const step of plan) {
      signal.throwIfAborted();
      if (step.kind === 'prepare') continue;
      await this.#execute(step, wanted);
      if (step.kind === 'install' || step.kind === 'restart') touched.push(step.component);
    }
    await this.#stable(touched);
    const broken = touched
      .map((name) => supervisor.component(name))
      .filter((component) => component?.state === 'BROKEN');
    if (broken.length === 0) return;
    const reasons = broken.map((component) => `${component?.name}: ${component?.statusReason}`);
    throw new DeviceError('DEPLOYMENT_INVALID', `Components broke after the update: ${reasons.join('; ')}.`);
  }

  /** Waits until components are where they were asked to be, and stay there for a moment: many fail at once. */
  async #stable(names: readonly string[]): Promise<void> {
    const { supervisor, clock, signal } = this.options;
    let changes: number;
    do {
      await supervisor.settled(names, signal);
      if (!names.some((name) => supervisor.component(name)?.state === 'RUNNING')) return;
      changes = 0;
      const off = supervisor.onChange(({ component }) => {
        if (names.includes(component)) changes += 1;
      });
      await pause(clock, STABLE_AFTER, signal).finally(off);
    } while (changes > 0);
  }

  async #execute(step: Step, wanted: Wanted): Promise<void> {
    const { supervisor, layout } = this.options;
    switch (step.kind) {
      case 'prepare':
        prepareArtifacts(memberOf(wanted, step.component), layout);
        return;
      case 'stop':
        await supervisor.component(step.component)?.stop();
        return;
      case 'commit':
        this.#commit(wanted);
        return;
      case 'remove':
        await supervisor.remove(step.component);
        return;
      case 'bootstrap':
        await this.#bootstrap(memberOf(wanted, step.component));
        return;
      case 'install':
        supervisor.component(step.component)?.reinstall();
        return;
      case 'restart':
        supervisor.component(step.component)?.restart();
        return;
    }
  }

  async #bootstrap(spec: ComponentSpec): Promise<void> {
    const code = await this.options.bootstrap(spec);
    if (code === 0) return;
    const hint =
      code === 100 || code === 101 ? '; restarts asked for by bootstrap scripts are not built' : '';
    throw new DeviceError(
      'DEPLOYMENT_INVALID',
      `The bootstrap script of ${spec.name} exited with ${code}${hint}.`,
    );
  }

  #commit(wanted: Wanted): void {
    const { store, supervisor, configurations } = this.options;
    const before = new Map(wanted.specs.map(({ name }) => [name, configurations.of(name) ?? {}]));
    const components: EffectiveConfig['components'] = {};
    for (const spec of wanted.specs) {
      components[spec.name] = {
        version: spec.version,
        componentType: 'GENERIC',
        dependencies: Object.entries(spec.dependencies).map(([name, type]) => `${name}:${type}`),
        configuration: spec.configuration,
      };
    }
    store.replace({ ...store.current, components, groups: wanted.groups });
    for (const spec of wanted.specs) supervisor.put(spec);
    for (const [name, configuration] of before) configurations.notifyDeployed(name, configuration);
  }

  #spec(
    name: string,
    set: ReadonlyMap<string, { recipe: Recipe; configuration: JsonObject }>,
  ): ComponentSpec {
    return specOf(name, { layout: this.options.layout, thingName: this.options.thingName, set });
  }
}

function memberOf(wanted: Wanted, name: string): ComponentSpec {
  const spec = wanted.specs.find((candidate) => candidate.name === name);
  if (!spec) throw new DeviceError('DEPLOYMENT_INVALID', `${name} is not among the wanted components.`);
  return spec;
}

type FailureDetail = 'FAILED_NO_STATE_CHANGE' | 'FAILED_ROLLBACK_NOT_REQUESTED' | 'FAILED_ROLLBACK_COMPLETE';

function failed(detail: FailureDetail, error: unknown): DeploymentResult {
  return {
    status: 'FAILED',
    deploymentStatusDetails: {
      detailedDeploymentStatus: detail,
      deploymentFailureCause: messageOf(error),
      deploymentErrorStack: ['DEPLOYMENT_FAILURE', ...(error instanceof DeviceError ? [error.code] : [])],
    },
  };
}
