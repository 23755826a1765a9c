import { request } from 'node:https';
import { AttachThingPrincipalCommand, CreateThingCommand, type IoTClient } from '@aws-sdk/client-iot';
import type { MqttClient } from 'mqtt';
import type { LocalCloud } from '../../src/local-cloud.js';
import { connect, type Identity, messages, newIdentity, policyText, rootCa } from '../iot/fleet.js';

export type DeviceCloud = Pick<LocalCloud, 'ports'> & { readonly stateDirectory: string };

/** A core device as the nucleus is one on the wire: MQTT, and HTTPS with its certificate. */
export interface CoreDevice {
  readonly thingName: string;
  readonly mqtt: MqttClient;
  readonly identity: Identity;
  /** Messages to the topics that it has subscribed to, below `$aws/things/{thing}/`. */
  next(): Promise<{ topic: string; body: Record<string, unknown> }>;
  publish(suffix: string, body: object): Promise<void>;
  /** Calls the Greengrass data plane. */
  call(
    method: string,
    path: string,
    body?: object,
  ): Promise<{ status: number; body: Record<string, unknown> }>;
  /** The next execution of its deployments, undefined when none is pending. */
  nextDeployment(): Promise<Execution | undefined>;
  updateDeployment(jobId: string, status: string, statusDetails?: Record<string, string>): Promise<void>;
  /** A fleet status message. */
  report(fields?: object): Promise<void>;
}

export interface Execution {
  readonly jobId: string;
  readonly status: string;
  readonly queuedAt: number;
  readonly jobDocument: Record<string, unknown>;
}

export const CORE_DEVICE_POLICY = policyText(
  { Effect: 'Allow', Action: ['iot:Connect', 'iot:Publish', 'iot:Subscribe', 'iot:Receive'], Resource: '*' },
  { Effect: 'Allow', Action: 'greengrass:*', Resource: '*' },
);

const NAMESPACE = 'namespace-aws-gg-deployment';

/** A thing with an active certificate, connected and subscribed as a nucleus. */
export async function coreDevice(
  cloud: DeviceCloud,
  iot: IoTClient,
  thingName: string,
  policy = CORE_DEVICE_POLICY,
): Promise<CoreDevice> {
  await iot.send(new CreateThingCommand({ thingName }));
  const identity = await newIdentity(iot, `policy-${thingName}`, policy);
  await iot.send(new AttachThingPrincipalCommand({ thingName, principal: identity.certificateArn }));
  const mqtt = await connect(cloud, identity, thingName);
  const prefix = `$aws/things/${thingName}/`;
  const inbox = messages(mqtt);
  await mqtt.subscribeAsync(
    [
      `jobs/$next/${NAMESPACE}/get/accepted`,
      `jobs/$next/${NAMESPACE}/get/rejected`,
      `jobs/+/${NAMESPACE}/update/accepted`,
      `jobs/+/${NAMESPACE}/update/rejected`,
      `jobs/notify-${NAMESPACE}`,
      'shadow/name/AWSManagedGreengrassV2Deployment/get/accepted',
      'shadow/name/AWSManagedGreengrassV2Deployment/update/accepted',
      'shadow/name/AWSManagedGreengrassV2Deployment/update/rejected',
    ].map((suffix) => prefix + suffix),
    { qos: 1 },
  );
  const set: { topic: string; body: Record<string, unknown> }[] = [];
  const next = async () => {
    const kept = set.shift();
    if (kept) return kept;
    const { topic, body } = await inbox.next();
    return { topic: topic.slice(prefix.length), body: body as Record<string, unknown> };
  };
  /** The next message to a topic; others are kept for later. */
  const take = async (suffix: string) => {
    const others: typeof set = [];
    for (;;) {
      const message = await next();
      if (message.topic === suffix) {
        set.push(...others);
        return message.body;
      }
      others.push(message);
    }
  };
  const publish = async (suffix: string, body: object) => {
    await mqtt.publishAsync(prefix + suffix, JSON.stringify(body), { qos: 1 });
  };
  const { ports } = cloud;
  let sequenceNumber = 0;
  return {
    thingName,
    mqtt,
    identity,
    next,
    publish,
    async nextDeployment() {
      await publish(`jobs/$next/${NAMESPACE}/get`, { includeJobDocument: true, clientToken: 'get' });
      const body = await take(`jobs/$next/${NAMESPACE}/get/accepted`);
      return body.execution as Execution | undefined;
    },
    async updateDeployment(jobId, status, statusDetails = {}) {
      await publish(`jobs/${jobId}/${NAMESPACE}/update`, { status, statusDetails, clientToken: 'update' });
      await take(`jobs/${jobId}/${NAMESPACE}/update/accepted`);
    },
    report: (fields = {}) =>
      publish('greengrassv2/health/json', {
        ggcVersion: '2.15.0',
        platform: 'linux',
        architecture: 'aarch64',
        thing: thingName,
        overallDeviceStatus: 'HEALTHY',
        sequenceNumber: ++sequenceNumber,
        timestamp: Date.now(),
        messageType: 'COMPLETE',
        trigger: 'NUCLEUS_LAUNCH',
        components: [],
        ...fields,
      }),
    call: (method, path, body) =>
      new Promise((resolve, reject) => {
        const options = {
          ...{ host: 'localhost', port: ports.https, method, path, agent: false, ca: rootCa(cloud) },
          ...{ cert: identity.cert, key: identity.key },
          headers: { 'content-type': 'application/json' },
        };
        request(options, (response) => {
          const parts: string[] = [];
          response
            .setEncoding('utf8')
            .on('data', (part: string) => parts.push(part))
            .on('error', reject)
            .on('end', () => resolve({ status: response.statusCode ?? 0, body: JSON.parse(parts.join('')) }));
        })
          .on('error', reject)
          .end(body === undefined ? undefined : JSON.stringify(body));
      }),
  };
}
