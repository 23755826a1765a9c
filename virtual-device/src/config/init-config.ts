import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { DeviceError, messageOf } from '../errors.js';
import { parseEndpoint } from './endpoint.js';
import { describeIssues } from './issues.js';

export const NUCLEUS = 'aws.greengrass.Nucleus';
export const CLAIM_PLUGIN = 'aws.greengrass.FleetProvisioningByClaim';

const Text = z.string().min(1);
const Endpoint = Text.refine((text) => parseEndpoint(text, 443) !== undefined, {
  error: 'is not a host or host:port',
});
const Port = z.coerce.number().int().min(1).max(65_535);
const Size = z.coerce.number().int().positive();
const Flag = z.union([z.boolean(), z.stringbool()]);

/** `services.aws.greengrass.Nucleus.configuration`; keys that the device does not use are kept. */
export const NucleusConfiguration = z.looseObject({
  awsRegion: Text.optional(),
  iotDataEndpoint: Endpoint.optional(),
  iotCredEndpoint: Endpoint.optional(),
  iotRoleAlias: Text.optional(),
  /** Attributes of the platform that the device claims beside or in place of its own. */
  platformOverride: z.record(z.string(), z.unknown()).optional(),
  /** Whether recipe variables are also replaced in components' access control policies. */
  interpolateComponentConfiguration: Flag.optional(),
  greengrassDataPlanePort: Port.optional(),
  greengrassDataPlaneEndpoint: Text.optional(),
  mqtt: z
    .looseObject({
      port: Port.optional(),
      version: z.enum(['mqtt5', 'mqtt3']).optional(),
      keepAliveTimeoutMs: Size.optional(),
      sessionExpirySeconds: Size.optional(),
      receiveMaximum: z.coerce.number().int().min(1).max(65_535).optional(),
      maxInFlightPublishes: z.coerce.number().int().min(1).max(100).optional(),
      maxPublishRetry: z.coerce.number().int().min(-1).optional(),
      maxMessageSizeInBytes: Size.optional(),
      minimumReconnectDelaySeconds: Size.optional(),
      maximumReconnectDelaySeconds: Size.optional(),
      spooler: z
        .looseObject({
          storageType: z.enum(['Memory', 'Disk']).optional(),
          maxSizeInBytes: Size.optional(),
          keepQos0WhenOffline: Flag.optional(),
        })
        .optional(),
    })
    .optional(),
  fleetStatus: z.looseObject({ periodicStatusPublishIntervalSeconds: Size.optional() }).optional(),
  logging: z
    .looseObject({
      level: z.string().optional(),
      fileSizeKB: Size.optional(),
      totalLogsSizeKB: Size.optional(),
    })
    .optional(),
});
export type NucleusConfiguration = z.infer<typeof NucleusConfiguration>;

/** `services.aws.greengrass.FleetProvisioningByClaim.configuration`, as the plugin's code reads it. */
const ClaimConfiguration = z.looseObject({
  provisioningTemplate: Text,
  claimCertificatePath: Text,
  claimCertificatePrivateKeyPath: Text,
  rootCaPath: Text,
  iotDataEndpoint: Endpoint,
  rootPath: Text.optional(),
  iotCredentialEndpoint: Endpoint.optional(),
  iotRoleAlias: Text.optional(),
  awsRegion: Text.optional(),
  mqttPort: Port.optional(),
  deviceId: Text.optional(),
  templateParameters: z
    .record(z.string(), z.union([z.string(), z.number(), z.boolean()]).transform(String))
    .default({}),
  csrPath: Text.optional(),
  csrPrivateKeyPath: Text.optional(),
  certificatePath: Text.optional(),
  privateKeyPath: Text.optional(),
});
export type ClaimConfiguration = z.infer<typeof ClaimConfiguration>;

const SystemConfiguration = z.looseObject({
  rootpath: Text.optional(),
  thingName: Text.optional(),
  certificateFilePath: Text.optional(),
  privateKeyPath: Text.optional(),
  rootCaPath: Text.optional(),
  ipcSocketPath: Text.optional(),
});
export type SystemConfiguration = z.infer<typeof SystemConfiguration>;

