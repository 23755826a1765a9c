import type { JsonValue } from '../ipc/capabilities.js';
import { mapStrings, parsePointer, valueAt } from '../json.js';

/** What recipe variables of one component stand for. */
export interface Variables {
  readonly thingName: string;
  readonly rootPath: string;
  /** The component itself and its dependencies; no other's variables are replaced. */
  component(name: string): ComponentVariables | undefined;
  /** The component whose recipe it is. */
  readonly self: string;
}

export interface ComponentVariables {
  readonly configuration: JsonValue;
  readonly artifactsPath: string;
  readonly decompressedPath: string;
  readonly workPath: string;
}

const VARIABLE = /\{(?:([A-Za-z0-9._-]+):)?(configuration|artifacts|work|kernel|iot):([^{}:]+)\}/g;

/**
 * Replaces the recipe variables of a text: `{configuration:/json/pointer}`, `{artifacts:path}`,
 * `{artifacts:decompressedPath}`, `{work:path}`, `{kernel:rootPath}`, `{iot:thingName}`, and a dependency's
 * configuration, artifacts and work path with its name before them. What names nothing stays as it is,
 * as the nucleus leaves it; replaced text is not looked at again.
 */
export function interpolate(text: string, variables: Variables): string {
  return text.replace(VARIABLE, (variable, owner: string | undefined, namespace: string, key: string) => {
    return replacementOf(variables, owner, namespace, key) ?? variable;
  });
}

/** {@link interpolate} for every string in a value. */
export function interpolateJson(value: JsonValue, variables: Variables): JsonValue {
  return mapStrings(value, (text) => interpolate(text, variables));
}

function replacementOf(
  variables: Variables,
  owner: string | undefined,
  namespace: string,
  key: string,
): string | undefined {
  if (namespace === 'kernel') return !owner && key === 'rootPath' ? variables.rootPath : undefined;
  if (namespace === 'iot') return !owner && key === 'thingName' ? variables.thingName : undefined;
  const component = variables.component(owner ?? variables.self);
  if (!component) return undefined;
  switch (namespace) {
    case 'artifacts':
      if (key === 'path') return component.artifactsPath;
      return key === 'decompressedPath' ? component.decompressedPath : undefined;
    case 'work':
      return key === 'path' ? component.workPath : undefined;
    default: {
      const path = parsePointer(key);
      const value = path && valueAt(component.configuration, path);
      if (value === undefined) return undefined;
      return typeof value === 'string' ? value : JSON.stringify(value);
    }
  }
}
