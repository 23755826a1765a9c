import { CreateRoleCommand, IAMClient, PutRolePolicyCommand } from '@aws-sdk/client-iam';
import { type Action, CreateTopicRuleCommand, IoTClient } from '@aws-sdk/client-iot';
import type { MqttClient } from 'mqtt';
import type { LocalCloud, LocalCloudOptions } from '../../../src/local-cloud.js';
import { atEnd } from '../../support/at-end.js';
import { clientConfig, startCloud } from '../../support/cloud.js';
import { temporaryDirectory } from '../cloud.js';
import { ALLOW_ALL, connect, type Identity, messages, newIdentity } from '../fleet.js';

export const ROLE = 'arn:aws:iam::000000000000:role/rules';

export const arn = (resource: string) => `arn:aws:iot:eu-central-1:000000000000:${resource}`;

const trust = (service: string) =>
  JSON.stringify({
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Principal: { Service: service }, Action: 'sts:AssumeRole' }],
  });

/** Makes a role that a service may assume, with one inline policy if there are statements for it. */
export async function makeRole(
  cloud: Pick<LocalCloud, 'endpointUrl' | 'region'>,
  RoleName: string,
  statements: readonly object[],
  service = 'iot.amazonaws.com',
): Promise<void> {
  const iam = new IAMClient(clientConfig(cloud));
  await iam.send(new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument: trust(service) }));
  if (statements.length === 0) return;
  await iam.send(
    new PutRolePolicyCommand({
      RoleName,
      PolicyName: 'permissions',
      PolicyDocument: JSON.stringify({ Version: '2012-10-17', Statement: statements }),
    }),
  );
}

export interface LogEntry {
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** A whole cloud with a role for rules that may do everything, and a device. */
export async function rulesCloud(options: Partial<LocalCloudOptions> = {}) {
  const directory = temporaryDirectory();
  atEnd(() => directory.remove());
  const logged: LogEntry[] = [];
  const started = await startCloud({
    stateDirectory: directory.path,
    log: (_level, message, fields = {}) => logged.push({ message, fields }),
    ...options,
  });
  const cloud = { ...started, stateDirectory: options.stateDirectory ?? directory.path };
  const config = { ...clientConfig(cloud), maxAttempts: 1 };
  const iot = new IoTClient(config);
  await makeRole(cloud, 'rules', [{ Effect: 'Allow', Action: '*', Resource: '*' }]);
  const identity = await newIdentity(iot, 'all', ALLOW_ALL);

  async function client(
    clientId: string,
    as: Pick<Identity, 'cert' | 'key'> = identity,
  ): Promise<MqttClient> {
    const opened = await connect(cloud, as, clientId);
    atEnd(() => opened.end(true));
    return opened;
  }
  return {
    cloud,
    config,
    iot,
    identity,
    logged,
    client,
    /** Messages to topics that match the filters. */
    async listen(clientId: string, ...filters: string[]) {
      const listener = await client(clientId);
      const received = messages(listener);
      await listener.subscribeAsync(filters, { qos: 1 });
      return { ...received, client: listener };
    },
    async rule(ruleName: string, sql: string, actions: readonly Action[], more: object = {}): Promise<void> {
      await iot.send(
        new CreateTopicRuleCommand({
          ruleName,
          topicRulePayload: { sql, actions: [...actions], awsIotSqlVersion: '2016-03-23', ...more },
        }),
      );
    },
  };
}

export const republish = (topic: string, more: object = {}): Action => ({
  republish: { topic, roleArn: ROLE, ...more },
});
