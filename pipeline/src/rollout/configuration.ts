import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { z } from 'zod';
import { isObject, JsonObject } from '../deploy/json.js';
import { MooringError } from '../errors.js';

/** What a deployment changes in a component's configuration: first `reset`, then `merge`. */
export interface ConfigurationUpdate {
  readonly merge: JsonObject;
  /** JSON pointers (RFC 6901) of what goes back to the recipe's default. */
  readonly reset: readonly string[];
}

/** A component as `deployment.yaml` has it. */
export interface DeclaredComponent extends ConfigurationUpdate {
  /** For a component that is not the fleet's own: the version to deploy. */
  readonly version: string | undefined;
}

/** Component names (Greengrass API reference, `ComponentDeploymentSpecifications`). */
const ComponentName = z.string().regex(/^[a-zA-Z0-9-_.]{1,128}$/, 'is not the name of a component');
const Pointer = z.string().regex(/^(\/.*)?$/, 'is not a JSON pointer such as /frequency');

const DeploymentFile = z
  .strictObject({
    components: z
      .record(
        ComponentName,
        z
          .strictObject({
            version: z
              .string()
              .regex(/^\d+\.\d+\.\d+/, 'is not a version such as "1.0.0"')
              .optional(),
            merge: JsonObject.default({}),
            reset: z.array(Pointer).default([]),
          })
          .nullable()
          .transform((value) => value ?? { merge: {}, reset: [] }),
      )
      .nullable()
      .default({}),
  })
  .nullable();

/**
 * Reads what a deployment to the fleet holds besides the newest versions of the fleet's own components.
 *
 * @returns component name to declaration.
 * @throws MooringError `InvalidDeploymentFile` naming the file and the first thing that is wrong in it.
 */
export async function readDeploymentFile(file: string): Promise<Record<string, DeclaredComponent>> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    throw new MooringError('InvalidDeploymentFile', `${file} cannot be read (${reason})`);
  }
  return parseDeploymentFile(text, file);
}

/** Parses the text of a `deployment.yaml`; `file` is named in errors. */
export function parseDeploymentFile(text: string, file: string): Record<string, DeclaredComponent> {
  let document: unknown;
  try {
    document = parse(text, { logLevel: 'error' });
  } catch (error) {
    const [line] = String(error instanceof Error ? error.message : error).split('\n');
    throw new MooringError('InvalidDeploymentFile', `${file} is not YAML: ${line}`);
  }
  const parsed = DeploymentFile.safeParse(document ?? {});
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const where = issue?.path.join('.') || 'it';
    throw new MooringError('InvalidDeploymentFile', `${file}: ${where}: ${issue?.message}`);
  }
  return Object.fromEntries(
    Object.entries(parsed.data?.components ?? {}).map(([name, { merge, reset, ...rest }]) => [
      name,
      { version: 'version' in rest ? rest.version : undefined, merge, reset },
    ]),
  );
}

/** Parses `component={"json": "object"}`. @throws MooringError `InvalidMerge` */
export function parseMerge(text: string): { component: string; merge: JsonObject } {
  const { component, value } = split(text, 'InvalidMerge', `docker_led='{"frequency": 2}'`);
  let json: unknown;
  try {
    json = JSON.parse(value);
  } catch {
    json = undefined;
  }
  const parsed = JsonObject.safeParse(json);
  if (!parsed.success) {
    throw new MooringError(
      'InvalidMerge',
      `What is to be merged into ${component} is not a JSON object: ${value}`,
    );
  }
  return { component, merge: parsed.data };
}

/** Parses `component=/pointer`. @throws MooringError `InvalidReset` */
export function parseReset(text: string): { component: string; pointer: string } {
  const { component, value } = split(text, 'InvalidReset', 'docker_led=/frequency');
  if (!Pointer.safeParse(value).success) {
    throw new MooringError('InvalidReset', `"${value}" is not a JSON pointer such as /frequency`);
  }
  return { component, pointer: value };
}

function split(text: string, code: string, example: string): { component: string; value: string } {
  const at = text.indexOf('=');
  const component = text.slice(0, at);
  if (at < 1 || !ComponentName.safeParse(component).success) {
    throw new MooringError(code, `"${text}" does not name a component: write for example ${example}`);
  }
  return { component, value: text.slice(at + 1) };
}

/** One merge on top of another, as the nucleus does it: objects member by member, everything else as a whole. */
export function mergeOver(below: JsonObject, above: JsonObject): JsonObject {
  const merged: Record<string, JsonObject[string]> = { ...below };
  for (const [name, value] of Object.entries(above)) {
    const before = Object.hasOwn(merged, name) ? merged[name] : undefined;
    define(merged, name, isObject(before) && isObject(value) ? mergeOver(before, value) : value);
  }
  return merged;
}

/** A copy without what a JSON pointer names. */
export function without(document: JsonObject, pointer: string): JsonObject {
  const [, ...path] = pointer.split('/').map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
  return path.length === 0 ? {} : removed(document, path);
}

function removed(document: JsonObject, [head = '', ...rest]: readonly string[]): JsonObject {
  if (!Object.hasOwn(document, head)) return document;
  const copy: Record<string, JsonObject[string]> = { ...document };
  const value = copy[head];
  if (rest.length === 0) delete copy[head];
  else if (isObject(value)) define(copy, head, removed(value, rest));
  return copy;
}

/** Sets a member by whatever name; a plain assignment to `__proto__` would be none. */
function define(
  object: Record<string, JsonObject[string]>,
  name: string,
  value: JsonObject[string] | undefined,
): void {
  Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true });
}
