import type { ResourceProperties, ResourceSchema } from '../../resource-type.js';
import { jsonEquals } from './json-patch.js';

/** Property paths of a schema, such as `/properties/Code/ZipFile` or `/properties/Tags/0/Key` with `*` for any element. */
type Paths = readonly string[] | undefined;

/** The paths of properties that are there. */
export function pathsPresent(properties: ResourceProperties, paths: Paths): string[] {
  return (paths ?? []).filter((path) => valuesAt(properties, partsOf(path)).length > 0);
}

/** The paths of properties that differ between two states of a resource. */
export function pathsChanged(before: ResourceProperties, after: ResourceProperties, paths: Paths): string[] {
  return (paths ?? []).filter(
    (path) => !jsonEquals(valuesAt(before, partsOf(path)), valuesAt(after, partsOf(path))),
  );
}

/** The properties without those at `paths`; an object that is emptied by that goes as well. */
export function withoutPaths(properties: ResourceProperties, paths: Paths): ResourceProperties {
  const result = structuredClone(properties) as Record<string, unknown>;
  for (const path of paths ?? []) removeAt(result, partsOf(path));
  return result;
}

/**
 * The identifier that a desired state determines: the values of its primary identifier joined by `|`;
 * undefined when the resource's own service gives a part of it.
 */
export function identifierOf(schema: ResourceSchema, properties: ResourceProperties): string | undefined {
  const values = schema.primaryIdentifier.map((path) => valuesAt(properties, partsOf(path))[0]);
  return values.every((value) => typeof value === 'string' && value !== '') ? values.join('|') : undefined;
}

/** The first part of a property path: the name of the property that it is, or is in. */
export function topProperty(path: string): string {
  return partsOf(path)[0] ?? '';
}

function partsOf(path: string): string[] {
  return path
    .split('/')
    .slice(2)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function valuesAt(value: unknown, [part, ...rest]: readonly string[]): unknown[] {
  if (part === undefined) return value === undefined ? [] : [value];
  if (Array.isArray(value)) {
    const parts = part === '*' ? rest : [part, ...rest];
    return value.flatMap((item) => valuesAt(item, parts));
  }
  return isObject(value) && Object.hasOwn(value, part) ? valuesAt(value[part], rest) : [];
}

function removeAt(value: unknown, [part, ...rest]: readonly string[]): void {
  if (part === undefined) return;
  if (Array.isArray(value)) {
    for (const item of value) removeAt(item, part === '*' ? rest : [part, ...rest]);
  } else if (isObject(value) && Object.hasOwn(value, part)) {
    const inner = value[part];
    if (rest.length === 0) {
      delete value[part];
      return;
    }
    removeAt(inner, rest);
    if (isObject(inner) && Object.keys(inner).length === 0) delete value[part];
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
