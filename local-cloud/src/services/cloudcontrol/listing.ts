import { InvalidRequestException, type ResourceDescription } from '@aws-sdk/client-cloudcontrol';
import { z } from 'zod';
import { readToken, writeToken } from '../../paging.js';
import type { ResourceProperties, ResourceType } from '../../resource-type.js';
import { handlerException } from './handler-errors.js';
import { jsonEquals } from './json-patch.js';
import { withoutPaths } from './property-paths.js';

/** The part of a schema that names what a list request has to be narrowed by, such as a function's name. */
const listHandler = z.object({
  handlers: z.object({ list: z.object({ handlerSchema: z.object({ required: z.array(z.string()) }) }) }),
});

/** A page of a type's resources, in order of their identifiers; those without `model`'s properties are left out. */
export async function listPage(
  type: ResourceType,
  model: ResourceProperties,
  { MaxResults = 20, NextToken }: { MaxResults?: number; NextToken?: string },
): Promise<{ ResourceDescriptions: ResourceDescription[]; NextToken?: string }> {
  const narrowing = requiredModel(type, model);
  const size = Math.min(Math.max(MaxResults, 1), 100);
  const after = readToken(
    NextToken,
    () => new InvalidRequestException({ message: 'Invalid NextToken', $metadata: {} }),
  );
  try {
    const identifiers = [...(await type.list())].sort().filter((id) => after === undefined || id > after);
    const descriptions: ResourceDescription[] = [];
    for (const identifier of identifiers) {
      const properties = await type.read(identifier);
      // Deleted since the list was made.
      if (!properties) continue;
      if (!narrowing.every((name) => jsonEquals(properties[name], model[name]))) continue;
      if (descriptions.length === size) {
        return {
          ResourceDescriptions: descriptions,
          NextToken: writeToken(descriptions.at(-1)?.Identifier ?? ''),
        };
      }
      descriptions.push({
        Identifier: identifier,
        Properties: JSON.stringify(withoutPaths(properties, type.schema.writeOnlyProperties)),
      });
    }
    return { ResourceDescriptions: descriptions };
  } catch (error) {
    throw handlerException(error);
  }
}

/** The names of the properties that a list of this type is narrowed by. */
function requiredModel(type: ResourceType, model: ResourceProperties): readonly string[] {
  const parsed = listHandler.safeParse(type.schema);
  if (!parsed.success) return [];
  const { required } = parsed.data.handlers.list.handlerSchema;
  const missing = required.filter((name) => model[name] === undefined);
  if (missing.length === 0) return required;
  const words = missing.map((name) => `#: required key [${name}] not found`).join(', ');
  throw new InvalidRequestException({
    message: `Missing or invalid ResourceModel property in ${type.typeName} list handler request input. Required property: [${words}]`,
    $metadata: {},
  });
}
