import { z } from 'zod';
import { MooringError } from '../errors.js';

/** A node of a type's property tree, as far as the names and the shape of properties go. */
export interface PropertyNode {
  /** Members by CloudFormation name; absent for free-form JSON, maps and scalars. */
  readonly properties?: ReadonlyMap<string, PropertyNode>;
  /** Of an array's elements. */
  readonly items?: PropertyNode;
  /** Of the values of a map, whose keys stand for themselves. */
  readonly values?: PropertyNode;
}

/** What a deployment must know of a CloudFormation resource type (its schema, as `DescribeType` returns it). */
export interface ResourceSchema {
  readonly typeName: string;
  readonly root: PropertyNode;
  /** Paths below the properties, each a list of names; a change of one replaces the resource. */
  readonly createOnly: readonly Path[];
  /** Chosen by the cloud. */
  readonly readOnly: readonly Path[];
  /** Never returned by the cloud. */
  readonly writeOnly: readonly Path[];
  /** In the order in which an identifier joins them with `|`. */
  readonly primaryIdentifier: readonly Path[];
}

/** The names on the way from the properties to one of them; `*` stands for every element of an array. */
export type Path = readonly string[];

/** Finds the schema of a type. */
export type Schemas = (typeName: string) => Promise<ResourceSchema>;

/** The resource type definition schema of CloudFormation, as far as it is read here. */
const Definition = z.object({
  typeName: z.string(),
  properties: z.record(z.string(), z.unknown()),
  definitions: z.record(z.string(), z.unknown()).default({}),
  createOnlyProperties: z.array(z.string()).default([]),
  readOnlyProperties: z.array(z.string()).default([]),
  writeOnlyProperties: z.array(z.string()).default([]),
  primaryIdentifier: z.array(z.string()).min(1),
});

const Node = z.object({
  $ref: z.string().optional(),
  properties: z.record(z.string(), z.unknown()).optional(),
  patternProperties: z.record(z.string(), z.unknown()).optional(),
  items: z.unknown().optional(),
  allOf: z.array(z.unknown()).optional(),
  anyOf: z.array(z.unknown()).optional(),
  oneOf: z.array(z.unknown()).optional(),
});

/**
 * Parses a resource type's schema.
 *
 * @param text the JSON text of `DescribeType`'s `Schema`.
 * @throws MooringError `SchemaMalformed` naming the type.
 */
export function parseResourceSchema(typeName: string, text: string): ResourceSchema {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    json = undefined;
  }
  const parsed = Definition.safeParse(json);
  if (!parsed.success) {
    throw new MooringError(
      'SchemaMalformed',
      `CloudFormation's schema of ${typeName} is not one of a resource type: ${parsed.error.issues[0]?.message}`,
    );
  }
  const { data } = parsed;
  const paths = (pointers: readonly string[]) => pointers.map(toPath);
  return {
    typeName: data.typeName,
    root: new NodeReader(data.definitions).read({ properties: data.properties }),
    createOnly: paths(data.createOnlyProperties),
    readOnly: paths(data.readOnlyProperties),
    writeOnly: paths(data.writeOnlyProperties),
    primaryIdentifier: paths(data.primaryIdentifier),
  };
}

/** `/properties/A/B` to `['A', 'B']`; some schemas also write the `properties` of nested levels. */
function toPath(pointer: string): Path {
  return pointer
    .split('/')
    .slice(1)
    .map((segment) => segment.replaceAll('~1', '/').replaceAll('~0', '~'))
    .filter((segment, index) => index > 0 || segment !== 'properties');
}

/** Reads property trees; a definition that contains itself becomes a cyclic tree. */
class NodeReader {
  readonly #definitions: Readonly<Record<string, unknown>>;
  readonly #byName = new Map<string, PropertyNode>();

  constructor(definitions: Readonly<Record<string, unknown>>) {
    this.#definitions = definitions;
  }

  read(raw: unknown): PropertyNode {
    const parsed = Node.safeParse(raw);
    if (!parsed.success) return {};
    const { $ref, properties, patternProperties, items, allOf, anyOf, oneOf } = parsed.data;
    if ($ref !== undefined) return this.#definition($ref);
    const alternatives = [...(allOf ?? []), ...(anyOf ?? []), ...(oneOf ?? [])].map((one) => this.read(one));
    const members = new Map<string, PropertyNode>();
    for (const alternative of alternatives) {
      for (const [name, node] of alternative.properties ?? []) members.set(name, node);
    }
    for (const [name, node] of Object.entries(properties ?? {})) members.set(name, this.read(node));
    const [pattern] = Object.values(patternProperties ?? {});
    const elements = items === undefined ? alternatives.find((one) => one.items)?.items : this.read(items);
    const values =
      pattern === undefined ? alternatives.find((one) => one.values)?.values : this.read(pattern);
    return {
      ...(members.size > 0 && { properties: members }),
      ...(elements !== undefined && { items: elements }),
      ...(values !== undefined && { values }),
    };
  }

  #definition(ref: string): PropertyNode {
    const name = ref.replace(/^#\/definitions\//, '');
    const known = this.#byName.get(name);
    if (known !== undefined) return known;
    const node: { -readonly [key in keyof PropertyNode]: PropertyNode[key] } = {};
    this.#byName.set(name, node);
    Object.assign(node, this.read(this.#definitions[name]));
    return node;
  }
}
