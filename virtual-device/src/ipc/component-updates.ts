/**
 * How components take part in deployments over IPC: they are told that an update is ready and may defer
 * it, and they are asked whether their new configuration suits them.
 */
import { type Clock, pause } from '../clock.js';
import { DeviceError } from '../errors.js';
import type { JsonObject } from '../json.js';
import {
  type ComponentUpdatesCapability,
  IpcError,
  type IpcLog,
  type UpdateEvent,
  type ValidationEvent,
} from './capabilities.js';

export interface ComponentUpdates {
  /**
   * Tells subscribed components that a deployment is ready and waits for their answers.
   *
   * @returns milliseconds after which to ask again; 0 to go on: nobody is subscribed, nobody deferred, or
   *   the policy's timeout passed
   * @throws the signal's reason once it is aborted
   */
  ready(update: {
    readonly deploymentId: string;
    readonly isGgcRestarting: boolean;
    readonly timeoutMs: number;
    readonly signal: AbortSignal;
  }): Promise<number>;

  /** Tells subscribed components that the deployment is done. */
  done(deploymentId: string): void;

  /**
   * Asks a component about its new configuration; one that is not subscribed has no objection.
   *
   * @throws DeviceError DEPLOYMENT_INVALID with the component's own message when it rejects, or does not
   *   answer in time; the signal's reason once it is aborted
   */
  validate(request: {
    readonly deploymentId: string;
    readonly component: string;
    readonly configuration: JsonObject;
    readonly timeoutMs: number;
    readonly signal: AbortSignal;
  }): Promise<void>;
}

/** An update that waits for the answers of these components. */
interface UpdateRound {
  readonly deploymentId: string;
  readonly waitingFor: Set<string>;
  /** The longest deferral asked for until now, in milliseconds. */
  recheckAfterMs: number;
  readonly answered: AbortController;
}

interface Validation {
  readonly deploymentId: string;
  readonly answered: AbortController;
  /** Undefined once the component has accepted. */
  objection: string | undefined;
}

/** Brings together deployments, which ask, and components, which listen and answer over IPC. */
export class UpdateNegotiation implements ComponentUpdates, ComponentUpdatesCapability {
  readonly #updateListeners = new Listeners<UpdateEvent>();
  readonly #validationListeners = new Listeners<ValidationEvent>();
  #round: UpdateRound | undefined;
  readonly #validations = new Map<string, Validation>();

  constructor(
    private readonly clock: Clock,
    private readonly log: IpcLog,
  ) {}

