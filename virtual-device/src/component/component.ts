import type { Clock } from '../clock.js';
import { messageOf } from '../errors.js';
import type { LifecycleState } from '../ipc/capabilities.js';
import type { Lifecycle, LifecycleStep } from '../recipe/lifecycle.js';
import type { RunningScript } from './script.js';

/** Why a component is in its state, in the codes of the nucleus's fleet status messages. */
export type StatusCode =
  | 'NONE'
  | 'INSTALL_ERROR'
  | 'INSTALL_TIMEOUT'
  | 'STARTUP_ERROR'
  | 'STARTUP_TIMEOUT'
  | 'RUN_ERROR'
  | 'RUN_TIMEOUT'
  | 'SHUTDOWN_ERROR'
  | 'SHUTDOWN_TIMEOUT';

export interface StateChange {
  readonly component: string;
  readonly from: LifecycleState;
  readonly to: LifecycleState;
  readonly statusCode: StatusCode;
  readonly statusReason: string;
}

/** What a component needs of the device around it. */
export interface ComponentHost {
  readonly clock: Clock;
  start(component: Component, step: LifecycleStep): RunningScript;
  /** Whether the step's `SkipIf` holds. @throws DeviceError RECIPE_INVALID */
  skips(component: Component, step: LifecycleStep): boolean;
  /** Resolves when every HARD dependency runs or has finished; rejects when the signal is aborted. */
  dependenciesReady(component: Component, signal: AbortSignal): Promise<void>;
  changed(change: StateChange): void;
  log(component: Component, level: 'info' | 'warn' | 'error', message: string): void;
}

/** What the component is asked to do next. */
type Wish = 'run' | 'stop' | 'restart' | 'reinstall';

/** Seconds, as the nucleus has them. */
const DEFAULT_TIMEOUT = { install: 120, startup: 120, shutdown: 15, recover: 60 } as const;
/** Errors in one state, each within an hour of the one before, that make a component BROKEN. */
const ERRORS_THAT_BREAK = 3;
const ERROR_MEMORY = 3_600_000;
/** Milliseconds between SIGTERM and SIGKILL. */
const TERMINATION_GRACE = 5_000;

/** A failure within a state that leads to ERRORED (or BROKEN). */
class StepFailure {
  constructor(
    readonly code: StatusCode,
    readonly reason: string,
  ) {}
}

type Outcome = LifecycleState | StepFailure;

/**
 * One component's lifecycle: a loop that is always in one of Greengrass's states and acts on wishes (run,
 * stop, restart, reinstall) when its state allows. An error is tried again, the third in the same state
 * makes the component BROKEN, which only a reinstallation ends.
 */
export class Component {
  #state: LifecycleState = 'NEW';
  #wish: Wish = 'stop';
  /** Aborted when a new wish or report comes, so that whoever waits looks again. */
  #interrupt = new AbortController();
  #reported: 'RUNNING' | 'ERRORED' | undefined;
  #scripts: RunningScript[] = [];
  /** What RUNNING watches: the run script, or a startup script that reported RUNNING before it ended. */
  #runScript: { script: RunningScript; timeout: number | undefined; isStartup: boolean } | undefined;
  #closed = false;
  #loop: Promise<void> | undefined;
  #idle: { promise: Promise<void>; resolve: () => void } | undefined;
  /** The state that the last error came from. */
  #previous: LifecycleState = 'NEW';
  readonly #errors = new Map<LifecycleState, number[]>();
  statusCode: StatusCode = 'NONE';
  statusReason = '';

  constructor(
    readonly name: string,
    public version: string,
    public lifecycle: Lifecycle,
    private readonly host: ComponentHost,
    /** Whether the device itself is the component: it runs without a process. */
    private readonly isBuiltIn = false,
  ) {}

  get state(): LifecycleState {
    return this.#state;
  }

