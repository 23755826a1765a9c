import type { Clock } from '../clock.js';
import type { LifecycleState } from '../ipc/capabilities.js';
import type { GreengrassLogs } from '../log/greengrass-log.js';
import { Component, type ComponentHost, type StateChange } from './component.js';
import type { ScriptLauncher, ScriptOwner } from './launcher.js';
import type { ComponentSpec } from './spec.js';

export interface SupervisorOptions {
  readonly clock: Clock;
  readonly logs: GreengrassLogs;
  readonly launcher: ScriptLauncher;
}

/** States in which a component has what others need of it. */
const READY: readonly LifecycleState[] = ['RUNNING', 'FINISHED'];
/** States of a HARD dependency that take those who need it down too. */
const FAILED: readonly LifecycleState[] = ['ERRORED', 'BROKEN', 'NEW', 'INSTALLED'];

/** The components that run on the device, started after and stopped before what they depend on. */
export class Supervisor {
  readonly #components = new Map<string, { component: Component; spec: ComponentSpec }>();
  readonly #listeners = new Set<(change: StateChange) => void>();

  readonly #host: ComponentHost;

  constructor(private readonly options: SupervisorOptions) {
    this.#host = this.#makeHost();
  }

  onChange(listener: (change: StateChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** All components, dependencies first. */
  list(): readonly ComponentSpec[] {
    return inDependencyOrder([...this.#components.values()].map(({ spec }) => spec));
  }

  component(name: string): Component | undefined {
    return this.#components.get(name)?.component;
  }

  spec(name: string): ComponentSpec | undefined {
    return this.#components.get(name)?.spec;
  }

  /** Adds a component, or gives the one of that name a new spec that holds from its next start on. */
  put(spec: ComponentSpec): void {
    const existing = this.#components.get(spec.name);
    if (existing) {
      existing.component.version = spec.version;
      existing.component.lifecycle = spec.lifecycle;
      this.#components.set(spec.name, { component: existing.component, spec });
      return;
    }
    const component = new Component(spec.name, spec.version, spec.lifecycle, this.#host, spec.isBuiltIn);
    this.#components.set(spec.name, { component, spec });
  }

  /** Stops a component and forgets it. */
  async remove(name: string): Promise<void> {
    const entry = this.#components.get(name);
    if (!entry) return;
    await entry.component.close();
    this.#components.delete(name);
  }

  startAll(): void {
    for (const { name } of this.list()) this.component(name)?.start();
  }

  /** Stops all components for good, each after those that depend on it. */
  async closeAll(): Promise<void> {
    const closing = new Map<string, Promise<void>>();
    for (const { name } of [...this.list()].reverse()) {
      const dependents = [...this.#components.values()].filter(({ spec }) =>
        Object.hasOwn(spec.dependencies, name),
      );
      const before = dependents.map(({ spec }) => closing.get(spec.name));
      closing.set(
        name,
        Promise.all(before).then(() => this.component(name)?.close()),
      );
    }
    await Promise.all(closing.values());
  }

  /** Resolves when every named component is where it was asked to be, or BROKEN. */
  settled(names: readonly string[], signal: AbortSignal): Promise<void> {
    return this.#when(() => names.every((name) => !this.component(name)?.isPending), signal);
  }

  #when(condition: () => boolean, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(signal.reason);
        return;
      }
      if (condition()) {
        resolve();
        return;
      }
      const abort = () => {
        off();
        reject(signal.reason);
      };
      const off = this.onChange(() => {
        if (!condition()) return;
        off();
        signal.removeEventListener('abort', abort);
        resolve();
      });
      signal.addEventListener('abort', abort, { once: true });
    });
  }

  #makeHost(): ComponentHost {
    return {
      clock: this.options.clock,
      start: (component, step) => this.options.launcher.start(this.#owner(component), step),
      skips: (component, step) => this.options.launcher.skips(this.#owner(component), step),
      dependenciesReady: (component, signal) => {
        const hard = this.#hardDependencies(component.name);
        return this.#when(
          () => hard.every((name) => READY.includes(this.component(name)?.state ?? 'NEW')),
          signal,
        );
      },
      changed: (change) => this.#changed(change),
      log: (component, level, message) => this.#log(component.name, level, message),
    };
  }

  #owner(component: Component): ScriptOwner {
    const { name, version } = component;
    const runWith = this.spec(name)?.runWith;
    // The state is that of the moment when a line is logged.
    return {
      name,
      version,
      runWith,
      get state() {
        return component.state;
      },
    };
  }

  #changed(change: StateChange): void {
    const { component: name, from, to, statusReason } = change;
    const event = {
      level: to === 'ERRORED' || to === 'BROKEN' ? ('error' as const) : ('info' as const),
      thread: `${name}-lifecycle`,
      logger: name,
      event: 'service-set-state',
      ...(statusReason && { message: statusReason }),
      fields: { serviceName: name, currentState: from, newState: to },
    };
    this.options.logs.component(name, event);
    this.options.logs.system(event);
    for (const listener of [...this.#listeners]) listener(change);
    if (!FAILED.includes(to)) return;
    for (const { spec, component } of this.#components.values()) {
      const isUp = component.state === 'STARTING' || component.state === 'RUNNING';
      if (isUp && spec.dependencies[name] === 'HARD') {
        this.#log(spec.name, 'warn', `Restarting, as its dependency ${name} is ${to}`);
        component.restart();
      }
    }
  }

  #log(name: string, level: 'info' | 'warn' | 'error', message: string): void {
    this.options.logs.component(name, {
      level,
      thread: `${name}-lifecycle`,
      logger: name,
      message,
      fields: { serviceName: name, currentState: this.component(name)?.state ?? 'NEW' },
    });
  }

  #hardDependencies(name: string): string[] {
    return Object.entries(this.spec(name)?.dependencies ?? {})
      .filter(([, type]) => type === 'HARD')
      .map(([dependency]) => dependency);
  }
}

/** Specs so that each comes after those it depends on; of equals, by name. */
export function inDependencyOrder(specs: readonly ComponentSpec[]): ComponentSpec[] {
  const byName = new Map(specs.map((spec) => [spec.name, spec]));
  const ordered = new Set<ComponentSpec>();
  const visit = (name: string) => {
    const spec = byName.get(name);
    if (!spec || ordered.has(spec)) return;
    byName.delete(name);
    for (const dependency of Object.keys(spec.dependencies).sort()) visit(dependency);
    ordered.add(spec);
  };
  for (const name of [...byName.keys()].sort()) visit(name);
  return [...ordered];
}
