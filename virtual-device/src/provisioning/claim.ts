import { readFileSync } from 'node:fs';
import type { MqttClient } from 'mqtt';
import { z } from 'zod';
import { backoff, type Clock, pause } from '../clock.js';
import { mqttEndpoint } from '../config/endpoint.js';
import type { ClaimConfiguration } from '../config/init-config.js';
import { writeFileDurably } from '../durable-file.js';
import { DeviceError, messageOf } from '../errors.js';
import type { Layout } from '../layout.js';
import type { Log } from '../log/device-log.js';
import { closeMqtt, MqttOpenError, openMqtt } from '../mqtt/open.js';
import { certificateFitsKey, type DeviceKey, stagedDeviceKey } from './device-key.js';
import { RequestForbidden, RequestLost, RequestRejected, request } from './exchange.js';
import { discardStaged, readStaged, type StagedProvisioning, writeStaged } from './staged.js';

export interface ClaimProvisioningOptions {
  readonly claim: ClaimConfiguration;
  readonly layout: Layout;
  /** Where key and certificate end up. */
  readonly privateKeyPath: string;
  readonly certificatePath: string;
  readonly version: 'mqtt5' | 'mqtt3';
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

export interface Provisioned {
  readonly thingName: string;
  readonly certificateId: string;
}

const RETRY_BASE = 500;
const RETRY_CEILING = 60_000;
/** Connections closed in a row, each after TLS and before CONNACK, that are taken for a refusal of the claim. */
const DROPS_THAT_REFUSE = 5;
const CONNECT_TIMEOUT = 30_000;

const CreatedCertificate = z.object({
  certificateId: z.string(),
  certificatePem: z.string(),
  certificateOwnershipToken: z.string(),
});
const RegisteredThing = z.object({ thingName: z.string().min(1) });

/**
 * Provisions the device by claim: a certificate for a key made here, then RegisterThing with the
 * template's parameters; key and certificate are on disk, durably, when this returns. AWS IoT Core's
 * fleet provisioning MQTT API, JSON.
 *
 * Network failures, throttling and AWS's own failures are retried without end, with backoff and jitter.
 * Killed at any instant, it goes on with the same key, and with the same certificate as long as AWS
 * takes its ownership token. The certificate is never used to connect before AWS has accepted it.
 *
 * @throws DeviceError PROVISIONING_REFUSED with the cloud's words when AWS refuses, CLAIM_REFUSED when the
 *   claim certificate is refused, SERVER_UNTRUSTED, CONFIG_INVALID when a file cannot be read; or the
 *   signal's reason
 */
export async function provisionByClaim(options: ClaimProvisioningOptions): Promise<Provisioned> {
  const { clock, log, signal } = options;
  let dropped = 0;
  for (let attempt = 0; ; attempt++) {
    signal.throwIfAborted();
    try {
      return await attemptOnce(options);
    } catch (error) {
      dropped = error instanceof MqttOpenError && error.kind === 'dropped' ? dropped + 1 : 0;
      const transient =
        error instanceof RequestLost ||
        (error instanceof MqttOpenError && error.kind === 'network') ||
        (dropped > 0 && dropped < DROPS_THAT_REFUSE) ||
        (error instanceof RequestRejected && error.isTransient);
      if (!transient) throw asDeviceError(error, options.claim);
      const delay = backoff(attempt, RETRY_BASE, RETRY_CEILING);
      log('warn', `Provisioning did not get through, trying again in ${delay} ms: ${messageOf(error)}`);
      await pause(clock, delay, signal);
    }
  }
}

async function attemptOnce(options: ClaimProvisioningOptions): Promise<Provisioned> {
  const { claim, layout, log, signal } = options;
  const clientId = claim.deviceId ?? `claim-${globalThis.crypto.randomUUID()}`;
  const key = deviceKey(options, clientId);
  const { client } = await openMqtt(
    {
      endpoint: endpointOf(claim),
      clientId,
      ca: readConfigured(claim.rootCaPath, 'rootCaPath'),
      certificate: readConfigured(claim.claimCertificatePath, 'claimCertificatePath'),
      privateKey: readConfigured(claim.claimCertificatePrivateKeyPath, 'claimCertificatePrivateKeyPath'),
      version: options.version,
      keepAliveSeconds: 60,
      clean: true,
      timeout: CONNECT_TIMEOUT,
    },
    signal,
  );
  try {
    const resumed = resumable(options, key);
    if (resumed) {
      log('info', `Going on with certificate ${resumed.certificateId} of an interrupted provisioning`);
      try {
        return await register(client, options, key, resumed);
      } catch (error) {
        if (!(error instanceof RequestRejected) || !isTokenRefusal(error)) throw error;
        log('info', `That certificate can no longer be claimed (${error.message}); asking for a new one`);
        discardStaged(layout.stagedProvisioning);
      }
    }
    const staged = await createCertificate(client, options, key);
    return await register(client, options, key, staged);
  } finally {
    await closeMqtt(client);
  }
}

function deviceKey(options: ClaimProvisioningOptions, commonName: string): DeviceKey {
  const { csrPath, csrPrivateKeyPath } = options.claim;
  if (csrPath === undefined || csrPrivateKeyPath === undefined) {
    return stagedDeviceKey(options.layout.stagedKey, commonName);
  }
  return {
    privateKey: readConfigured(csrPrivateKeyPath, 'csrPrivateKeyPath'),
    certificateSigningRequest: readConfigured(csrPath, 'csrPath'),
  };
}

function resumable(options: ClaimProvisioningOptions, key: DeviceKey): StagedProvisioning | undefined {
  const staged = readStaged(options.layout.stagedProvisioning);
  if (!staged || staged.provisioningTemplate !== options.claim.provisioningTemplate) return undefined;
  return certificateFitsKey(staged.certificatePem, key.privateKey) ? staged : undefined;
}

/** CreateCertificateFromCsr. */
async function createCertificate(
  client: MqttClient,
  options: ClaimProvisioningOptions,
  key: DeviceKey,
): Promise<StagedProvisioning> {
  const { claim, layout, log, clock, signal } = options;
  const answer = await request(
    client,
    '$aws/certificates/create-from-csr/json',
    { certificateSigningRequest: key.certificateSigningRequest },
    clock,
    signal,
  );
  const created = CreatedCertificate.safeParse(answer);
  if (!created.success)
    throw new RequestLost('AWS IoT answered the certificate request without a certificate');
  if (!certificateFitsKey(created.data.certificatePem, key.privateKey)) {
    throw new DeviceError('PROVISIONING_REFUSED', 'AWS IoT answered with a certificate for another key.');
  }
  const staged: StagedProvisioning = {
    ...created.data,
    provisioningTemplate: claim.provisioningTemplate,
    claimFiles: [claim.claimCertificatePath, claim.claimCertificatePrivateKeyPath],
  };
  writeStaged(layout.stagedProvisioning, staged);
  log('info', `Received certificate ${staged.certificateId}, pending activation`);
  return staged;
}

/** RegisterThing; then key and certificate go to their places. */
async function register(
  client: MqttClient,
  options: ClaimProvisioningOptions,
  key: DeviceKey,
  staged: StagedProvisioning,
): Promise<Provisioned> {
  const { claim, clock, signal } = options;
  const answer = await request(
    client,
    `$aws/provisioning-templates/${claim.provisioningTemplate}/provision/json`,
    { certificateOwnershipToken: staged.certificateOwnershipToken, parameters: claim.templateParameters },
    clock,
    signal,
  );
  const registered = RegisteredThing.safeParse(answer);
  if (!registered.success) throw new RequestLost('AWS IoT accepted the device without naming its thing');
  writeFileDurably(options.privateKeyPath, key.privateKey, 0o600);
  writeFileDurably(options.certificatePath, staged.certificatePem, 0o644);
  return { thingName: registered.data.thingName, certificateId: staged.certificateId };
}

/** The token was used up or has expired (it lives an hour), or its certificate is gone. */
function isTokenRefusal(error: RequestRejected): boolean {
  return /Token|Certificate|ResourceNotFound/i.test(error.errorCode);
}

function endpointOf(claim: ClaimConfiguration) {
  const endpoint = mqttEndpoint(claim.iotDataEndpoint, claim.mqttPort);
  if (!endpoint)
    throw new DeviceError('CONFIG_INVALID', `iotDataEndpoint ${claim.iotDataEndpoint} is no host.`);
  return endpoint;
}

function readConfigured(path: string, key: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new DeviceError('CONFIG_INVALID', `${key} ${path} cannot be read: ${messageOf(error)}`);
  }
}

