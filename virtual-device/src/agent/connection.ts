import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { mqttEndpoint } from '../config/endpoint.js';
import { NUCLEUS } from '../config/init-config.js';
import { DeviceError } from '../errors.js';
import { DeviceConnection } from '../mqtt/connection.js';
import type { AgentContext } from './context.js';

/** The nucleus's own spooler on disk is this plugin; here it is built in, and works in the same folder. */
const DISK_SPOOLER = 'aws.greengrass.DiskSpooler';

/**
 * Makes the device's connection to AWS IoT Core, as the nucleus's configuration has it; it is not started.
 *
 * @throws DeviceError CONFIG_INVALID or NOT_PROVISIONED
 */
export function makeConnection({ layout, store, clock, logs }: AgentContext): DeviceConnection {
  const { nucleus, system } = store.current;
  const endpoint = mqttEndpoint(nucleus.iotDataEndpoint ?? '', nucleus.mqtt?.port);
  if (!endpoint) {
    throw new DeviceError(
      'CONFIG_INVALID',
      `services.${NUCLEUS}.configuration.iotDataEndpoint is missing or no host.`,
    );
  }
  for (const path of [system.certificateFilePath, system.privateKeyPath]) {
    if (!existsSync(path)) {
      throw new DeviceError('NOT_PROVISIONED', `The device's ${path} is gone; it cannot connect without it.`);
    }
  }
  const { mqtt } = nucleus;
  const { spooler } = mqtt ?? {};
  return new DeviceConnection({
    endpoint,
    thingName: system.thingName,
    rootCaPath: system.rootCaPath,
    certificatePath: system.certificateFilePath,
    privateKeyPath: system.privateKeyPath,
    version: mqtt?.version ?? 'mqtt5',
    keepAliveSeconds: Math.max(1, Math.round((mqtt?.keepAliveTimeoutMs ?? 60_000) / 1000)),
    sessionExpirySeconds: mqtt?.sessionExpirySeconds ?? 604_800,
    receiveMaximum: mqtt?.receiveMaximum ?? 100,
    spoolBytes: spooler?.maxSizeInBytes ?? 2_621_440,
    ...(spooler?.storageType === 'Disk' && {
      spoolFile: join(layout.work(DISK_SPOOLER), 'spool.journal'),
    }),
    keepQos0WhenOffline: spooler?.keepQos0WhenOffline ?? false,
    ...(mqtt?.maxInFlightPublishes !== undefined && { maxInFlight: mqtt.maxInFlightPublishes }),
    ...(mqtt?.maxPublishRetry !== undefined && { maxPublishRetry: mqtt.maxPublishRetry }),
    ...(mqtt?.maxMessageSizeInBytes !== undefined && { maxMessageBytes: mqtt.maxMessageSizeInBytes }),
    reconnectDelay: {
      first: (mqtt?.minimumReconnectDelaySeconds ?? 0.5) * 1000,
      longest: (mqtt?.maximumReconnectDelaySeconds ?? 60) * 1000,
    },
    clock,
    log: logs.logger('com.aws.greengrass.mqttclient.AwsIotMqttClient'),
  });
}

/** Says as events when the device is connected and when it is not. */
export function reportConnection(connection: DeviceConnection, { emit, store }: AgentContext): void {
  const { system, nucleus } = store.current;
  const { thingName } = system;
  let said: string | undefined;
  connection.onState((state, detail) => {
    if (state === 'connected') {
      emit({ event: 'connected', thingName, endpoint: nucleus.iotDataEndpoint ?? '' });
      said = undefined;
    } else if (state === 'disconnected' && said !== detail) {
      said = detail;
      emit({ event: 'disconnected', thingName, reason: detail });
    }
  });
}