  /** Whether the component is still on its way to what it was last asked for. */
  get isPending(): boolean {
    const atRest = this.#state === 'FINISHED' || this.#state === 'BROKEN';
    switch (this.#wish) {
      case 'stop':
        return !atRest && this.#state !== 'NEW';
      case 'run':
        return this.#state !== 'RUNNING' && this.#state !== 'BROKEN';
      default:
        return true;
    }
  }

  start(): void {
    if (this.#wish === 'stop') this.#want('run');
  }

  /** Stops the component; resolves when none of its processes runs any more. */
  async stop(): Promise<void> {
    // One that was never started has nothing to come to rest.
    if (!this.#loop) return;
    this.#want('stop');
    await this.#settled();
  }

  restart(): void {
    this.#want('restart');
  }

  /** Begins anew with installing; the one way out of BROKEN. */
  reinstall(): void {
    this.#want('reinstall');
  }

  /** The component's own word about its state. */
  report(state: 'RUNNING' | 'ERRORED'): void {
    this.#reported = state;
    this.#interrupt.abort();
  }

  /** Stops the component for good. */
  async close(): Promise<void> {
    await this.stop();
    this.#closed = true;
    this.#interrupt.abort();
    await this.#loop;
  }

  #want(wish: Wish): void {
    if (this.#closed) return;
    this.#wish = wish;
    this.#interrupt.abort();
    this.#loop ??= this.#run();
  }

  async #run(): Promise<void> {
    while (!this.#closed) {
      this.#interrupt = new AbortController();
      const outcome = await this.#step();
      if (outcome instanceof StepFailure) await this.#fail(outcome);
      else if (outcome !== this.#state) this.#enter(outcome);
      else if (!this.#interrupt.signal.aborted) await this.#nextInterrupt();
    }
    this.#idle?.resolve();
  }

  #step(): Promise<Outcome> | Outcome {
    switch (this.#state) {
      case 'NEW':
        return this.#wish === 'stop' ? this.#rest() : this.#install();
      case 'INSTALLED':
        return this.#awaitDependencies();
      case 'STARTING':
        return this.#startUp();
      case 'RUNNING':
        return this.#watch();
      case 'STOPPING':
        return this.#shutDown();
      case 'FINISHED':
        if (this.#wish === 'stop') return this.#rest();
        return this.#afterStop();
      case 'ERRORED':
        return this.#recover();
      case 'BROKEN':
        if (this.#wish === 'reinstall') {
          this.#errors.clear();
          this.#wish = 'run';
          return 'NEW';
        }
        return this.#rest();
    }
  }

  /** Nothing to do in this state: whoever waits for the component to settle may go on. */
  #rest(): LifecycleState {
    this.#idle?.resolve();
    this.#idle = undefined;
    return this.#state;
  }

  #settled(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    if (!this.#idle) {
      let resolve = () => {};
      const promise = new Promise<void>((settle) => {
        resolve = settle;
      });
      this.#idle = { promise, resolve };
    }
    return this.#idle.promise;
  }

