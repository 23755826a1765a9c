import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import type { ResourceProperties, ResourceSchema } from '../../resource-type.js';

const validators = new WeakMap<ResourceSchema, ValidateFunction>();

/**
 * What a resource's properties violate of its schema, in the words that Cloud Control uses; empty when they
 * are valid.
 *
 * @param mayMiss top-level properties that need not be there although the schema requires them.
 */
export function violations(
  schema: ResourceSchema,
  properties: ResourceProperties,
  mayMiss: ReadonlySet<string> = new Set(),
): string[] {
  let validate = validators.get(schema);
  if (!validate) {
    validate = compile(schema);
    validators.set(schema, validate);
  }
  if (validate(properties)) return [];
  const errors = (validate.errors ?? []).filter(
    ({ keyword, params, instancePath }) =>
      !(keyword === 'required' && instancePath === '' && mayMiss.has(String(params.missingProperty))),
  );
  return [...new Set(errors.map(describe))];
}

/** The parts of a registry schema that say what is valid; the rest is about handling the resource. */
const VALIDATING = [
  'properties',
  'definitions',
  'patternProperties',
  'required',
  'dependencies',
  'minProperties',
  'maxProperties',
  'allOf',
  'anyOf',
  'oneOf',
] as const;

function compile(schema: ResourceSchema): ValidateFunction {
  const ajv = new Ajv({
    allErrors: true,
    // Registry schemas have keywords of their own (insertionOrder, relationshipRef) and formats of none.
    strict: false,
    validateFormats: false,
    logger: false,
    verbose: true,
    code: { regExp: Object.assign(registryPattern, { code: 'registryPattern' }) },
  });
  const parts = VALIDATING.filter((name) => schema[name] !== undefined).map((name) => [name, schema[name]]);
  return ajv.compile({ type: 'object', additionalProperties: false, ...Object.fromEntries(parts) });
}

/** What Java's patterns have and JavaScript's not: character classes (in brackets or not) and anchors. */
const JAVA_PARTS: readonly [java: string, javascript: string][] = [
  ['\\p{Graph}', '\\x21-\\x7e'],
  ['\\p{Print}', '\\x20-\\x7e'],
  ['\\p{Alnum}', 'a-zA-Z0-9'],
  ['\\p{Alpha}', 'a-zA-Z'],
  ['\\p{Punct}', '\\x21-\\x2f\\x3a-\\x40\\x5b-\\x60\\x7b-\\x7e'],
  ['\\p{ASCII}', '\\x00-\\x7f'],
  ['\\A', '^'],
  ['\\Z', '$'],
  ['\\z', '$'],
];

/**
 * A pattern of a registry schema, which is written for Java. One that JavaScript cannot read in any way
 * accepts everything: the service that owns the resource checks its input itself.
 */
export function registryPattern(pattern: string): RegExp {
  const translated = JAVA_PARTS.reduce(
    (text, [java, javascript]) => text.replaceAll(java, javascript),
    pattern,
  );
  for (const [source, flags] of [
    [translated, 'u'],
    [translated, ''],
  ] as const) {
    try {
      return new RegExp(source, flags);
    } catch {
      // The next reading.
    }
  }
  return /(?:)/;
}

function describe({ instancePath, keyword, params, data }: ErrorObject): string {
  const where = `#${instancePath}`;
  switch (keyword) {
    case 'required':
      return `${where}: required key [${params.missingProperty}] not found`;
    case 'additionalProperties':
      return `${where}: extraneous key [${params.additionalProperty}] is not permitted`;
    case 'type':
      return `${where}: expected type: ${[params.type].flat().map(javaTypeName).join(' or ')}, found: ${javaType(data)}`;
    case 'enum':
      return `${where}: ${typeof data === 'string' ? data : JSON.stringify(data)} is not a valid enum value`;
    default:
      return `${where}: failed validation constraint for keyword [${keyword}]`;
  }
}

const JAVA_TYPES: Readonly<Record<string, string>> = {
  object: 'JSONObject',
  array: 'JSONArray',
  string: 'String',
  boolean: 'Boolean',
  integer: 'Integer',
  number: 'Number',
  null: 'Null',
};

function javaTypeName(type: unknown): string {
  return JAVA_TYPES[String(type)] ?? String(type);
}

function javaType(data: unknown): string {
  if (data === null) return javaTypeName('null');
  if (Array.isArray(data)) return javaTypeName('array');
  if (typeof data === 'number') return Number.isInteger(data) ? 'Integer' : 'Double';
  return javaTypeName(typeof data);
}
