import { type Clock, pause } from '../clock.js';
import type { ComponentSpec } from '../component/spec.js';
import type { Supervisor } from '../component/supervisor.js';
import { inDependencyOrder } from '../component/supervisor.js';
import type { ComponentConfigurations } from '../config/component-configuration.js';
import type { ComponentSet, EffectiveConfigStore } from '../config/effective-config.js';
import { DeviceError, messageOf } from '../errors.js';
import type { Log } from '../log/device-log.js';
import { componentErrorType, DeploymentError, type Failure, failureOf } from './failure.js';
import type { Change, ChangeUndertaking, DeploymentJournal } from './journal.js';
import { applyPackageChanges, revertPackageChanges } from './package-changes.js';
import type { StageName } from './stages.js';

export interface ActivationOptions {
  readonly journal: DeploymentJournal;
  readonly store: EffectiveConfigStore;
  readonly configurations: ComponentConfigurations;
  readonly supervisor: Supervisor;
  /** The specs of a set in force, from what is on disk now. @throws DeviceError */
  specsOf(set: ComponentSet): ComponentSpec[];
  /** Runs a component's bootstrap script. @returns its exit code */
  bootstrap(spec: ComponentSpec): Promise<number>;
  /** Has the agent, or the whole device, start anew. */
  restart(what: 'agent' | 'device', reason: string): void;
  readonly clock: Clock;
  readonly log: Log;
  /** Aborted when the device stops. */
  readonly signal: AbortSignal;
  readonly onStage: (stage: StageName) => void;
}

export type ActivationResult =
  | { readonly detail: 'SUCCESSFUL' }
  | {
      readonly detail:
        | 'FAILED_ROLLBACK_NOT_REQUESTED'
        | 'FAILED_ROLLBACK_COMPLETE'
        | 'FAILED_UNABLE_TO_ROLLBACK';
      readonly failure: Failure;
    };

/** Milliseconds that components must stay up for a deployment to have succeeded. */
const STABLE_AFTER = 1_000;
/** What a bootstrap script ends with to have the agent, or the device, start anew. */
const RESTART_AGENT = 100;
const RESTART_DEVICE = 101;

/**
 * Brings a change into force and its components up, or, where that fails, back. Each step is in the journal before
 * it is done and may be done again, so that it goes on from wherever the device went down.
 */
export class Activation {
  constructor(private readonly options: ActivationOptions) {}

  /** After the device went down: what was being exchanged is exchanged to its end. Starts nothing. */
  recover(): void {
    const { journal } = this.options;
    const { undertaking } = journal;
    if (undertaking?.stage === 'COMMITTING') this.#exchange(undertaking);
    else if (undertaking?.stage === 'REVERTING') this.#exchangeBack(undertaking);
  }

  /** Whether components must wait for bootstrap scripts before they are started. */
  get awaitsBootstrap(): boolean {
    const { undertaking } = this.options.journal;
    return undertaking?.stage === 'ACTIVATING' && undertaking.change.bootstraps.length > 0;
  }

  /**
   * Carries a change out, from the stopping of components on.
   *
   * @throws when nothing could be exchanged: then what ran before runs again
   */
  async carryOut(
    undertaking: Omit<ChangeUndertaking, 'stage'>,
    stopped: readonly string[],
    canRollBack: boolean,
  ): Promise<ActivationResult> {
    const { journal, supervisor, onStage } = this.options;
    const halted: string[] = [];
    let committing: ChangeUndertaking;
    try {
      onStage('STOPPING');
      for (const name of stopped) {
        halted.push(name);
        await supervisor.component(name)?.stop();
      }
      onStage('STOPPED');
      committing = { ...undertaking, stage: 'COMMITTING' };
      journal.advance(committing);
    } catch (error) {
      for (const name of halted.reverse()) supervisor.component(name)?.start();
      throw error;
    }
    onStage('COMMITTING');
    try {
      const activating = this.#exchange(committing);
      await this.#take(activating.change);
      return await this.#comeUp(activating, canRollBack);
    } catch (error) {
      this.options.signal.throwIfAborted();
      return await this.#rollBack(journal.undertaking ?? committing, error);
    }
  }