  async ready(update: Parameters<ComponentUpdates['ready']>[0]): Promise<number> {
    const { deploymentId, isGgcRestarting, timeoutMs, signal } = update;
    signal.throwIfAborted();
    const round: UpdateRound = {
      deploymentId,
      waitingFor: new Set(this.#updateListeners.components()),
      recheckAfterMs: 0,
      answered: new AbortController(),
    };
    if (round.waitingFor.size === 0) return 0;
    this.#round = round;
    // Waiting starts first: an answer may come as soon as the event is out.
    const waited = this.#wait(timeoutMs, round.answered.signal, signal);
    for (const component of round.waitingFor) {
      this.#updateListeners.emit(component, { preUpdateEvent: { deploymentId, isGgcRestarting } });
    }
    try {
      await waited;
    } finally {
      if (this.#round === round) this.#round = undefined;
    }
    return round.recheckAfterMs;
  }

  done(deploymentId: string): void {
    for (const component of this.#updateListeners.components()) {
      this.#updateListeners.emit(component, { postUpdateEvent: { deploymentId } });
    }
  }

  async validate(request: Parameters<ComponentUpdates['validate']>[0]): Promise<void> {
    const { component, configuration, deploymentId, timeoutMs, signal } = request;
    signal.throwIfAborted();
    if (!this.#validationListeners.has(component)) return;
    const validation: Validation = {
      deploymentId,
      answered: new AbortController(),
      objection: `${component} did not say within ${timeoutMs / 1000} s whether its new configuration is valid.`,
    };
    this.#validations.set(component, validation);
    const waited = this.#wait(timeoutMs, validation.answered.signal, signal);
    this.#validationListeners.emit(component, {
      validateConfigurationUpdateEvent: { configuration, deploymentId },
    });
    try {
      await waited;
    } finally {
      if (this.#validations.get(component) === validation) this.#validations.delete(component);
    }
    if (validation.objection !== undefined) {
      throw new DeviceError('DEPLOYMENT_INVALID', validation.objection);
    }
  }

  subscribeToUpdates(component: string, listener: (event: UpdateEvent) => void): () => void {
    return this.#updateListeners.add(component, listener, () => this.#answer(component, 0));
  }

  defer(component: string, answer: Parameters<ComponentUpdatesCapability['defer']>[1]): void {
    const { deploymentId, recheckAfterMs, message } = answer;
    if (!this.#updateListeners.has(component)) {
      throw new IpcError('InvalidArgumentsError', 'Component is not subscribed to component update events');
    }
    if (deploymentId === undefined) {
      throw new IpcError(
        'InvalidArgumentsError',
        'Cannot defer the update, the deployment ID provided was null',
      );
    }
    if (this.#round?.deploymentId !== deploymentId || !this.#round.waitingFor.has(component)) {
      throw new IpcError('ServiceError', 'Time limit to respond to PreComponentUpdateEvent exceeded');
    }
    if (recheckAfterMs > 0) {
      const why = message ? `: ${message}` : '';
      this.log('info', `${component} deferred the deployment for ${recheckAfterMs} ms${why}`, {
        component,
        deploymentId,
        recheckAfterMs,
      });
    }
    this.#answer(component, recheckAfterMs);
  }

  subscribeToValidation(component: string, listener: (event: ValidationEvent) => void): () => void {
    return this.#validationListeners.add(component, listener, () => {
      this.#conclude(
        component,
        `${component} went away before it said whether its new configuration is valid.`,
      );
    });
  }

  report(component: string, report: Parameters<ComponentUpdatesCapability['report']>[1]): void {
    if (this.#validations.get(component)?.deploymentId !== report.deploymentId) {
      throw new IpcError('InvalidArgumentsError', 'Validation request either timed out or was never made');
    }
    const reason = report.message ? `: ${report.message}` : ', without a reason.';
    this.#conclude(
      component,
      report.accepted ? undefined : `${component} rejected its new configuration${reason}`,
    );
  }

  #answer(component: string, recheckAfterMs: number): void {
    const round = this.#round;
    if (!round?.waitingFor.delete(component)) return;
    round.recheckAfterMs = Math.max(round.recheckAfterMs, recheckAfterMs);
    if (round.waitingFor.size === 0) round.answered.abort();
  }

  #conclude(component: string, objection: string | undefined): void {
    const validation = this.#validations.get(component);
    if (!validation) return;
    this.#validations.delete(component);
    validation.objection = objection;
    validation.answered.abort();
  }

  /** Resolves when answered or after the timeout; rejects when aborted. */
  async #wait(timeoutMs: number, answered: AbortSignal, signal: AbortSignal): Promise<void> {
    await pause(this.clock, timeoutMs, AbortSignal.any([answered, signal])).catch(() => {});
    signal.throwIfAborted();
  }
}

/** Who listens, by component; one may listen on several streams. */
class Listeners<Event> {
  readonly #byComponent = new Map<string, Set<(event: Event) => void>>();

  components(): readonly string[] {
    return [...this.#byComponent.keys()];
  }

  has(component: string): boolean {
    return this.#byComponent.has(component);
  }

  /** @param onLastGone called when the component's last listener has ended */
  add(component: string, listener: (event: Event) => void, onLastGone: () => void): () => void {
    const listeners = this.#byComponent.get(component) ?? new Set();
    // A function of its own, so that a listener given twice is there twice.
    const entry = (event: Event) => listener(event);
    this.#byComponent.set(component, listeners.add(entry));
    return () => {
      if (!listeners.delete(entry) || listeners.size > 0) return;
      if (this.#byComponent.get(component) === listeners) this.#byComponent.delete(component);
      onLastGone();
    };
  }

  emit(component: string, event: Event): void {
    for (const listener of [...(this.#byComponent.get(component) ?? [])]) listener(event);
  }
}
