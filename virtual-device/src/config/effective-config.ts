import { existsSync, readFileSync } from 'node:fs';
import { parse, stringify } from 'yaml';
import { z } from 'zod';
import { writeFileDurably } from '../durable-file.js';
import { DeviceError, messageOf } from '../errors.js';
import type { JsonValue } from '../ipc/capabilities.js';
import { NUCLEUS, NucleusConfiguration } from './init-config.js';
import { describeIssues } from './issues.js';

const Json: z.ZodType<JsonValue> = z.json();

/** A component as the effective configuration records it. */
const ComponentRecord = z.object({
  version: z.string(),
  /** `GENERIC`, or `PLUGIN` for what the device has built in. */
  componentType: z.string().default('GENERIC'),
  /** `name:HARD` or `name:SOFT`. */
  dependencies: z.array(z.string()).default([]),
  configuration: Json.default({}),
  /** What a deployment said of the component's user and limits; memory in kilobytes. */
  runWith: z
    .object({
      posixUser: z.string().optional(),
      systemResourceLimits: z
        .object({ memory: z.number().optional(), cpus: z.number().optional() })
        .optional(),
    })
    .optional(),
});
export type ComponentRecord = z.infer<typeof ComponentRecord>;

/** What deployments change: the components, by whose wish they are there, and the nucleus's own configuration. */
export const ComponentSet = z.object({
  nucleus: NucleusConfiguration,
  components: z.record(z.string(), ComponentRecord),
  /** Root components by deployment group, as the nucleus's DeploymentService keeps them. */
  groups: z.record(
    z.string(),
    z.record(z.string(), z.object({ version: z.string(), groupConfigArn: z.string().optional() })),
  ),
  /** The thing groups that the device was in when it last asked, as `thinggroup/<name>`. */
  membership: z.array(z.string()),
  /** The latest deployment of each group; older ones are refused. */
  lastDeployments: z.record(z.string(), z.object({ timestamp: z.number(), configArn: z.string() })),
});
export type ComponentSet = z.infer<typeof ComponentSet>;

const EffectiveConfigFile = ComponentSet.extend({
  system: z.looseObject({
    rootpath: z.string(),
    thingName: z.string().min(1),
    certificateFilePath: z.string(),
    privateKeyPath: z.string(),
    rootCaPath: z.string(),
    ipcSocketPath: z.string().optional(),
  }),
});
export type EffectiveConfig = z.infer<typeof EffectiveConfigFile>;

/**
 * The device's whole configuration as it is in force, in `config/effectiveConfig.yaml`. Each change
 * replaces the file at once, so that a power cut leaves the old or the new set of components.
 */
export class EffectiveConfigStore {
  #current: EffectiveConfig;

  private constructor(
    private readonly path: string,
    private readonly nucleusVersion: string,
    initial: EffectiveConfig,
  ) {
    this.#current = initial;
  }

  /** Opens what an earlier start left; undefined when the device was never provisioned. */
  static open(path: string, nucleusVersion: string): EffectiveConfigStore | undefined {
    if (!existsSync(path)) return undefined;
    let document: unknown;
    try {
      document = fromDocument(parse(readFileSync(path, 'utf8')));
    } catch (error) {
      throw new DeviceError(
        'CONFIG_INVALID',
        `The configuration ${path} cannot be read: ${messageOf(error)}`,
      );
    }
    const result = EffectiveConfigFile.safeParse(document, { reportInput: true });
    if (!result.success) throw new DeviceError('CONFIG_INVALID', describeIssues(path, result.error.issues));
    return new EffectiveConfigStore(path, nucleusVersion, result.data);
  }

  /** Writes a first configuration: from here on the device counts as provisioned. */
  static create(path: string, nucleusVersion: string, initial: EffectiveConfig): EffectiveConfigStore {
    const store = new EffectiveConfigStore(path, nucleusVersion, initial);
    store.replace(initial);
    return store;
  }

  get current(): EffectiveConfig {
    return this.#current;
  }

  /** Puts a new configuration in force, durably; the old one stays in force when that fails. */
  replace(next: EffectiveConfig): void {
    writeFileDurably(this.path, stringify(toDocument(next, this.nucleusVersion)), 0o600);
    this.#current = next;
  }
}

const DEPLOYMENT_SERVICE = 'DeploymentService';
const MAIN = 'main';

function toDocument(config: EffectiveConfig, nucleusVersion: string): unknown {
  return {
    system: config.system,
    services: {
      [NUCLEUS]: { componentType: 'NUCLEUS', version: nucleusVersion, configuration: config.nucleus },
      [DEPLOYMENT_SERVICE]: {
        GroupToRootComponents: config.groups,
        GroupMembership: Object.fromEntries(config.membership.map((group) => [group, true])),
        GroupToLastDeployment: config.lastDeployments,
      },
      [MAIN]: { dependencies: Object.keys(config.components) },
      ...config.components,
    },
  };
}

const Document = z.object({
  system: z.unknown(),
  services: z.looseObject({
    [NUCLEUS]: z.object({ configuration: z.unknown().optional() }).optional(),
    [DEPLOYMENT_SERVICE]: z
      .object({
        GroupToRootComponents: z.unknown().optional(),
        GroupMembership: z.record(z.string(), z.unknown()).optional(),
        GroupToLastDeployment: z.unknown().optional(),
      })
      .optional(),
    [MAIN]: z.unknown().optional(),
  }),
});

function fromDocument(value: unknown): unknown {
  const { system, services } = Document.parse(value);
  const { [NUCLEUS]: nucleus, [DEPLOYMENT_SERVICE]: deployments, [MAIN]: _main, ...components } = services;
  return {
    system,
    nucleus: nucleus?.configuration ?? {},
    groups: deployments?.GroupToRootComponents ?? {},
    membership: Object.keys(deployments?.GroupMembership ?? {}),
    lastDeployments: deployments?.GroupToLastDeployment ?? {},
    components,
  };
}
