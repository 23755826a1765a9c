import { randomUUID } from 'node:crypto';
import { Sha256 } from '@aws-crypto/sha256-js';
import { DescribeEndpointCommand, IoTClient } from '@aws-sdk/client-iot';
import { SignatureV4 } from '@smithy/signature-v4';
import mqtt, { type MqttClient } from 'mqtt';
import { MooringError } from '../errors.js';
import { clientConfig, type Target } from '../target.js';

/** A connection of a person or a workflow to the fleet's MQTT topics, with AWS credentials. */
export interface CloudConnection {
  /** Publishes with QoS 1; resolves when the cloud has acknowledged it. */
  publish(topic: string, payload: string): Promise<void>;
  /** Subscribes with QoS 1; resolves when the cloud has acknowledged it. */
  subscribe(filter: string, onMessage: (topic: string, payload: Uint8Array) => void): Promise<void>;
  close(): Promise<void>;
}

/** Seconds to wait for the connection. */
const CONNECT_TIMEOUT = 10;

/** Connects by MQTT over WebSocket with AWS Signature Version 4 (AWS IoT developer guide, Device communication protocols). */
export async function connectToCloud(target: Target): Promise<CloudConnection> {
  const { scheme, host } = await gatewayOf(target);
  const client: MqttClient = await mqtt
    .connectAsync(
      await signedUrl(target, scheme, host),
      { clientId: `mooring-${randomUUID()}`, reconnectPeriod: 0, connectTimeout: CONNECT_TIMEOUT * 1000 },
      false,
    )
    .catch((error: unknown) => {
      throw new MooringError(
        'NoConnection',
        `The MQTT gateway at ${host} cannot be reached (${error instanceof Error ? error.message : String(error)}): ${target.stack === 'local' ? 'start the local cloud with `npm start`' : 'check the network and the credentials'}`,
        { cause: error },
      );
    });
  const listeners: { filter: string; onMessage: (topic: string, payload: Uint8Array) => void }[] = [];
  client.on('message', (topic, payload) => {
    for (const { filter, onMessage } of listeners) if (matches(filter, topic)) onMessage(topic, payload);
  });
  client.on('error', () => undefined);
  return {
    async publish(topic, payload) {
      await client.publishAsync(topic, payload, { qos: 1 });
    },
    async subscribe(filter, onMessage) {
      listeners.push({ filter, onMessage });
      const [granted] = await client.subscribeAsync(filter, { qos: 1 });
      if (granted && granted.qos > 2) {
        throw new MooringError(
          'SubscriptionRefused',
          `The cloud refused the subscription to ${filter}: the credentials lack iot:Subscribe`,
        );
      }
    },
    close: () => client.endAsync(),
  };
}

async function gatewayOf(target: Target): Promise<{ scheme: 'ws' | 'wss'; host: string }> {
  if (target.endpoint !== undefined) {
    const url = new URL(target.endpoint);
    return { scheme: url.protocol === 'https:' ? 'wss' : 'ws', host: url.host };
  }
  const iot = new IoTClient(clientConfig(target));
  try {
    const { endpointAddress } = await iot.send(new DescribeEndpointCommand({ endpointType: 'iot:Data-ATS' }));
    if (!endpointAddress)
      throw new MooringError('NoEndpoint', 'AWS IoT named no data endpoint for this account');
    return { scheme: 'wss', host: endpointAddress };
  } finally {
    iot.destroy();
  }
}

async function signedUrl(target: Target, scheme: string, host: string): Promise<string> {
  const { sessionToken, ...key } = await target.credentials();
  const signer = new SignatureV4({
    service: 'iotdevicegateway',
    region: target.region,
    credentials: key,
    sha256: Sha256,
    applyChecksum: false,
  });
  const { query = {} } = await signer.presign(
    { method: 'GET', protocol: `${scheme}:`, hostname: host, path: '/mqtt', headers: { host } },
    { expiresIn: 300 },
  );
  const parameters = new URLSearchParams(query as Record<string, string>);
  // AWS IoT takes the session token unsigned, behind the signature.
  if (sessionToken) parameters.append('X-Amz-Security-Token', sessionToken);
  return `${scheme}://${host}/mqtt?${parameters}`;
}

/** Whether a topic matches a filter (MQTT 5.0, section 4.7). */
function matches(filter: string, topic: string): boolean {
  const levels = topic.split('/');
  const wanted = filter.split('/');
  for (const [index, level] of wanted.entries()) {
    if (level === '#') return true;
    if (level !== '+' && level !== levels[index]) return false;
  }
  return wanted.length === levels.length;
}
