import { validRange } from 'semver';
import { z } from 'zod';
import { describeIssues } from '../config/issues.js';
import { messageOf } from '../errors.js';
import type { JsonValue, LocalDeploymentRequest } from '../ipc/capabilities.js';
import { isJsonObject, type JsonObject } from '../json.js';
import { normalizeRequirement } from '../recipe/recipe.js';
import { DeploymentError } from './failure.js';

/** The group that the nucleus files local deployments under. */
export const LOCAL_GROUP = 'LOCAL_DEPLOYMENT';
/** What names of groups begin with that are one thing's own. */
export const THING_PREFIX = 'thing/';
export const THING_GROUP_PREFIX = 'thinggroup/';

/** A change of one component's configuration: values at JSON pointers put back to their defaults, then a merge. */
export interface ConfigurationUpdate {
  readonly reset: readonly string[];
  readonly merge: JsonObject;
}

/** As whom, and with how much of the machine, a component runs; memory in kilobytes. */
export interface RunWith {
  readonly posixUser?: string | undefined;
  readonly systemResourceLimits?:
    | { readonly memory?: number | undefined; readonly cpus?: number | undefined }
    | undefined;
}

/** What a deployment asks for, from wherever it came. */
export interface DeploymentDocument {
  readonly deploymentId: string;
  /** Empty for local deployments. */
  readonly configurationArn: string;
  /** `thinggroup/<name>`, `thing/<name>` or {@link LOCAL_GROUP}. */
  readonly group: string;
  /** The group's whole root components, with the version that each is asked for in. */
  readonly roots: Readonly<Record<string, string>>;
  readonly updates: Readonly<Record<string, ConfigurationUpdate>>;
  readonly runWith: Readonly<Record<string, RunWith>>;
  readonly failureHandlingPolicy: 'ROLLBACK' | 'DO_NOTHING';
  readonly notify: boolean;
  /** Milliseconds that components may defer the update. */
  readonly notifyTimeout: number;
  /** Milliseconds that a component has to judge its new configuration. */
  readonly validationTimeout: number;
  readonly requiredCapabilities: readonly string[];
  /** Milliseconds since 1970; undefined when the document does not say. */
  readonly createdAt: number | undefined;
}

/** What the nucleus can do of what documents may require. */
const CAPABILITIES = ['LARGE_CONFIGURATION', 'LINUX_RESOURCE_LIMITS', 'SUB_DEPLOYMENTS'];

const Json: z.ZodType<JsonValue> = z.json();
const JsonObjectSchema: z.ZodType<JsonObject> = z.record(z.string(), z.json());

const RunWithSchema = z.object({
  posixUser: z.string().optional(),
  systemResourceLimits: z
    .object({ memory: z.number().positive().optional(), cpus: z.number().positive().optional() })
    .nullish()
    .transform((limits) => limits ?? undefined),
});

const CloudDocument = z.object({
  deploymentId: z.string().min(1),
  configurationArn: z.string().min(1),
  creationTimestamp: z.number().nullish(),
  requiredCapabilities: z.array(z.string()).nullish(),
  failureHandlingPolicy: z.enum(['ROLLBACK', 'DO_NOTHING']).nullish(),
  componentUpdatePolicy: z
    .object({
      timeout: z.number().nonnegative().nullish(),
      action: z.enum(['NOTIFY_COMPONENTS', 'SKIP_NOTIFY_COMPONENTS']).nullish(),
    })
    .nullish(),
  configurationValidationPolicy: z.object({ timeout: z.number().nonnegative().nullish() }).nullish(),
  components: z
    .record(
      z.string(),
      z.object({
        version: z.string().optional(),
        runWith: RunWithSchema.nullish(),
        configurationUpdate: z
          .object({
            merge: JsonObjectSchema.nullish(),
            reset: z.array(z.string()).nullish(),
          })
          .nullish(),
      }),
    )
    .nullish(),
});

/** Seconds, as AWS documents the defaults of `CreateDeployment`. */
const NOTIFY_TIMEOUT = 60;
const VALIDATION_TIMEOUT = 30;

/**
 * Parses the document of a deployment from the cloud, as an IoT job or the deployment shadow carries it.
 *
 * @throws DeploymentError when it is malformed or requires what this nucleus cannot do
 */
