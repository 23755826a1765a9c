import { type Change, differences, touches } from './differences.js';
import { isObject, type Json, type JsonObject, sameValue, type ValueObject } from './json.js';
import { sdkName } from './property-case.js';
import type { Path, ResourceSchema } from './resource-schema.js';
import type { StackState, StoredResource } from './state.js';

/** A resource as the program wants it. */
export interface DesiredResource {
  /** Unique in the stack: the Pulumi type and the logical name. */
  readonly key: string;
  /** The logical name. */
  readonly name: string;
  /** The CloudFormation type. */
  readonly type: string;
  readonly properties: ValueObject;
  /** Keys of the resources that must be there first and go last. */
  readonly dependencies: readonly string[];
  readonly options: ResourceOptions;
}

/** Pulumi resource options that this target honours. */
export interface ResourceOptions {
  readonly retainOnDelete: boolean;
  readonly protect: boolean;
  readonly deleteBeforeReplace: boolean;
  /** Paths in aws-native's names, `*` for any element: a change of one replaces the resource. */
  readonly replaceOnChanges: readonly Path[];
}

/** One thing to do, or to leave, about one resource. */
export type Step =
  | { readonly kind: 'create'; readonly resource: ResourceRef }
  | { readonly kind: 'same'; readonly resource: ResourceRef }
  | { readonly kind: 'update'; readonly resource: ResourceRef; readonly changes: readonly Change[] }
  | {
      readonly kind: 'replace';
      readonly resource: ResourceRef;
      readonly changes: readonly Change[];
      /** Properties that cannot change on a living resource. */
      readonly because: readonly string[];
      readonly order: 'create-first' | 'delete-first';
    }
  | {
      readonly kind: 'delete';
      readonly resource: ResourceRef;
      /** Only forgotten: the resource stays in the cloud (`retainOnDelete`). */
      readonly retained: boolean;
    };

export interface ResourceRef {
  readonly key: string;
  readonly name: string;
  readonly type: string;
  /** The primary identifier, once it is known. */
  readonly identifier?: string;
}

/**
 * Decides what to do about one resource.
 *
 * @param desired its properties may be partly unknown; an unknown property counts as changed.
 * @param last the resource as the last run left it, if it did.
 */
export function planResource(
  desired: DesiredResource,
  last: StoredResource | undefined,
  schema: ResourceSchema,
): Step {
  const resource = ref(desired, last?.identifier);
  if (last === undefined || last.identifier === undefined) return { kind: 'create', resource };
  const changes = differences(last.inputs, desired.properties);
  if (changes.length === 0) return { kind: 'same', resource };
  const because = changes
    .filter(
      ({ path }) =>
        schema.createOnly.some((fixed) => touches(path, fixed)) ||
        desired.options.replaceOnChanges.some((fixed) => touches(path.map(sdkName), fixed)),
    )
    .map(({ path }) => path.join('.'));
  if (because.length === 0) return { kind: 'update', resource, changes };
  const deleteFirst =
    desired.options.deleteBeforeReplace || keepsIdentity(last.inputs, desired.properties, schema);
  return {
    kind: 'replace',
    resource,
    changes,
    because,
    order: deleteFirst ? 'delete-first' : 'create-first',
  };
}

/**
 * The resources to delete once everything that the program registered is in place: those that it did not
 * register, and those that were replaced. Whatever depends on a resource goes before it.
 */
export function planDeletions(state: StackState, registered: ReadonlySet<string>): StoredResource[] {
  const doomed = state.resources.filter(
    (resource) => resource.condemned === true || !registered.has(resource.key),
  );
  const order: StoredResource[] = [];
  const visited = new Set<StoredResource>();
  const visit = (resource: StoredResource): void => {
    if (visited.has(resource)) return;
    visited.add(resource);
    for (const other of doomed) {
      if (other !== resource && other.dependencies.includes(resource.key)) visit(other);
    }
    order.push(resource);
  };
  for (const resource of [...doomed].reverse()) visit(resource);
  return order;
}

export function deletionStep(resource: StoredResource): Step {
  return {
    kind: 'delete',
    resource: ref(resource, resource.identifier),
    retained: resource.retainOnDelete === true,
  };
}

/** Whether a resource with the new properties would have the identifier of the old one. */
function keepsIdentity(before: JsonObject, after: ValueObject, schema: ResourceSchema): boolean {
  return schema.primaryIdentifier.every((path) => {
    if (schema.readOnly.some((readOnly) => readOnly.join('/') === path.join('/'))) return false;
    return sameValue(at(before, path), at(after, path));
  });
}

function at(value: ValueObject, path: readonly string[]): ReturnType<typeof step> {
  return path.reduce<ReturnType<typeof step>>(step, value);
}

function step(value: ValueObject[string] | undefined, name: string): ValueObject[string] | undefined {
  return isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}

/**
 * The identifier of a resource, when its properties alone tell it.
 *
 * @returns undefined when a part is missing: the cloud chooses it.
 */
export function identifierOf(properties: JsonObject, schema: ResourceSchema): string | undefined {
  const parts = schema.primaryIdentifier.map((path) => at(properties, path));
  return parts.every((part) => typeof part === 'string') ? parts.join('|') : undefined;
}

/** A JSON Patch operation (RFC 6902), as Cloud Control's `UpdateResource` takes them. */
export type PatchOperation =
  | { readonly op: 'add'; readonly path: string; readonly value: Json }
  | { readonly op: 'remove'; readonly path: string };

/**
 * The patch from the last inputs to the new ones, in whole properties. `add` replaces what is there (RFC 6902
 * section 4.1), so that applying the patch a second time is harmless. Write-only properties are always sent:
 * the cloud cannot read them back to complete the new state.
 */
export function patchOf(before: JsonObject, after: JsonObject, schema: ResourceSchema): PatchOperation[] {
  const writeOnly = new Set(schema.writeOnly.map(([top]) => top));
  const operations: PatchOperation[] = [];
  for (const [name, value] of Object.entries(after)) {
    if (writeOnly.has(name) || !sameValue(before[name], value)) {
      operations.push({ op: 'add', path: pointer(name), value });
    }
  }
  for (const name of Object.keys(before)) {
    if (!Object.hasOwn(after, name) && !writeOnly.has(name)) {
      operations.push({ op: 'remove', path: pointer(name) });
    }
  }
  return operations;
}

/** A name as a JSON Pointer of one segment (RFC 6901). */
function pointer(name: string): string {
  return `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
}

function ref(resource: { key: string; name: string; type: string }, identifier?: string): ResourceRef {
  const { key, name, type } = resource;
  return { key, name, type, ...(identifier !== undefined && { identifier }) };
}