const InitConfigFile = z.looseObject({
  system: SystemConfiguration.default({}),
  services: z
    .looseObject({
      [NUCLEUS]: z.looseObject({ configuration: NucleusConfiguration.default({}) }).optional(),
      [CLAIM_PLUGIN]: z.looseObject({ configuration: ClaimConfiguration }).optional(),
    })
    .default({}),
});

/** What a core device is told when it is first started, with every path made absolute. */
export interface InitConfig {
  readonly file: string;
  readonly system: SystemConfiguration;
  readonly nucleus: NucleusConfiguration;
  readonly claim?: ClaimConfiguration;
}

/** Keys of the plugin that this device does not honour: saying so beats connecting another way than asked. */
const NOT_BUILT = ['proxyUrl', 'proxyUsername', 'proxyPassword'];

/**
 * Reads the `config.yaml` that the Greengrass nucleus takes with `--init-config`.
 *
 * @throws DeviceError CONFIG_INVALID naming the file and each bad or missing key
 */
export function readInitConfig(path: string): InitConfig {
  const file = resolve(path);
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new DeviceError('CONFIG_INVALID', `The configuration ${file} cannot be read: ${messageOf(error)}`);
  }
  return parseInitConfig(text, file);
}

/** Parses the text of a `config.yaml`; `file` is named in errors, and relative paths are relative to its folder. */
export function parseInitConfig(text: string, file: string): InitConfig {
  let document: unknown;
  try {
    document = parse(text, { logLevel: 'error' });
  } catch (error) {
    const [firstLine] = messageOf(error).split('\n');
    throw new DeviceError('CONFIG_INVALID', `The configuration ${file} is not YAML: ${firstLine}`);
  }
  const result = InitConfigFile.safeParse(withCanonicalRootPath(document ?? {}), { reportInput: true });
  if (!result.success) throw new DeviceError('CONFIG_INVALID', describeIssues(file, result.error.issues));
  const { system, services } = result.data;
  const claim = services[CLAIM_PLUGIN]?.configuration;
  const unsupported = NOT_BUILT.find((key) => claim?.[key] !== undefined);
  if (unsupported) {
    const key = `services.${CLAIM_PLUGIN}.configuration.${unsupported}`;
    throw new DeviceError('CONFIG_INVALID', `${file}: ${key} is set, but proxies are not built.`);
  }
  if (claim && (claim.csrPath === undefined) !== (claim.csrPrivateKeyPath === undefined)) {
    const key = `services.${CLAIM_PLUGIN}.configuration`;
    throw new DeviceError(
      'CONFIG_INVALID',
      `${file}: ${key} needs both csrPath and csrPrivateKeyPath, or neither.`,
    );
  }
  const absolute = (value: string) => resolve(dirname(file), value);
  return {
    file,
    system: mapPaths(system, SYSTEM_PATHS, absolute),
    nucleus: services[NUCLEUS]?.configuration ?? {},
    ...(claim && { claim: mapPaths(claim, CLAIM_PATHS, absolute) }),
  };
}

const SYSTEM_PATHS = [
  'rootpath',
  'certificateFilePath',
  'privateKeyPath',
  'rootCaPath',
  'ipcSocketPath',
] as const;
const CLAIM_PATHS = [
  'claimCertificatePath',
  'claimCertificatePrivateKeyPath',
  'rootCaPath',
  'rootPath',
  'csrPath',
  'csrPrivateKeyPath',
  'certificatePath',
  'privateKeyPath',
] as const;

function mapPaths<Key extends string, Config extends { [key in Key]?: string | undefined }>(
  config: Config,
  keys: readonly Key[],
  absolute: (value: string) => string,
): Config {
  const result = { ...config };
  for (const key of keys) {
    const value = config[key];
    if (value !== undefined) Object.assign(result, { [key]: absolute(value) });
  }
  return result;
}

/** The nucleus reads `system.rootpath` without regard to case; AWS's own examples write it both ways. */
function withCanonicalRootPath(document: unknown): unknown {
  if (!isRecord(document) || !isRecord(document.system)) return document;
  const system = Object.fromEntries(
    Object.entries(document.system).map(([key, value]) => [
      key.toLowerCase() === 'rootpath' ? 'rootpath' : key,
      value,
    ]),
  );
  return { ...document, system };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
