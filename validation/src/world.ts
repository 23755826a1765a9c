import { randomUUID } from 'node:crypto';
import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { ECRClient } from '@aws-sdk/client-ecr';
import { GreengrassV2Client } from '@aws-sdk/client-greengrassv2';
import { IAMClient } from '@aws-sdk/client-iam';
import { IoTClient } from '@aws-sdk/client-iot';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { S3Client } from '@aws-sdk/client-s3';
import {
  accountOf,
  type Bundle,
  bundleComponents,
  type Child,
  type CloudConnection,
  clientConfig,
  connectToCloud,
  type RunningCloud,
  type RunningDevice,
  StateDirectory,
  startCloud,
  type Target,
} from '@mooring/pipeline';

/** SDK clients of one target: how the story sees the cloud. */
function clientsOf(target: Target) {
  const config = clientConfig(target);
  return {
    iot: new IoTClient(config),
    ecr: new ECRClient(config),
    s3: new S3Client(config),
    iam: new IAMClient(config),
    lambda: new LambdaClient(config),
    logs: new CloudWatchLogsClient(config),
    greengrass: new GreengrassV2Client(config),
  };
}

/** What the story is played in: a cloud, devices, and the eyes on them. */
export class World {
  readonly state: StateDirectory;
  /** Serial numbers, different in every run. */
  readonly serials = {
    first: `validation-${randomUUID().slice(0, 8)}-1`,
    unlisted: `validation-${randomUUID().slice(0, 8)}-x`,
  };
  readonly devices = new Map<string, RunningDevice>();
  /** Programs that were started, in their order; stopped in the opposite one. */
  readonly children: Child[] = [];
  readonly #aborted = new AbortController();
  #cloud: Promise<RunningCloud> | undefined;
  #bundle: Promise<Bundle> | undefined;
  #clients: ReturnType<typeof clientsOf> | undefined;
  #connection: Promise<CloudConnection> | undefined;

  constructor(directory: string) {
    this.state = new StateDirectory(directory);
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

  bundle(): Promise<Bundle> {
    this.#bundle ??= bundleComponents(this.state.components);
    return this.#bundle;
  }

  /** Ends all that the story started. */
  async close(): Promise<void> {
    this.#aborted.abort(new Error('the story has ended'));
    await (await this.#connection?.catch(() => undefined))?.close();
    for (const client of Object.values(this.#clients ?? {})) client.destroy();
    for (const child of this.children.splice(0).reverse()) await child.stop();
  }
}
