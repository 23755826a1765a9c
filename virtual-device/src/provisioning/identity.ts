import { accessSync, constants, existsSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Clock } from '../clock.js';
import { EffectiveConfigStore } from '../config/effective-config.js';
import type { ClaimConfiguration, InitConfig, NucleusConfiguration } from '../config/init-config.js';
import { removeDurably } from '../durable-file.js';
import { DeviceError, messageOf } from '../errors.js';
import { makeFolder } from '../folder.js';
import type { Layout } from '../layout.js';
import type { Log } from '../log/device-log.js';
import { provisionByClaim } from './claim.js';
import { readStaged } from './staged.js';

export interface IdentityOptions {
  readonly layout: Layout;
  readonly initConfig: InitConfig | undefined;
  readonly nucleusVersion: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
  /** Told when a claim has just been turned into an identity. */
  readonly onProvisioned: (thingName: string, certificateId: string) => void;
}

/**
 * Makes sure that the device has an identity: the one it has, the one that `config.yaml` gives it, or a
 * new one by claim. The effective configuration is written last, and is what makes the device
 * provisioned; the claim's files and whatever was staged are removed after it, now or at the next start.
 *
 * @throws DeviceError NOT_PROVISIONED when there is neither an identity nor a way to get one, and what
 *   {@link provisionByClaim} throws
 */
export async function obtainIdentity(options: IdentityOptions): Promise<EffectiveConfigStore> {
  const { layout, initConfig, nucleusVersion } = options;
  const existing = EffectiveConfigStore.open(layout.effectiveConfig, nucleusVersion);
  if (existing) {
    refresh(existing, initConfig);
    tidyUp(layout);
    return existing;
  }
  if (!initConfig) {
    throw new DeviceError(
      'NOT_PROVISIONED',
      `The device in ${layout.root} is not provisioned; start it with --init-config FILE.`,
    );
  }
  const { system, nucleus, claim } = initConfig;
  if (system.thingName !== undefined) return adopt(options, initConfig);
  if (!claim) {
    throw new DeviceError(
      'CONFIG_INVALID',
      `${initConfig.file}: system.thingName is missing, and so is services.aws.greengrass.FleetProvisioningByClaim.`,
    );
  }
  const merged = nucleusOf(nucleus, claim);
  requireKeys(initConfig.file, merged);
  const certificatePath = claim.certificatePath ?? layout.certificate;
  const privateKeyPath = claim.privateKeyPath ?? layout.privateKey;
  // Before the cloud is asked for a certificate that could not be kept.
  for (const [key, path] of Object.entries({ certificatePath, privateKeyPath })) {
    requireWritable(initConfig.file, key, dirname(path));
  }
  const { thingName, certificateId } = await provisionByClaim({
    claim,
    layout,
    certificatePath,
    privateKeyPath,
    version: merged.mqtt?.version ?? 'mqtt5',
    clock: options.clock,
    log: options.log,
    signal: options.signal,
  });
  const store = EffectiveConfigStore.create(layout.effectiveConfig, nucleusVersion, {
    system: {
      ...system,
      rootpath: layout.root,
      thingName,
      certificateFilePath: certificatePath,
      privateKeyPath,
      rootCaPath: claim.rootCaPath,
    },
    nucleus: merged,
    components: {},
    groups: {},
    membership: [],
    lastDeployments: {},
  });
  tidyUp(layout);
  options.log('info', `Provisioned as ${thingName} with certificate ${certificateId}`);
  options.onProvisioned(thingName, certificateId);
  return store;
}

