import { MooringError } from '../errors.js';
import { isObject, type JsonObject, type Value, type ValueObject } from './json.js';
import type { PropertyNode, ResourceSchema } from './resource-schema.js';

/**
 * The name that `@pulumi/aws-native` gives to a CloudFormation property: camel case in which an abbreviation
 * counts as one word (`SSEAlgorithm` is `sseAlgorithm`, `PrincipalOrgID` is `principalOrgId`).
 */
export function sdkName(property: string): string {
  const words = property.replace(/[A-Z]{2,}/g, (run: string, offset: number) => {
    const next = property[offset + run.length];
    const atEnd = next === undefined || !/[a-z]/.test(next);
    const kept = atEnd ? run.slice(1) : run.slice(1, -1);
    return run[0] + kept.toLowerCase() + (atEnd ? '' : run.slice(-1));
  });
  return words.charAt(0).toLowerCase() + words.slice(1);
}

/**
 * Turns the arguments of an `aws-native` resource into CloudFormation properties. Names change where the
 * schema names properties; free-form JSON and the keys of maps are left as they are.
 *
 * @throws MooringError `UnknownProperty` when the type has no such property.
 */
export function toCloudFormation(args: ValueObject, schema: ResourceSchema): ValueObject {
  return rename(args, schema.root, (node) => invert(node, schema.typeName), schema.typeName);
}

/** The other way round: what the cloud tells of a resource, as `aws-native` outputs. */
export function toOutputs(properties: JsonObject, schema: ResourceSchema): JsonObject {
  const outputs = rename(properties, schema.root, () => (name) => sdkName(name), schema.typeName);
  // Pulumi keeps `id` for its own identifier.
  if (!Object.hasOwn(outputs, 'id')) return outputs as JsonObject;
  const { id, ...others } = outputs as JsonObject;
  return id === undefined ? others : { ...others, awsId: id };
}

type Renaming = (node: PropertyNode) => (name: string) => string;

function rename(object: ValueObject, node: PropertyNode, renaming: Renaming, typeName: string): ValueObject {
  return Object.fromEntries(
    Object.entries(object).map(([name, value]) => {
      const renamed = renaming(node)(name);
      const child = node.properties?.get(renamed) ?? node.properties?.get(name);
      return [renamed, renameValue(value, child ?? {}, renaming, typeName)];
    }),
  );
}

function renameValue(value: Value, node: PropertyNode, renaming: Renaming, typeName: string): Value {
  if (Array.isArray(value)) {
    return value.map((item: Value) => renameValue(item, node.items ?? {}, renaming, typeName));
  }
  if (!isObject(value)) return value;
  if (node.properties !== undefined) return rename(value, node, renaming, typeName);
  const { values } = node;
  if (values === undefined) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => [key, renameValue(one, values, renaming, typeName)]),
  );
}

const inverted = new WeakMap<PropertyNode, ReadonlyMap<string, string>>();

function invert(node: PropertyNode, typeName: string): (name: string) => string {
  let names = inverted.get(node);
  if (names === undefined) {
    names = new Map([...(node.properties?.keys() ?? [])].map((property) => [sdkName(property), property]));
    inverted.set(node, names);
  }
  const known = names;
  return (name) => {
    const property = known.get(name);
    if (property === undefined) {
      throw new MooringError(
        'UnknownProperty',
        `${typeName} has no property for "${name}" in CloudFormation's schema`,
      );
    }
    return property;
  };
}
