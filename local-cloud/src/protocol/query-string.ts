import type { NormalizedSchema } from '@smithy/core/schema';
import { scalarFromText, TimestampFormat } from './scalars.js';

/** Reads a structure from the parameters of an AWS query request (Smithy 2.0, `awsQuery` protocol). */
export function structFromQuery(
  schema: NormalizedSchema,
  parameters: URLSearchParams,
): Record<string, unknown> {
  return readStruct(schema, new Map(parameters), '');
}

function readStruct(
  schema: NormalizedSchema,
  parameters: ReadonlyMap<string, string>,
  prefix: string,
): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  if (!schema.isStructSchema()) return result;
  for (const [name, member] of schema.structIterator()) {
    const value = readValue(member, parameters, prefix + (member.getMemberTraits().xmlName ?? name));
    if (value !== undefined) result[name] = value;
  }
  return result;
}

function readValue(schema: NormalizedSchema, parameters: ReadonlyMap<string, string>, path: string): unknown {
  const traits = schema.getMergedTraits();
  if (schema.isListSchema()) {
    const itemSchema = schema.getValueSchema();
    const base = traits.xmlFlattened ? path : `${path}.${itemSchema.getMergedTraits().xmlName ?? 'member'}`;
    const items = numbered(parameters, base).map((item) => readValue(itemSchema, parameters, item));
    return items.length > 0 || parameters.has(path) ? items : undefined;
  }
  if (schema.isMapSchema()) {
    const keyTag = schema.getKeySchema().getMergedTraits().xmlName ?? 'key';
    const valueTag = schema.getValueSchema().getMergedTraits().xmlName ?? 'value';
    const entries = numbered(parameters, traits.xmlFlattened ? path : `${path}.entry`).map((entry) => [
      parameters.get(`${entry}.${keyTag}`) ?? '',
      readValue(schema.getValueSchema(), parameters, `${entry}.${valueTag}`),
    ]);
    return entries.length > 0 ? Object.fromEntries(entries) : undefined;
  }
  if (schema.isStructSchema()) {
    const present = [...parameters.keys()].some((name) => name.startsWith(`${path}.`));
    return present ? readStruct(schema, parameters, `${path}.`) : undefined;
  }
  const text = parameters.get(path);
  return text === undefined ? undefined : scalarFromText(schema, text, TimestampFormat.dateTime, path);
}

/** The paths `{base}.1`, `{base}.2` and so on that parameters start with, in order of their number. */
function numbered(parameters: ReadonlyMap<string, string>, base: string): string[] {
  const numbers = new Set<number>();
  for (const name of parameters.keys()) {
    if (!name.startsWith(`${base}.`)) continue;
    const number = Number(name.slice(base.length + 1).split('.')[0]);
    if (Number.isInteger(number) && number > 0) numbers.add(number);
  }
  return [...numbers].sort((a, b) => a - b).map((number) => `${base}.${number}`);
}
