import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CloudControlClient } from '@aws-sdk/client-cloudcontrol';
import { CreateRoleCommand, IAMClient } from '@aws-sdk/client-iam';
import { CreateFunctionCommand, InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { NoSuchKey } from '@aws-sdk/client-s3';
import { strToU8, zipSync } from 'fflate';
import { type Clock, systemClock } from '../../src/clock.js';
import { front } from '../../src/http/front.js';
import { listenHttp } from '../../src/http/listener.js';
import type { Base } from '../../src/plugin.js';
import { cloudControl } from '../../src/services/cloudcontrol/cloudcontrol.js';
import type { LogEvent } from '../../src/services/cloudwatch-logs/writer.js';
import { iam } from '../../src/services/iam/iam.js';
import { lambda } from '../../src/services/lambda/lambda.js';
import { sns } from '../../src/services/sns/sns.js';
import { sqs } from '../../src/services/sqs/sqs.js';
import { credentialsIssuer } from '../../src/services/sts/issuer.js';
import { sts } from '../../src/services/sts/sts.js';
import { openStore } from '../../src/store/store.js';
import { atEnd } from '../support/at-end.js';

export const ROLE = 'arn:aws:iam::000000000000:role/function-role';

/** Lets Lambda assume a role. */
export const TRUST = {
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' }],
};

/** A deployment package with these files. */
export function zip(files: Record<string, string>): Uint8Array {
  return zipSync(Object.fromEntries(Object.entries(files).map(([name, text]) => [name, strToU8(text)])));
}

/** Serves Lambda, Cloud Control and STS over HTTP, with one role, objects that a test gives, and logs it can read. */
export async function startLambda(clock: Clock = systemClock) {
  const directory = mkdtempSync(join(tmpdir(), 'lambda-'));
  const store = openStore(directory);
  const base: Base = {
    store,
    stateDirectory: directory,
    clock,
    accountId: '000000000000',
    region: 'eu-central-1',
    log: () => {},
  };
  const objects = new Map<string, Uint8Array>();
  const logs: (LogEvent & { group: string; stream: string })[] = [];
  const issuer = credentialsIssuer(base);
  let listening: (endpointUrl: string) => void = () => {};
  const identities = iam(base);
  const { roles } = identities;
  const endpointUrl = new Promise<string>((resolve) => {
    listening = resolve;
  });
  const queues = sqs(base, { roles, endpointUrl });
  const plugin = lambda(base, {
    endpointUrl,
    queues: queues.sender,
    messages: queues.reader,
    topics: { publish: (...about) => topics.publisher.publish(...about) },
    issuer,
    roles,
    logs: {
      write: (group, stream, events) => {
        logs.push(...events.map((event) => ({ ...event, group, stream })));
      },
    },
    async readObject(bucket, key) {
      const object = objects.get(`${bucket}/${key}`);
      if (object) return object;
      throw new NoSuchKey({ message: 'The specified key does not exist.', $metadata: {} });
    },
  });
  const topics = sns(base, { endpointUrl, roles, invoker: plugin.invoker, queues: queues.sender });
  const control = cloudControl(base, plugin.resourceTypes ?? [], { roles });
  const http = await listenHttp(
    front({
      services: [plugin, control, identities, queues, topics, sts(base, { ...identities, issuer })].flatMap(
        ({ services }) => services,
      ),
      paths: plugin.paths,
      credentials: issuer.lookup,
      accountId: base.accountId,
      clock,
    }),
    '127.0.0.1',
    0,
  );
  const endpoint = `http://127.0.0.1:${http.port}`;
  listening(endpoint);
  const config = {
    endpoint,
    region: base.region,
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    maxAttempts: 1,
  };
  const client = new LambdaClient(config);
  const controlClient = new CloudControlClient(config);
  const iamClient = new IAMClient(config);
  await iamClient.send(
    new CreateRoleCommand({ RoleName: 'function-role', AssumeRolePolicyDocument: JSON.stringify(TRUST) }),
  );
  iamClient.destroy();
  let isClosed = false;
  async function close() {
    if (isClosed) return;
    isClosed = true;
    client.destroy();
    controlClient.destroy();
    await http.close();
    await topics.close?.();
    await plugin.close?.();
    await queues.close?.();
    await control.close?.();
    await store.close();
    rmSync(directory, { recursive: true, force: true });
  }
  atEnd(close);

  return {
    client,
    config,
    queues: queues.sender,
    topics: topics.publisher,
    control: controlClient,
    endpoint,
    invoker: plugin.invoker,
    logs,
    objects,
    directory,
    close,
    /** Messages of the log of a function. */
    messages: (name: string) =>
      logs.filter(({ group }) => group === `/aws/lambda/${name}`).map(({ message }) => message.trimEnd()),
    create: (FunctionName: string, code: string | Record<string, string>, more: object = {}) =>
      client.send(
        new CreateFunctionCommand({
          FunctionName,
          Runtime: 'nodejs22.x',
          Role: ROLE,
          Handler: 'index.handler',
          Code: { ZipFile: zip(typeof code === 'string' ? { 'index.js': code } : code) },
          ...more,
        }),
      ),
    async invoke(FunctionName: string, event?: unknown, more: object = {}) {
      const answer = await client.send(
        new InvokeCommand({
          FunctionName,
          Payload: event === undefined ? undefined : Buffer.from(JSON.stringify(event)),
          ...more,
        }),
      );
      const text = Buffer.from(answer.Payload ?? []).toString('utf8');
      return { ...answer, result: text === '' ? undefined : JSON.parse(text) };
    },
  };
}
