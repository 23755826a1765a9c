import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { AwsError } from './errors.js';
import type { ResourceProperties } from './resource-type.js';

/**
 * Reads the properties that somebody wants a resource to have; those that `schema` does not name are refused,
 * so that nothing is accepted and then not done.
 *
 * @throws AwsError `InvalidRequest` that names the property.
 */
export function parseProperties<Schema extends z.ZodType>(
  typeName: string,
  schema: Schema,
  desired: ResourceProperties,
): z.infer<Schema> {
  const result = schema.safeParse(desired);
  if (result.success) return result.data;
  const problems = result.error.issues.map((issue) => {
    const path = issue.path.join('/');
    if (issue.code === 'unrecognized_keys') {
      const names = issue.keys.map((name) => (path === '' ? name : `${path}/${name}`));
      return `${names.join(', ')} of ${typeName} is not built in the local cloud`;
    }
    return `${path} of ${typeName}: ${issue.message}`;
  });
  throw new AwsError('InvalidRequest', problems.join('; '));
}

/** A policy document: an object, or its JSON text. */
export const policyDocumentSchema = z.union([z.string(), z.record(z.string(), z.unknown())]);

/** The JSON text of a document that may be given as an object. */
export function documentText(document: z.infer<typeof policyDocumentSchema>): string {
  return typeof document === 'string' ? document : JSON.stringify(document);
}

export const tagsSchema = z.array(z.strictObject({ Key: z.string(), Value: z.string().default('') }));

/** A name for a resource whose maker gave none: `prefix` and 12 random lower-case characters. */
export function generatedName(prefix: string): string {
  const alphabet = 'abcdefghijklmnopqrstuvwxyz234567';
  return `${prefix}-${Array.from(randomBytes(12), (byte) => alphabet[byte % 32]).join('')}`;
}
