import { type ConfigurationCapability, IpcError, type JsonValue } from '../ipc/capabilities.js';
import { isJsonObject, type JsonObject, merge, sameJson, valueAt, withValueAt } from '../json.js';
import type { EffectiveConfigStore } from './effective-config.js';
import { NUCLEUS } from './init-config.js';

interface Watch {
  readonly component: string;
  readonly path: readonly string[];
  readonly onChange: (changed: readonly string[]) => void;
}

/**
 * What a component may make of its own configuration: all of it is written to disk at each change, and read
 * at each start, so one that is too large or too deep would hold up or stop the device.
 */
const MAX_JSON_BYTES = 256 * 1024;
const MAX_DEPTH = 64;

/** The components' configuration as it is in force; every change is on disk before it is seen. */
export class ComponentConfigurations implements ConfigurationCapability {
  readonly #watches = new Set<Watch>();
  /** When leaves were set by a component, milliseconds since 1970. */
  readonly #modified = new Map<string, number>();

  constructor(private readonly store: EffectiveConfigStore) {}

  /** A component's whole configuration; undefined when there is no such component. */
  of(component: string): JsonObject | undefined {
    const { components } = this.store.current;
    if (!Object.hasOwn(components, component)) return undefined;
    const configuration = components[component]?.configuration ?? {};
    return isJsonObject(configuration) ? configuration : {};
  }

  get(component: string, path: readonly string[]): JsonValue | undefined {
    if (component === NUCLEUS) {
      const nucleus: JsonValue = JSON.parse(JSON.stringify(this.store.current.nucleus));
      return valueAt(nucleus, path);
    }
    return valueAt(this.of(component), path);
  }

  update(component: string, path: readonly string[], timestamp: number, value: JsonValue): void {
    const { current } = this.store;
    const record = Object.hasOwn(current.components, component) ? current.components[component] : undefined;
    const before = this.of(component);
    if (!record || !before) {
      throw new IpcError('ResourceNotFoundError', `${component} is not on this device`, {
        type: 'component',
        name: component,
      });
    }
    if (path.length === 0 && !isJsonObject(value)) {
      throw new IpcError('InvalidArgumentsError', 'A whole configuration must be an object');
    }
    refuseTooDeep(component, path, value);
    refuseTooMuch(component, value);
    const leaves = leavesOf(value, path);
    for (const leaf of leaves) {
      if ((this.#modified.get(keyOf(component, leaf.path)) ?? 0) > timestamp) {
        throw new IpcError(
          'FailedUpdateConditionCheckError',
          `${leaf.path.join('/')} was modified after ${timestamp}`,
        );
      }
    }
    const node = valueAt(before, path);
    const after = withValueAt(
      before,
      path,
      isJsonObject(node) && isJsonObject(value) ? merge(node, value) : value,
    );
    const changed = leaves
      .map((leaf) => leaf.path)
      .filter((leaf) => !sameJson(valueAt(before, leaf), valueAt(after, leaf)));
    if (changed.length > 0) {
      refuseTooMuch(component, after);
      this.store.replace({
        ...current,
        components: { ...current.components, [component]: { ...record, configuration: after } },
      });
    }
    for (const leaf of leaves) this.#modified.set(keyOf(component, leaf.path), timestamp);
    this.#notify(component, changed);
  }

  watch(
    component: string,
    path: readonly string[],
    onChange: (changed: readonly string[]) => void,
  ): () => void {
    const watch = { component, path, onChange };
    this.#watches.add(watch);
    return () => this.#watches.delete(watch);
  }

  /** Tells the watches what a deployment has changed, given the configuration before it. */
  notifyDeployed(component: string, before: JsonObject): void {
    const after = this.of(component);
    if (after) this.#notify(component, differences(before, after, []));
  }

  #notify(component: string, changed: readonly (readonly string[])[]): void {
    for (const watch of [...this.#watches]) {
      if (watch.component !== component) continue;
      for (const path of changed) {
        const shared = Math.min(path.length, watch.path.length);
        if (path.slice(0, shared).every((key, index) => key === watch.path[index])) watch.onChange(path);
      }
    }
  }
}

function refuseTooDeep(component: string, path: readonly string[], value: JsonValue): void {
  let level: JsonValue[] = [value];
  for (let depth = path.length; level.length > 0; depth++) {
    if (depth > MAX_DEPTH) {
      throw new IpcError(
        'InvalidArgumentsError',
        `The configuration of ${component} would be nested deeper than ${MAX_DEPTH} levels.`,
      );
    }
    level = level.flatMap((node) => (typeof node === 'object' && node !== null ? Object.values(node) : []));
  }
}

function refuseTooMuch(component: string, configuration: JsonValue): void {
  const bytes = Buffer.byteLength(JSON.stringify(configuration));
  if (bytes <= MAX_JSON_BYTES) return;
  throw new IpcError(
    'InvalidArgumentsError',
    `The configuration of ${component} would have ${bytes} bytes; a component may make it ${MAX_JSON_BYTES}.`,
  );
}

function leavesOf(
  value: JsonValue,
  path: readonly string[],
): { path: readonly string[]; value: JsonValue }[] {
  if (!isJsonObject(value) || (Object.keys(value).length === 0 && path.length > 0)) return [{ path, value }];
  return Object.entries(value).flatMap(([key, child]) => leavesOf(child, [...path, key]));
}

function differences(
  before: JsonValue | undefined,
  after: JsonValue | undefined,
  path: readonly string[],
): string[][] {
  if (isJsonObject(before) && isJsonObject(after)) {
    const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
    return [...keys].flatMap((key) =>
      differences(valueAt(before, [key]), valueAt(after, [key]), [...path, key]),
    );
  }
  return sameJson(before, after) ? [] : [[...path]];
}

function keyOf(component: string, path: readonly string[]): string {
  return JSON.stringify([component, ...path]);
}
