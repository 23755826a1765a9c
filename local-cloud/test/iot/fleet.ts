import 'reflect-metadata';
import { readFileSync } from 'node:fs';
import {
  AttachPolicyCommand,
  CreateCertificateFromCsrCommand,
  CreatePolicyCommand,
  CreateProvisioningTemplateCommand,
  CreateThingGroupCommand,
  IoTClient,
} from '@aws-sdk/client-iot';
import { Pkcs10CertificateRequestGenerator } from '@peculiar/x509';
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt';
import type { IotCloud } from './cloud.js';

/** A certificate with its key, in PEM. */
export interface Identity {
  readonly certificateArn: string;
  readonly certificateId: string;
  readonly cert: string;
  readonly key: string;
}

/** What an AWS SDK client needs to reach the cloud; an error is an error at once. */
export function sdkConfig(cloud: Pick<IotCloud, 'endpointUrl' | 'region'>) {
  return {
    endpoint: cloud.endpointUrl,
    region: cloud.region,
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    maxAttempts: 1,
  };
}

export function iotClient(cloud: IotCloud): IoTClient {
  return new IoTClient(sdkConfig(cloud));
}

export function policyText(...statements: object[]): string {
  return JSON.stringify({ Version: '2012-10-17', Statement: statements });
}

export const ALLOW_ALL = policyText({ Effect: 'Allow', Action: 'iot:*', Resource: '*' });

/** A key on P-256 and its signing request, in PEM. */
export async function newRequest(): Promise<{ csr: string; key: string }> {
  const keys = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, [
    'sign',
    'verify',
  ]);
  const signingAlgorithm = { name: 'ECDSA', hash: 'SHA-256' };
  const request = await Pkcs10CertificateRequestGenerator.create({
    name: 'CN=device',
    keys,
    signingAlgorithm,
  });
  const pkcs8 = Buffer.from(await crypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  return {
    csr: request.toString('pem'),
    key: `-----BEGIN PRIVATE KEY-----\n${pkcs8}\n-----END PRIVATE KEY-----\n`,
  };
}

/** An active certificate with a policy of its own. */
export async function newIdentity(
  iot: IoTClient,
  policyName: string,
  policyDocument: string,
): Promise<Identity> {
  const { csr, key } = await newRequest();
  const made = await iot.send(
    new CreateCertificateFromCsrCommand({ certificateSigningRequest: csr, setAsActive: true }),
  );
  await iot.send(new CreatePolicyCommand({ policyName, policyDocument }));
  await iot.send(new AttachPolicyCommand({ policyName, target: made.certificateArn }));
  return {
    certificateArn: made.certificateArn ?? '',
    certificateId: made.certificateId ?? '',
    cert: made.certificatePem ?? '',
    key,
  };
}

export function rootCa(cloud: Pick<IotCloud, 'stateDirectory'>): string {
  return readFileSync(`${cloud.stateDirectory}/root-ca.pem`, 'utf8');
}

/** Connects MQTT.js with a certificate; rejects when the connection is refused. */
export async function connect(
  cloud: Pick<IotCloud, 'ports' | 'stateDirectory'>,
  { cert, key }: Pick<Identity, 'cert' | 'key'>,
  clientId: string,
  options: IClientOptions = {},
): Promise<MqttClient> {
  const ca = rootCa(cloud);
  return mqtt.connectAsync(
    `mqtts://localhost:${cloud.ports.mqtt}`,
    { ca, cert, key, clientId, protocolVersion: 5, reconnectPeriod: 0, ...options },
    false,
  );
}

/** The next messages of a client, as JSON or text. */
export function messages(client: MqttClient): { next(): Promise<{ topic: string; body: unknown }> } {
  const queue: { topic: string; body: unknown }[] = [];
  const waiting: ((message: { topic: string; body: unknown }) => void)[] = [];
  client.on('message', (topic, payload) => {
    const text = payload.toString();
    let body: unknown = text;
    try {
      body = JSON.parse(text);
    } catch {}
    const taker = waiting.shift();
    if (taker) taker({ topic, body });
    else queue.push({ topic, body });
  });
  return {
    next: () =>
      new Promise((resolve) => {
        const message = queue.shift();
        if (message) resolve(message);
        else waiting.push(resolve);
      }),
  };
}

export const TEMPLATE = {
  Parameters: { SerialNumber: { Type: 'String' }, 'AWS::IoT::Certificate::Id': { Type: 'String' } },
  Resources: {
    thing: {
      Type: 'AWS::IoT::Thing',
      Properties: { ThingName: { Ref: 'SerialNumber' }, ThingGroups: ['fleet'] },
    },
    certificate: {
      Type: 'AWS::IoT::Certificate',
      Properties: {
        CertificateId: { Ref: 'AWS::IoT::Certificate::Id' },
        Status: 'ACTIVE',
        ThingPrincipalType: 'EXCLUSIVE_THING',
      },
    },
    policy: { Type: 'AWS::IoT::Policy', Properties: { PolicyName: 'device' } },
  },
};

/** A group, a device policy, a template named `fleet` and a claim identity for it. */
export async function prepareFleet(iot: IoTClient, hookArn?: string): Promise<Identity> {
  await iot.send(new CreateThingGroupCommand({ thingGroupName: 'fleet' }));
  const thing = '${iot:Connection.Thing.ThingName}';
  const arn = (resource: string) => `arn:aws:iot:eu-central-1:000000000000:${resource}`;
  await iot.send(
    new CreatePolicyCommand({
      policyName: 'device',
      policyDocument: policyText(
        {
          Effect: 'Allow',
          Action: 'iot:Connect',
          Resource: [arn(`client/${thing}`), arn(`client/${thing}#*`)],
          Condition: { Bool: { 'iot:Connection.Thing.IsAttached': 'true' } },
        },
        { Effect: 'Allow', Action: ['iot:Publish', 'iot:Receive'], Resource: arn(`topic/device/${thing}/*`) },
        { Effect: 'Allow', Action: 'iot:Subscribe', Resource: arn(`topicfilter/device/${thing}/*`) },
        { Effect: 'Allow', Action: 'iot:AssumeRoleWithCertificate', Resource: arn('rolealias/exchange') },
      ),
    }),
  );
  await iot.send(
    new CreateProvisioningTemplateCommand({
      templateName: 'fleet',
      enabled: true,
      provisioningRoleArn: 'arn:aws:iam::000000000000:role/provisioning',
      templateBody: JSON.stringify(TEMPLATE),
      ...(hookArn && { preProvisioningHook: { targetArn: hookArn } }),
    }),
  );
  return newIdentity(
    iot,
    'claim',
    policyText(
      { Effect: 'Allow', Action: 'iot:Connect', Resource: arn('client/claim-*') },
      {
        Effect: 'Allow',
        Action: ['iot:Publish', 'iot:Receive'],
        Resource: [
          arn('topic/$aws/certificates/create*'),
          arn('topic/$aws/provisioning-templates/fleet/provision/json*'),
        ],
      },
      {
        Effect: 'Allow',
        Action: 'iot:Subscribe',
        Resource: [
          arn('topicfilter/$aws/certificates/create*'),
          arn('topicfilter/$aws/provisioning-templates/fleet/provision/json*'),
        ],
      },
    ),
  );
}