export function parseCloudDocument(text: string): DeploymentDocument {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new DeploymentError(
      ['DEPLOYMENT_DOCUMENT_NOT_VALID', 'DEPLOYMENT_DOCUMENT_PARSE_ERROR'],
      `The deployment's document is not JSON: ${messageOf(error)}.`,
      ['CLOUD_SERVICE_ERROR'],
    );
  }
  const result = CloudDocument.safeParse(value, { reportInput: true });
  if (!result.success) {
    throw new DeploymentError(
      ['DEPLOYMENT_DOCUMENT_NOT_VALID', 'DEPLOYMENT_DOCUMENT_PARSE_ERROR'],
      describeIssues('the deployment document', result.error.issues),
      ['CLOUD_SERVICE_ERROR'],
    );
  }
  const document = result.data;
  requireCapabilities(document.requiredCapabilities ?? []);
  const components = Object.entries(document.components ?? {});
  const policy = document.componentUpdatePolicy;
  return {
    deploymentId: document.deploymentId,
    configurationArn: document.configurationArn,
    group: groupOf(document.configurationArn),
    roots: Object.fromEntries(
      components.map(([name, { version }]) => [name, checkedRequirement(name, version ?? '*')]),
    ),
    updates: Object.fromEntries(
      components.flatMap(([name, { configurationUpdate: update }]) =>
        update ? [[name, { reset: update.reset ?? [], merge: update.merge ?? {} }]] : [],
      ),
    ),
    runWith: Object.fromEntries(
      components.flatMap(([name, { runWith }]) => (runWith ? [[name, runWith]] : [])),
    ),
    failureHandlingPolicy: document.failureHandlingPolicy ?? 'ROLLBACK',
    notify: policy?.action !== 'SKIP_NOTIFY_COMPONENTS',
    notifyTimeout: (policy?.timeout ?? NOTIFY_TIMEOUT) * 1000,
    validationTimeout: (document.configurationValidationPolicy?.timeout ?? VALIDATION_TIMEOUT) * 1000,
    requiredCapabilities: document.requiredCapabilities ?? [],
    createdAt: document.creationTimestamp ?? undefined,
  };
}

/** Whether a document only says where the whole one is to be got. */
export function isLargeDocument(document: DeploymentDocument): boolean {
  return document.requiredCapabilities.includes('LARGE_CONFIGURATION');
}

/**
 * The document of a local deployment: the roots that its group has, changed as asked.
 *
 * @param current the group's root components, with their versions
 * @throws DeploymentError
 */
export function localDocument(
  deploymentId: string,
  request: LocalDeploymentRequest,
  current: Readonly<Record<string, string>>,
  createdAt: number,
): DeploymentDocument {
  const roots = { ...current };
  for (const name of request.rootComponentsToRemove ?? []) delete roots[name];
  for (const [name, version] of Object.entries(request.rootComponentVersionsToAdd ?? {})) {
    roots[name] = checkedRequirement(name, version);
  }
  return {
    deploymentId,
    configurationArn: '',
    group: localGroup(request),
    roots,
    updates: Object.fromEntries(
      Object.entries(request.componentToConfiguration ?? {}).map(([name, update]) => [
        name,
        parseUpdate(name, update),
      ]),
    ),
    runWith: request.componentToRunWithInfo ?? {},
    failureHandlingPolicy: request.failureHandlingPolicy ?? 'ROLLBACK',
    // As the nucleus, which does not slow local deployments down by asking.
    notify: false,
    notifyTimeout: NOTIFY_TIMEOUT * 1000,
    validationTimeout: VALIDATION_TIMEOUT * 1000,
    requiredCapabilities: [],
    createdAt,
  };
}

/** The group that a local deployment changes. */
export function localGroup(request: LocalDeploymentRequest): string {
  if (request.groupName === undefined) return LOCAL_GROUP;
  return request.groupName.startsWith(THING_GROUP_PREFIX)
    ? request.groupName
    : `${THING_GROUP_PREFIX}${request.groupName}`;
}

const LocalUpdate = z.strictObject({
  MERGE: z.record(z.string(), Json).optional(),
  RESET: z.array(z.string()).optional(),
});

/**
 * Parses `{"MERGE": {…}, "RESET": ["/pointer"]}`, its keys in any case.
 *
 * @throws DeploymentError
 */
export function parseUpdate(component: string, update: JsonValue): ConfigurationUpdate {
  const parsed = LocalUpdate.safeParse(
    isJsonObject(update)
      ? Object.fromEntries(Object.entries(update).map(([key, value]) => [key.toUpperCase(), value]))
      : update,
  );
  if (!parsed.success) {
    throw new DeploymentError(
      ['DEPLOYMENT_DOCUMENT_NOT_VALID'],
      `The configuration update of ${component} must be {"MERGE": {…}, "RESET": ["/json/pointer"]}.`,
      ['REQUEST_ERROR'],
    );
  }
  return { reset: parsed.data.RESET ?? [], merge: parsed.data.MERGE ?? {} };
}

/** `…:configuration:thinggroup/<name>:<revision>` is of the group `thinggroup/<name>`. */
function groupOf(configurationArn: string): string {
  return (
    /:configuration:((?:thinggroup|thing)\/[^:]*(?::[^:]+)*?)(?::\d+)?$/.exec(configurationArn)?.[1] ??
    configurationArn
  );
}

function checkedRequirement(component: string, version: string): string {
  const range = normalizeRequirement(version);
  if (validRange(range) !== null) return version;
  throw new DeploymentError(
    ['DEPLOYMENT_DOCUMENT_NOT_VALID', 'COMPONENT_METADATA_NOT_VALID_IN_DEPLOYMENT'],
    `The deployment asks for ${component} in version ${version}, which is no version range.`,
    ['REQUEST_ERROR'],
  );
}

function requireCapabilities(required: readonly string[]): void {
  const missing = required.filter((capability) => !CAPABILITIES.includes(capability));
  if (missing.length === 0) return;
  throw new DeploymentError(
    ['NUCLEUS_MISSING_REQUIRED_CAPABILITIES'],
    `The deployment requires what this nucleus cannot do: ${missing.join(', ')}.`,
  );
}
