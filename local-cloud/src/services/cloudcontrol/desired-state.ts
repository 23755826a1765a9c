import { InvalidRequestException, NotUpdatableException } from '@aws-sdk/client-cloudcontrol';
import { AwsError } from '../../errors.js';
import type { ResourceProperties, ResourceSchema } from '../../resource-type.js';
import { applyPatch, PatchError, parsePatch } from './json-patch.js';
import { violations } from './model-validation.js';
import { pathsChanged, pathsPresent, topProperty, withoutPaths } from './property-paths.js';

/**
 * The desired state of a resource that is to be created, checked against the schema of its type.
 *
 * @throws AwsError `ValidationException`; InvalidRequestException for properties that cannot be given.
 */
export function desiredState(schema: ResourceSchema, text: string): ResourceProperties {
  const desired = parseModel(text, 'DesiredState');
  const readOnly = pathsPresent(desired, schema.readOnlyProperties);
  if (readOnly.length > 0) {
    throw new InvalidRequestException({
      message: `Invalid desired state: readOnlyProperties [${readOnly.join(', ')}] cannot be specified`,
      $metadata: {},
    });
  }
  refuse(violations(schema, desired));
  return desired;
}

/**
 * The state that a patch document asks for, made from the current one: without read-only properties, and with
 * only those write-only properties that the patch sets, as the current ones cannot be read.
 *
 * @param current as the resource's handler reads it.
 * @throws NotUpdatableException when the patch changes a create-only property; AwsError `ValidationException`
 * when it is malformed, does not fit, changes a read-only property or makes an invalid state.
 */
export function patchedState(
  schema: ResourceSchema,
  current: ResourceProperties,
  patchDocument: string,
): ResourceProperties {
  const before = withoutPaths(current, schema.writeOnlyProperties);
  let after: unknown;
  try {
    after = applyPatch(before, parsePatch(patchDocument));
  } catch (error) {
    if (error instanceof PatchError)
      throw new AwsError('ValidationException', `Invalid patch update: ${error.message}`);
    throw error;
  }
  const patched = modelOf(after, 'The patched state');
  const createOnly = pathsChanged(before, patched, schema.createOnlyProperties);
  if (createOnly.length > 0) {
    throw new NotUpdatableException({
      message: `Invalid patch update: createOnlyProperties [${createOnly.join(', ')}] cannot be updated`,
      $metadata: {},
    });
  }
  const readOnly = pathsChanged(before, patched, schema.readOnlyProperties);
  if (readOnly.length > 0) {
    throw new AwsError(
      'ValidationException',
      `Invalid patch update: readOnlyProperties [${readOnly.join(', ')}] cannot be updated`,
    );
  }
  const desired = withoutPaths(patched, schema.readOnlyProperties);
  refuse(violations(schema, desired, new Set(schema.writeOnlyProperties?.map(topProperty))));
  return desired;
}

/** Properties given as JSON text. @throws AwsError `ValidationException` when they are none. */
export function parseModel(text: string, what: string): ResourceProperties {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch {
    throw new AwsError('ValidationException', `${what} is not valid JSON`);
  }
  return modelOf(data, what);
}

function modelOf(data: unknown, what: string): ResourceProperties {
  if (typeof data === 'object' && data !== null && !Array.isArray(data)) return data as ResourceProperties;
  throw new AwsError('ValidationException', `${what} is not a JSON object`);
}

function refuse(problems: readonly string[]): void {
  if (problems.length === 0) return;
  throw new AwsError('ValidationException', `Model validation failed (${problems.join('\n')})`);
}