  async #install(): Promise<Outcome> {
    this.#wish = 'run';
    await this.#endScripts();
    const failure = await this.#runToEnd('install', 'INSTALL_ERROR', 'INSTALL_TIMEOUT');
    if (failure) return failure;
    return this.#wish === 'run' ? 'INSTALLED' : 'NEW';
  }

  async #awaitDependencies(): Promise<Outcome> {
    if (this.#wish === 'reinstall') return 'NEW';
    if (this.#wish === 'stop') return 'FINISHED';
    this.#wish = 'run';
    try {
      await this.host.dependenciesReady(this, this.#interrupt.signal);
      return 'STARTING';
    } catch {
      return 'INSTALLED';
    }
  }

  async #startUp(): Promise<Outcome> {
    this.#reported = undefined;
    await this.#endScripts();
    if (this.isBuiltIn) return this.#wish === 'run' ? 'RUNNING' : 'STOPPING';
    const { startup, run } = this.lifecycle;
    if (startup) {
      const failure = await this.#runToEnd(
        'startup',
        'STARTUP_ERROR',
        'STARTUP_TIMEOUT',
        () => this.#reported,
      );
      if (failure) return failure;
      return this.#wish === 'run' ? 'RUNNING' : 'STOPPING';
    }
    if (!run || this.#skips(run)) {
      this.#wish = this.#wish === 'run' ? 'stop' : this.#wish;
      return 'FINISHED';
    }
    try {
      this.#runScript = { script: this.#begin(run), timeout: run.timeout, isStartup: false };
    } catch (error) {
      return new StepFailure('RUN_ERROR', messageOf(error));
    }
    return 'RUNNING';
  }

  /** RUNNING lasts until the run script ends, something is wished, or the component reports an error. */
  async #watch(): Promise<Outcome> {
    const timeout = this.#runScript?.timeout;
    let timer: { cancel(): void } | undefined;
    const timedOut = new Promise<'timeout'>((resolve) => {
      if (timeout !== undefined) timer = this.host.clock.after(timeout * 1000, () => resolve('timeout'));
    });
    try {
      for (;;) {
        if (this.#reported === 'ERRORED') {
          this.#reported = undefined;
          return new StepFailure('RUN_ERROR', 'The component reported ERRORED');
        }
        if (this.#wish !== 'run') return 'STOPPING';
        this.#interrupt = this.#interrupt.signal.aborted ? new AbortController() : this.#interrupt;
        const running = this.#runScript;
        const event = await Promise.race([
          this.#nextInterrupt(),
          timedOut,
          ...(running ? [running.script.exited] : []),
        ]);
        if (event === 'timeout') {
          return new StepFailure('RUN_TIMEOUT', `The run script did not end within ${timeout} s`);
        }
        if (event === undefined || this.#wish !== 'run') continue;
        this.#runScript = undefined;
        const what = running?.isStartup ? 'startup' : 'run';
        this.host.log(this, 'info', `The ${what} script ${describeExit(event)}`);
        if (event.code !== 0)
          return new StepFailure('RUN_ERROR', `The ${what} script ${describeExit(event)}`);
        if (running?.isStartup) continue;
        this.#wish = 'stop';
        return 'STOPPING';
      }
    } finally {
      timer?.cancel();
    }
  }

  async #shutDown(): Promise<Outcome> {
    const failure = await this.#runToEnd('shutdown', 'SHUTDOWN_ERROR', 'SHUTDOWN_TIMEOUT', undefined, true);
    await this.#endScripts();
    if (failure?.code === 'SHUTDOWN_TIMEOUT') return failure;
    return this.#afterStop();
  }

  #afterStop(): LifecycleState {
    if (this.#wish === 'stop') return 'FINISHED';
    if (this.#wish === 'reinstall') return 'NEW';
    this.#wish = 'run';
    return 'INSTALLED';
  }

  async #recover(): Promise<Outcome> {
    const { recover } = this.lifecycle;
    const from = this.#previous;
    if (recover) {
      const failure = await this.#runToEnd('recover', 'RUN_ERROR', 'RUN_TIMEOUT', undefined, true);
      if (failure) this.host.log(this, 'error', `Recovery failed: ${failure.reason}`);
    }
    if (from === 'NEW') return 'NEW';
    if (from === 'STOPPING') return this.#afterStop();
    return 'STOPPING';
  }

  async #fail(failure: StepFailure): Promise<void> {
    const from = this.#state;
    const now = this.host.clock.now();
    const earlier = this.#errors.get(from) ?? [];
    const last = earlier.at(-1);
    const errors = [...(last !== undefined && now - last >= ERROR_MEMORY ? [] : earlier), now];
    this.#errors.set(from, errors);
    this.host.log(this, 'error', failure.reason);
    this.#previous = from;
    if (errors.length < ERRORS_THAT_BREAK) {
      this.#enter('ERRORED', failure);
      return;
    }
    if (from !== 'NEW' && from !== 'STOPPING') {
      await this.#runToEnd('shutdown', 'SHUTDOWN_ERROR', 'SHUTDOWN_TIMEOUT', undefined, true);
    }
    await this.#endScripts();
    this.#enter('BROKEN', failure);
    if (this.#wish !== 'reinstall') this.#wish = 'stop';
  }

  #enter(to: LifecycleState, failure?: StepFailure): void {
    const from = this.#state;
    // Leaving a state without an error forgives those before; RUNNING forgives itself by a clean stop.
    if (!failure) this.#errors.delete(from);
    this.#state = to;
    if (failure || to === 'RUNNING' || to === 'FINISHED' || to === 'NEW') {
      this.statusCode = failure?.code ?? 'NONE';
      this.statusReason = failure?.reason ?? '';
    }
    const { statusCode, statusReason } = this;
    this.host.changed({ component: this.name, from, to, statusCode, statusReason });
  }

  /**
   * Runs a step's script until it ends, times out, the component reports instead, or another wish comes
   * (unless `insist`).
   */
  async #runToEnd(
    name: 'install' | 'startup' | 'shutdown' | 'recover',
    errorCode: StatusCode,
    timeoutCode: StatusCode,
    reported: () => 'RUNNING' | 'ERRORED' | undefined = () => undefined,
    insist = false,
  ): Promise<StepFailure | undefined> {
    const step = this.lifecycle[name];
    if (!step) return undefined;
    const seconds = step.timeout ?? DEFAULT_TIMEOUT[name];
    let timer: { cancel(): void } | undefined;
    try {
      if (this.#skips(step)) return undefined;
      const script = this.#begin(step);
      const timedOut = new Promise<'timeout'>((resolve) => {
        timer = this.host.clock.after(seconds * 1000, () => resolve('timeout'));
      });
      for (;;) {
        const waits = [script.exited, timedOut];
        const event = await (insist ? Promise.race(waits) : Promise.race([...waits, this.#nextInterrupt()]));
        if (event === 'timeout') {
          await this.#endScript(script);
          return new StepFailure(timeoutCode, `The ${name} script did not end within ${seconds} s`);
        }
        if (event === undefined) {
          if (this.#wish !== 'run') {
            await this.#endScript(script);
            return undefined;
          }
          const report = reported();
          if (report === 'RUNNING') {
            this.#runScript = { script, timeout: undefined, isStartup: true };
            return undefined;
          }
          if (report === 'ERRORED') return new StepFailure(errorCode, 'The component reported ERRORED');
          this.#interrupt = new AbortController();
          continue;
        }
        if (event.code === 0) return undefined;
        return new StepFailure(errorCode, `The ${name} script ${describeExit(event)}`);
      }
    } catch (error) {
      return new StepFailure(errorCode, messageOf(error));
    } finally {
      timer?.cancel();
    }
  }

  #skips(step: LifecycleStep): boolean {
    return this.host.skips(this, step);
  }

  #begin(step: LifecycleStep): RunningScript {
    const script = this.host.start(this, step);
    this.#scripts.push(script);
    return script;
  }

  async #endScript(script: RunningScript): Promise<void> {
    await script.end(TERMINATION_GRACE);
    this.#scripts = this.#scripts.filter((other) => other !== script);
  }

  async #endScripts(): Promise<void> {
    const scripts = this.#scripts;
    this.#scripts = [];
    this.#runScript = undefined;
    await Promise.all(scripts.map((script) => script.end(TERMINATION_GRACE)));
  }

  #nextInterrupt(): Promise<undefined> {
    const { signal } = this.#interrupt;
    if (signal.aborted) return Promise.resolve(undefined);
    return new Promise((resolve) =>
      signal.addEventListener('abort', () => resolve(undefined), { once: true }),
    );
  }
}

function describeExit({ code, signal }: { code: number | null; signal: string | null }): string {
  return signal === null ? `exited with code ${code}` : `was ended by ${signal}`;
}
