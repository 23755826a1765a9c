import { randomUUID } from 'node:crypto';
import { cpSync, existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { CloudFrontClient } from '@aws-sdk/client-cloudfront';
import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { CognitoIdentityClient } from '@aws-sdk/client-cognito-identity';
import { CognitoIdentityProviderClient } from '@aws-sdk/client-cognito-identity-provider';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { ECRClient } from '@aws-sdk/client-ecr';
import { GreengrassV2Client, ListComponentsCommand } from '@aws-sdk/client-greengrassv2';
import { IAMClient } from '@aws-sdk/client-iam';
import { IoTClient } from '@aws-sdk/client-iot';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { S3Client } from '@aws-sdk/client-s3';
import { SNSClient } from '@aws-sdk/client-sns';
import { SQSClient } from '@aws-sdk/client-sqs';
import {
  accountOf,
  type Child,
  type CloudConnection,
  clientConfig,
  connectDevice,
  connectToCloud,
  fetchImageFiles,
  provision,
  type RunningCloud,
  type RunningDevice,
  repositoryRoot,
  StateDirectory,
  startCloud,
  type Target,
} from '@mooring/pipeline';

/** SDK clients of one target: how the story sees the cloud. */
function clientsOf(target: Target) {
  const config = clientConfig(target);
  return {
    cloudFront: new CloudFrontClient(config),
    userPools: new CognitoIdentityProviderClient(config),
    identityPools: new CognitoIdentityClient(config),
    iot: new IoTClient(config),
    ecr: new ECRClient(config),
    s3: new S3Client(config),
    iam: new IAMClient(config),
    lambda: new LambdaClient(config),
    logs: new CloudWatchLogsClient(config),
    dynamodb: new DynamoDBClient(config),
    greengrass: new GreengrassV2Client(config),
    sns: new SNSClient(config),
    sqs: new SQSClient(config),
  };
}

/** A device that runs. */
export type BootedDevice = Omit<RunningDevice, 'hertz'>;

/** What the story is played in: a cloud, devices, and the eyes on them. */
export class World {
  readonly state: StateDirectory;
  /** Serial numbers, different in every run. */
  readonly serials = {
    first: `validation-${randomUUID().slice(0, 8)}-1`,
    second: `validation-${randomUUID().slice(0, 8)}-2`,
    unlisted: `validation-${randomUUID().slice(0, 8)}-x`,
  };
  readonly devices = new Map<string, BootedDevice>();
  /** Programs that were started, in their order; stopped in the opposite one. */
  readonly children: Child[] = [];
  readonly #aborted = new AbortController();
  #cloud: Promise<RunningCloud> | undefined;
  #clients: ReturnType<typeof clientsOf> | undefined;
  #connection: Promise<CloudConnection> | undefined;

  readonly #sources: string;

  /** @param quick whether to keep to this machine, without the network, and not to run what `npm test` runs. */
  constructor(
    directory: string,
    readonly quick: boolean,
  ) {
    this.state = new StateDirectory(directory);
    this.#sources = join(directory, 'component-sources');
    this.state.prepare();
  }

  get signal(): AbortSignal {
    return this.#aborted.signal;
  }

  abort(): void {
    this.#aborted.abort(new Error('interrupted'));
  }

  /** The local cloud, started on free ports when first asked for. */
  cloud(): Promise<RunningCloud> {
    this.#cloud ??= startCloud(this.state, { http: 0, mqtt: 0, https: 0 }, this.children);
    return this.#cloud;
  }

  async target(): Promise<Target> {
    return (await this.cloud()).target;
  }

  async account(): Promise<string> {
    return accountOf(await this.target());
  }

  async clients(): Promise<ReturnType<typeof clientsOf>> {
    this.#clients ??= clientsOf(await this.target());
    return this.#clients;
  }

  /** The fleet's MQTT topics, as an operator sees them. */
  async topics(): Promise<CloudConnection> {
    this.#connection ??= connectToCloud(await this.target());
    return this.#connection;
  }

  /** A copy of the components' sources, for the story to change. */
  get sources(): string {
    if (!existsSync(this.#sources)) {
      const generated = new Set(['dist', 'node_modules']);
      cpSync(join(repositoryRoot, 'components'), this.#sources, {
        recursive: true,
        filter: (path) => !generated.has(basename(path)),
      });
    }
    return this.#sources;
  }

  /** The components' version that the deployment brings, by component. */
  async latestVersions(): Promise<Record<string, string>> {
    const { greengrass } = await this.clients();
    const { components = [] } = await greengrass.send(new ListComponentsCommand({ scope: 'PRIVATE' }));
    return Object.fromEntries(
      components.map(({ componentName = '', latestVersion }) => [
        componentName,
        latestVersion?.componentVersion ?? '',
      ]),
    );
  }

  /** Lets these serial numbers join, and no others. */
  async allow(...serials: string[]): Promise<void> {
    await provision(await this.target(), serials.map((serial) => `${serial}\n`).join(''));
  }

  /** Switches a device on; resolves when it is connected. */
  async boot(thing: string): Promise<BootedDevice> {
    const { target, endpointUrl } = await this.cloud();
    const image = await fetchImageFiles(target, await this.account());
    const { state, children } = this;
    const device = await connectDevice({ thing, state, image, endpointUrl, children });
    this.devices.set(thing, device);
    return device;
  }

  /** Ends all that the story started. */
  async close(): Promise<void> {
    this.#aborted.abort(new Error('the story has ended'));
    await (await this.#connection?.catch(() => undefined))?.close();
    for (const client of Object.values(this.#clients ?? {})) client.destroy();
    for (const child of this.children.splice(0).reverse()) await child.stop();
  }
}