  /** Goes on with a change that was in force, or being taken back, when the device went down. */
  async resume(undertaking: ChangeUndertaking, canRollBack: boolean): Promise<ActivationResult> {
    if (undertaking.stage === 'ACTIVATING') return await this.#comeUp(undertaking, canRollBack, true);
    return await this.#comeBack(undertaking);
  }

  /** Packages, then configuration: the new set. */
  #exchange(undertaking: ChangeUndertaking): ChangeUndertaking {
    const { journal, store, onStage } = this.options;
    const { change } = undertaking;
    applyPackageChanges(change.packages);
    onStage('PACKAGES_IN_PLACE');
    store.replace({ ...store.current, ...change.after });
    onStage('COMMITTED');
    const activating: ChangeUndertaking = { ...undertaking, stage: 'ACTIVATING' };
    journal.advance(activating);
    return activating;
  }

  /** Packages, then configuration: the old set. */
  #exchangeBack(undertaking: ChangeUndertaking): ChangeUndertaking {
    const { journal, store, onStage } = this.options;
    const { change } = undertaking;
    revertPackageChanges(change.packages);
    onStage('PACKAGES_REVERTED');
    store.replace({ ...store.current, ...change.before });
    onStage('REVERTED');
    const rollingBack: ChangeUndertaking = { ...undertaking, stage: 'ROLLING_BACK' };
    journal.advance(rollingBack);
    return rollingBack;
  }

  /** Has the supervisor know the new set. */
  async #take(change: Change): Promise<void> {
    const { supervisor, configurations } = this.options;
    const specs = this.options.specsOf(change.after);
    for (const name of absent(change.before, change.after)) await supervisor.remove(name);
    for (const spec of specs) supervisor.put(spec);
    for (const { name } of specs) {
      const record = Object.hasOwn(change.before.components, name)
        ? change.before.components[name]
        : undefined;
      configurations.notifyDeployed(name, isObject(record?.configuration) ? record.configuration : {});
    }
  }

  /** From the set in force to its components running. */
  async #comeUp(
    undertaking: ChangeUndertaking,
    canRollBack: boolean,
    afterStart = false,
  ): Promise<ActivationResult> {
    const { supervisor, signal, onStage } = this.options;
    const { change } = undertaking;
    try {
      onStage('BOOTSTRAPPING');
      await this.#bootstrap(undertaking);
      onStage('STARTING');
      if (afterStart) supervisor.startAll();
      else {
        for (const name of change.reinstalled) supervisor.component(name)?.reinstall();
        for (const name of change.restarted) supervisor.component(name)?.restart();
      }
      const touched = [...change.reinstalled, ...change.restarted];
      await this.#stable(touched);
      const broken = touched.filter((name) => supervisor.component(name)?.state === 'BROKEN');
      if (broken.length > 0) throw this.#brokenError(broken);
      return { detail: 'SUCCESSFUL' };
    } catch (error) {
      signal.throwIfAborted();
      if (!canRollBack) {
        if (afterStart) supervisor.startAll();
        return { detail: 'FAILED_ROLLBACK_NOT_REQUESTED', failure: failureOf(error) };
      }
      return await this.#rollBack(undertaking, error, afterStart);
    }
  }

  async #bootstrap(undertaking: ChangeUndertaking): Promise<void> {
    const { journal, supervisor, signal, restart } = this.options;
    const { change } = undertaking;
    for (const [index, name] of change.bootstraps.entries()) {
      signal.throwIfAborted();
      const spec = supervisor.spec(name);
      const code = spec ? await this.options.bootstrap(spec) : 0;
      signal.throwIfAborted();
      if (code !== 0 && code !== RESTART_AGENT && code !== RESTART_DEVICE) {
        throw new DeploymentError(
          ['COMPONENT_UPDATE_ERROR', 'COMPONENT_BOOTSTRAP_ERROR'],
          `The bootstrap script of ${name} exited with code ${code}.`,
          [componentErrorType(name)],
        );
      }
      journal.advance({
        ...undertaking,
        change: { ...change, bootstraps: change.bootstraps.slice(index + 1) },
      });
      if (code === 0) continue;
      const what = code === RESTART_AGENT ? 'agent' : 'device';
      restart(what, `the bootstrap script of ${name} exited with code ${code}`);
      await aborted(signal);
    }
  }

  async #rollBack(
    from: Pick<ChangeUndertaking, 'deployment'>,
    error: unknown,
    afterStart = false,
  ): Promise<ActivationResult> {
    const { journal, log, supervisor } = this.options;
    log('warn', `The deployment failed and is rolled back: ${messageOf(error)}`);
    const { undertaking } = journal;
    try {
      if (!undertaking || undertaking.stage === 'PREPARING') {
        throw new DeviceError('DEPLOYMENT_INVALID', `${from.deployment.id} is not in the journal any more.`);
      }
      const { change } = undertaking;
      const names = new Set([...changed(change), ...absent(change.after, change.before)]);
      const running = inDependencyOrder(supervisor.list()).filter(({ name }) => names.has(name));
      for (const { name } of running.reverse()) await supervisor.component(name)?.stop();
      this.options.onStage('REVERTING');
      const reverting: ChangeUndertaking = {
        ...undertaking,
        stage: 'REVERTING',
        change: { ...change, failure: toJournal(error) },
      };
      journal.advance(reverting);
      const rollingBack = this.#exchangeBack(reverting);
      for (const name of absent(change.after, change.before)) await supervisor.remove(name);
      for (const spec of this.options.specsOf(change.before)) supervisor.put(spec);
      const restored = changed(change).filter((name) => supervisor.component(name));
      for (const name of restored) supervisor.component(name)?.reinstall();
      // What the change left alone was waiting for bootstrap scripts.
      if (afterStart) supervisor.startAll();
      return await this.#comeBack(rollingBack);
    } catch (rollbackError) {
      this.options.signal.throwIfAborted();
      log('error', `The rollback failed: ${messageOf(rollbackError)}`);
      return { detail: 'FAILED_UNABLE_TO_ROLLBACK', failure: failureOf(error) };
    }
  }

  /** From the old set in force again to its components running. */
  async #comeBack({ change }: ChangeUndertaking): Promise<ActivationResult> {
    const { supervisor, log, onStage } = this.options;
    onStage('ROLLING_BACK');
    const failure = change.failure ?? failureOf(new Error('the reason is not known any more'));
    const restored = changed(change).filter((name) => supervisor.component(name));
    await this.#stable(restored);
    const broken = restored.filter(
      (name) => supervisor.component(name)?.state === 'BROKEN' && !change.brokenBefore.includes(name),
    );
    if (broken.length === 0) return { detail: 'FAILED_ROLLBACK_COMPLETE', failure };
    log('error', `The rollback left components broken: ${this.#brokenError(broken).message}`);
    return { detail: 'FAILED_UNABLE_TO_ROLLBACK', failure };
  }

  /** Waits until components are where they were asked to be, and stay there for a moment: many fail at once. */
  async #stable(names: readonly string[]): Promise<void> {
    const { supervisor, clock, signal, onStage } = this.options;
    onStage('WAITING');
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

  #brokenError(names: readonly string[]): DeploymentError {
    const { supervisor } = this.options;
    const reasons = names.map((name) => `${name}: ${supervisor.component(name)?.statusReason}`);
    return new DeploymentError(
      ['COMPONENT_UPDATE_ERROR', 'COMPONENT_BROKEN'],
      `Components are in the state BROKEN after the deployment: ${reasons.join('; ')}.`,
      [...new Set(names.map(componentErrorType))],
    );
  }
}

/** Components that the change touches and that the old set has. */
function changed({ before, after, reinstalled, restarted }: Change): string[] {
  const touched = [...reinstalled, ...restarted].filter((name) => Object.hasOwn(before.components, name));
  return [...touched, ...absent(before, after)];
}

/** Components of one set that the other has not. */
export function absent(of: ComponentSet, from: ComponentSet): string[] {
  return Object.keys(of.components).filter((name) => !Object.hasOwn(from.components, name));
}

function toJournal(error: unknown): Change['failure'] {
  const { cause, stack, types } = failureOf(error);
  return { cause, stack: [...stack], types: [...types] };
}

function isObject(value: unknown): value is Parameters<ComponentConfigurations['notifyDeployed']>[1] {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Rejects when the signal is aborted. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
