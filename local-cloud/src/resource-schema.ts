import { readFileSync } from 'node:fs';
import type { ResourceSchema } from './resource-type.js';

/** Where the published schemas are: the same way up from `src` as from `dist`. */
const DIRECTORY = new URL('../schemas/', import.meta.url);

const loaded = new Map<string, ResourceSchema>();

/**
 * The schema of a resource type as the CloudFormation registry publishes it.
 *
 * @param typeName for example `AWS::IoT::ThingGroup`; there has to be a file for it in `schemas/`.
 */
export function loadResourceSchema(typeName: string): ResourceSchema {
  let schema = loaded.get(typeName);
  if (!schema) {
    const file = new URL(`${typeName.toLowerCase().replaceAll('::', '-')}.json`, DIRECTORY);
    schema = JSON.parse(readFileSync(file, 'utf8')) as ResourceSchema;
    loaded.set(typeName, schema);
  }
  return schema;
}
