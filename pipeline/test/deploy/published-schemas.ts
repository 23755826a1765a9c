import { readFileSync } from 'node:fs';
import { parseResourceSchema, type ResourceSchema } from '../../src/deploy/resource-schema.js';

/**
 * The schemas that AWS publishes for the types that the infrastructure program uses, without what a deployment
 * does not read (descriptions, patterns, handlers, some properties).
 */
const texts: Readonly<Record<string, object>> = JSON.parse(
  readFileSync(new URL('./resource-schemas.json', import.meta.url), 'utf8'),
);

export const publishedTypes: readonly string[] = Object.keys(texts);

export function publishedSchema(typeName: string): ResourceSchema {
  const text = texts[typeName];
  if (text === undefined) throw new Error(`no schema of ${typeName} is kept for tests`);
  return parseResourceSchema(typeName, JSON.stringify(text));
}