function asDeviceError(error: unknown, claim: ClaimConfiguration): unknown {
  const who = describeDevice(claim);
  if (error instanceof RequestRejected) {
    return new DeviceError(
      'PROVISIONING_REFUSED',
      `AWS IoT refuses to provision ${who} with template ${claim.provisioningTemplate}: ${error.message}`,
      { cause: error },
    );
  }
  if (error instanceof RequestForbidden) {
    return new DeviceError('CLAIM_REFUSED', `${who} cannot be provisioned: ${error.message}`, {
      cause: error,
    });
  }
  if (error instanceof MqttOpenError) {
    const code = error.kind === 'server-untrusted' ? 'SERVER_UNTRUSTED' : 'CLAIM_REFUSED';
    const what =
      code === 'CLAIM_REFUSED' ? 'the claim certificate is refused' : 'rootCaPath does not fit the endpoint';
    return new DeviceError(code, `${who} cannot be provisioned, ${what}: ${error.message}`, { cause: error });
  }
  return error;
}

/** The device in the template's own terms: `device SerialNumber=A1`. */
function describeDevice(claim: ClaimConfiguration): string {
  const parameters = Object.entries(claim.templateParameters).map(([name, value]) => `${name}=${value}`);
  return parameters.length > 0 ? `the device ${parameters.join(', ')}` : 'the device';
}