/** A device whose thing, certificate and key were made for it beforehand. */
function adopt(options: IdentityOptions, initConfig: InitConfig): EffectiveConfigStore {
  const { layout, nucleusVersion } = options;
  const { system, nucleus, file } = initConfig;
  const { thingName, certificateFilePath, privateKeyPath, rootCaPath } = system;
  const missing = Object.entries({ thingName, certificateFilePath, privateKeyPath, rootCaPath }).find(
    ([, value]) => value === undefined,
  );
  if (!thingName || !certificateFilePath || !privateKeyPath || !rootCaPath) {
    throw new DeviceError('CONFIG_INVALID', `${file}: system.${missing?.[0]} is missing.`);
  }
  for (const [key, path] of Object.entries({ certificateFilePath, privateKeyPath, rootCaPath })) {
    if (!existsSync(path))
      throw new DeviceError('CONFIG_INVALID', `${file}: system.${key} ${path} is not there.`);
  }
  requireKeys(file, nucleus);
  return EffectiveConfigStore.create(layout.effectiveConfig, nucleusVersion, {
    system: { ...system, rootpath: layout.root, thingName, certificateFilePath, privateKeyPath, rootCaPath },
    nucleus,
    components: {},
    groups: {},
    membership: [],
    lastDeployments: {},
  });
}

/** What `config.yaml` says of the nucleus now wins over what it said at an earlier start. */
function refresh(store: EffectiveConfigStore, initConfig: InitConfig | undefined): void {
  if (!initConfig) return;
  const { current } = store;
  const told = nucleusOf(initConfig.nucleus, initConfig.claim);
  const { port: oldPort, ...mqtt } = { ...current.nucleus.mqtt, ...told.mqtt };
  // A port belongs to its endpoint: an endpoint told anew does not keep the old one's port.
  const port = told.iotDataEndpoint === undefined ? oldPort : told.mqtt?.port;
  const nucleus = { ...current.nucleus, ...told, mqtt: { ...mqtt, ...(port !== undefined && { port }) } };
  const rootCaPath =
    initConfig.system.rootCaPath ?? initConfig.claim?.rootCaPath ?? current.system.rootCaPath;
  const next = { ...current, nucleus, system: { ...current.system, rootCaPath } };
  if (JSON.stringify(next) !== JSON.stringify(current)) store.replace(next);
}

/** The nucleus's configuration with what the provisioning plugin's parameters add to it. */
function nucleusOf(
  nucleus: NucleusConfiguration,
  claim: ClaimConfiguration | undefined,
): NucleusConfiguration {
  if (!claim) return nucleus;
  const { mqttPort } = claim;
  return {
    ...nucleus,
    ...optional('awsRegion', nucleus.awsRegion ?? claim.awsRegion),
    iotDataEndpoint: nucleus.iotDataEndpoint ?? claim.iotDataEndpoint,
    ...optional('iotCredEndpoint', nucleus.iotCredEndpoint ?? claim.iotCredentialEndpoint),
    ...optional('iotRoleAlias', nucleus.iotRoleAlias ?? claim.iotRoleAlias),
    ...(mqttPort !== undefined &&
      nucleus.mqtt?.port === undefined && { mqtt: { ...nucleus.mqtt, port: mqttPort } }),
  };
}

function optional(key: 'awsRegion' | 'iotCredEndpoint' | 'iotRoleAlias', value: string | undefined) {
  return value === undefined ? {} : { [key]: value };
}

function requireKeys(file: string, nucleus: NucleusConfiguration): void {
  for (const key of ['awsRegion', 'iotDataEndpoint'] as const) {
    if (nucleus[key] === undefined) {
      const path = `services.aws.greengrass.Nucleus.configuration.${key}`;
      throw new DeviceError('CONFIG_INVALID', `${file}: ${path} is missing.`);
    }
  }
}

function requireWritable(file: string, key: string, folder: string): void {
  try {
    makeFolder(folder);
    accessSync(folder, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new DeviceError(
      'CONFIG_INVALID',
      `${file}: ${key} lies in ${folder}, which cannot be written: ${messageOf(error)}.`,
      { cause: error },
    );
  }
}

/** Removes what only provisioning needed. Safe to repeat: the staged record, which names the files, goes last. */
function tidyUp(layout: Layout): void {
  const staged = readStaged(layout.stagedProvisioning);
  removeDurably([layout.stagedKey, ...(staged?.claimFiles ?? [])]);
  removeDurably([layout.stagedProvisioning]);
}
