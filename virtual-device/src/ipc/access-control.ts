/**
 * Authorization of IPC operations by each component's `accessControl` configuration: service identifier,
 * policy id, then operations and resources. Whatever no policy allows is refused.
 */
import { IpcError, type IpcLog, type IpcPrincipal } from './capabilities.js';
import { MODEL_NAMESPACE, principalName } from './operation.js';
import {
  compileResource,
  type ResourceMatcher,
  ResourcePatternError,
  type ResourceStyle,
} from './resource-pattern.js';

/** Service identifiers of policies that this server enforces, what they cover, and how resources match. */
const SERVICES = {
  'aws.greengrass.ipc.pubsub': {
    style: 'standard',
    operations: ['PublishToTopic', 'SubscribeToTopic'],
  },
  'aws.greengrass.ipc.mqttproxy': {
    style: 'mqtt',
    operations: ['PublishToIoTCore', 'SubscribeToIoTCore'],
  },
  'aws.greengrass.ipc.componentmetric': {
    style: 'standard',
    operations: ['PutComponentMetric'],
  },
  'aws.greengrass.Cli': {
    style: 'standard',
    operations: [
      'CreateLocalDeployment',
      'ListLocalDeployments',
      'GetLocalDeploymentStatus',
      'ListComponents',
      'GetComponentDetails',
      'RestartComponent',
      'StopComponent',
      'CreateDebugPassword',
    ],
  },
} as const satisfies Record<string, { style: ResourceStyle; operations: readonly string[] }>;

export type AuthorizedService = keyof typeof SERVICES;

interface Permission {
  readonly service: AuthorizedService;
  readonly operations: ReadonlySet<string>;
  readonly resources: readonly ResourceMatcher[];
}

/** Every answer follows the configuration as it is at that moment. */
export class AccessControl {
  readonly #parsed = new Map<
    string,
    { readonly source: string; readonly permissions: readonly Permission[] }
  >();

  constructor(
    private readonly accessControlOf: (componentName: string) => unknown,
    private readonly log: IpcLog,
  ) {}

  /**
   * @param operation with namespace, as in policies
   * @throws IpcError `UnauthorizedError` with the nucleus's sentence, which is logged too
   */
  authorize(principal: IpcPrincipal, service: AuthorizedService, operation: string, resource: string): void {
    if (this.#isAllowed(principal, service, operation, resource)) return;
    const name = principalName(principal);
    const sentence = `Principal ${name} is not authorized to perform ${service}:${operation} on resource ${resource}`;
    this.log('warn', sentence, { principal: name, service, operation, resource });
    // The MQTT proxy of the nucleus tells its client no more than this.
    throw new IpcError(
      'UnauthorizedError',
      service === 'aws.greengrass.ipc.mqttproxy' ? 'Not Authorized' : sentence,
    );
  }

  #isAllowed(
    principal: IpcPrincipal,
    service: AuthorizedService,
    operation: string,
    resource: string,
  ): boolean {
    if (!('componentName' in principal)) return service === 'aws.greengrass.Cli';
    return this.#permissionsOf(principal.componentName).some(
      (permission) =>
        permission.service === service &&
        (permission.operations.has('*') || permission.operations.has(operation)) &&
        permission.resources.some((matches) => matches(resource)),
    );
  }

  #permissionsOf(componentName: string): readonly Permission[] {
    const configured = this.accessControlOf(componentName);
    const source = JSON.stringify(configured) ?? '';
    const known = this.#parsed.get(componentName);
    if (known?.source === source) return known.permissions;
    const permissions = this.#parse(componentName, configured);
    this.#parsed.set(componentName, { source, permissions });
    return permissions;
  }

  #parse(componentName: string, configured: unknown): readonly Permission[] {
    if (configured === undefined || configured === null) return [];
    const warn = (problem: string) =>
      this.log('error', `The accessControl of ${componentName}: ${problem}`, { componentName });
    const permissions: Permission[] = [];
    try {
      for (const [service, policies] of entriesOf(fromText(configured), 'it')) {
        for (const [policyId, policy] of entriesOf(policies, service)) {
          const permission = parsePolicy(service, policyId, policy, warn);
          if (permission !== undefined) permissions.push(permission);
        }
      }
    } catch (error) {
      if (!(error instanceof PolicyShapeError)) throw error;
      // The nucleus too takes all of a component's policies or, when one is malformed, none.
      warn(`${error.message}, so none of its policies are in force`);
      return [];
    }
    return permissions;
  }
}

class PolicyShapeError extends Error {
  override readonly name = 'PolicyShapeError';
}

function parsePolicy(
  service: string,
  policyId: string,
  policy: unknown,
  warn: (problem: string) => void,
): Permission | undefined {
  const members = new Map(
    entriesOf(policy, policyId).map(([member, value]) => [member.toLowerCase(), value] as const),
  );
  for (const member of members.keys()) {
    if (!['operations', 'resources', 'policydescription'].includes(member)) {
      throw new PolicyShapeError(`the policy ${policyId} has the unknown member "${member}"`);
    }
  }
  const operations = stringsOf(members.get('operations'), `operations of the policy ${policyId}`);
  const resources = stringsOf(members.get('resources'), `resources of the policy ${policyId}`);
  if (!isService(service)) {
    warn(`${service} of the policy ${policyId} is no service of this device; the policy is ignored`);
    return undefined;
  }
  const { style, operations: known } = SERVICES[service];
  for (const operation of operations) {
    if (operation !== '*' && !known.some((name) => MODEL_NAMESPACE + name === operation)) {
      warn(`the operation ${operation} of the policy ${policyId} is none of ${service}`);
    }
  }
  if (operations.length === 0) warn(`the policy ${policyId} names no operations; it is ignored`);
  const matchers: ResourceMatcher[] = [];
  for (const resource of resources) {
    try {
      matchers.push(compileResource(resource, style));
    } catch (error) {
      if (!(error instanceof ResourcePatternError)) throw error;
      warn(`the resource "${resource}" of the policy ${policyId} is ignored: ${error.message}`);
    }
  }
  return { service, operations: new Set(operations), resources: matchers };
}

function isService(name: string): name is AuthorizedService {
  return Object.hasOwn(SERVICES, name);
}

/** The configuration may hold the whole of it as JSON text. */
function fromText(configured: unknown): unknown {
  if (typeof configured !== 'string') return configured;
  try {
    return JSON.parse(configured);
  } catch {
    throw new PolicyShapeError('it is text but not JSON');
  }
}

function entriesOf(value: unknown, what: string): readonly (readonly [string, unknown])[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new PolicyShapeError(`${what} is not a map`);
  }
  return Object.entries(value);
}

function stringsOf(value: unknown, what: string): readonly string[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value) || !value.every((item): item is string => typeof item === 'string')) {
    throw new PolicyShapeError(`the ${what} are not a list of strings`);
  }
  return value;
}
