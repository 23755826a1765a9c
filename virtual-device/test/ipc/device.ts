/** A device's capabilities that record what is asked of them, and real clients of the server in front. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type eventstream_rpc, greengrasscoreipc, io } from 'aws-iot-device-sdk-v2';
import { onTestFinished } from 'vitest';
import {
  type ComponentDetails,
  type IotCoreMessage,
  type IotCorePublishOptions,
  IpcError,
  type IpcLimits,
  type IpcLog,
  type IpcPrincipal,
  type IpcServer,
  type JsonValue,
  type LocalDeployment,
  type LocalDeploymentRequest,
  startIpcServer,
  UpdateNegotiation,
} from '../../src/ipc/index.js';
import { ManualClock } from '../support/manual-clock.js';

/** Tokens are known by their component's name in upper case; `CLI` is the command's. */
export const tokenOf = (componentName: string) => componentName.toUpperCase();

type Configuration = { [key: string]: JsonValue };
interface Watch {
  readonly componentName: string;
  readonly onChange: (keyPath: readonly string[]) => void;
}

export class RecordingDevice {
  readonly accessControl = new Map<string, unknown>();
  readonly configuration = new Map<string, Configuration>();
  readonly components = new Map<string, ComponentDetails>();
  readonly deployments = new Map<string, LocalDeployment>();
  readonly calls: unknown[][] = [];
  readonly logged: string[] = [];
  readonly log: IpcLog = (level, message) => {
    this.logged.push(`${level}: ${message}`);
  };
  readonly clock = new ManualClock();
  readonly updates = new UpdateNegotiation(this.clock, this.log);
  readonly watches = new Set<Watch>();
  readonly subscriptions = new Map<string, { qos: number; onMessage: (message: IotCoreMessage) => void }>();
  /** Fails the next calls to AWS IoT Core with this message. */
  iotCoreFailure: string | undefined;
  /** Milliseconds since the epoch; updates before it are refused. */
  lastModified = 0;

  addComponent(name: string, accessControl?: unknown): void {
    this.components.set(name, { componentName: name, version: '1.0.0', state: 'RUNNING' });
    this.configuration.set(name, {});
    this.accessControl.set(name, accessControl);
  }

  authenticate = (token: string): IpcPrincipal | undefined => {
    if (token === 'CLI') return { cli: true };
    const name = [...this.components.keys()].find((candidate) => tokenOf(candidate) === token);
    return name === undefined ? undefined : { componentName: name };
  };

  get(componentName: string, keyPath: readonly string[]): JsonValue | undefined {
    let node: unknown = this.configuration.get(componentName);
    for (const key of keyPath) {
      node =
        typeof node === 'object' && node !== null
          ? Object.entries(node).find(([name]) => name === key)?.[1]
          : undefined;
    }
    return node as JsonValue | undefined;
  }

  async start(socketPath: string, limits: Partial<IpcLimits> = {}): Promise<IpcServer> {
    const record = (...call: unknown[]) => {
      this.calls.push(call);
    };
    return await startIpcServer({
      socketPath,
      limits,
      authenticate: this.authenticate,
      accessControlOf: (name) => this.accessControl.get(name),
      iotCore: {
        publish: async (topic: string, payload: Uint8Array, options: IotCorePublishOptions) => {
          if (this.iotCoreFailure !== undefined) throw new Error(this.iotCoreFailure);
          record('publish', topic, Buffer.from(payload).toString(), options);
        },
        subscribe: async (filter, qos, onMessage) => {
          if (this.iotCoreFailure !== undefined) throw new Error(this.iotCoreFailure);
          record('subscribe', filter, qos);
          this.subscriptions.set(filter, { qos, onMessage });
          return async () => {
            record('unsubscribe', filter);
            this.subscriptions.delete(filter);
          };
        },
      },
      configuration: {
        get: (name, keyPath) => this.get(name, keyPath),
        update: (name, keyPath, timestamp, value) => {
          if (timestamp < this.lastModified) {
            throw new IpcError('FailedUpdateConditionCheckError', 'Proposed timestamp is older');
          }
          record('update', name, keyPath, timestamp, value);
          for (const watch of this.watches) if (watch.componentName === name) watch.onChange(keyPath);
        },
        watch: (componentName, _keyPath, onChange) => {
          const watch = { componentName, onChange };
          this.watches.add(watch);
          return () => this.watches.delete(watch);
        },
      },
      components: {
        list: () => [...this.components.values()],
        details: (name) => this.components.get(name),
        updateState: (...call) => record('updateState', ...call),
        restart: (...call) => record('restart', ...call),
        stop: (...call) => record('stop', ...call),
      },
      localDeployments: {
        create: (request: LocalDeploymentRequest) => {
          record('createLocalDeployment', request);
          if (request.recipeDirectoryPath === '/absent') {
            throw new IpcError('InvalidRecipeDirectoryPathError', 'There is no folder /absent.');
          }
          this.deployments.set('d-1', { deploymentId: 'd-1', status: 'QUEUED' });
          return 'd-1';
        },
        status: (id) => this.deployments.get(id),
        list: () => [...this.deployments.values()],
      },
      updates: this.updates,
      clock: this.clock,
      log: this.log,
    });
  }
}

export async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'ipc-test-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

/** A running server of a device with the named components, each allowed everything. */
export async function startDevice(
  components: readonly string[],
  limits?: Partial<IpcLimits>,
): Promise<{ device: RecordingDevice; server: IpcServer }> {
  const device = new RecordingDevice();
  for (const name of components) device.addComponent(name, everythingFor(name));
  const server = await device.start(join(await temporaryDirectory(), 'ipc.socket'), limits);
  onTestFinished(() => server.close());
  return { device, server };
}

const everythingFor = (name: string) =>
  Object.fromEntries(
    ['aws.greengrass.ipc.pubsub', 'aws.greengrass.ipc.mqttproxy'].map((service) => [
      service,
      { [`${name}:${service}`]: { operations: ['*'], resources: ['*'] } },
    ]),
  );

/** The vendor's own client, configured as its environment variables would. */
export function createClient(socketPath: string, token: string): greengrasscoreipc.Client {
  const client = greengrasscoreipc.createClient({
    hostName: socketPath,
    port: 0,
    socketOptions: new io.SocketOptions(io.SocketType.STREAM, io.SocketDomain.LOCAL),
    connectTransform: async ({ message }: eventstream_rpc.RpcMessageTransformationOptions) => ({
      ...message,
      payload: JSON.stringify({ authToken: token }),
    }),
  });
  onTestFinished(() => client.close());
  return client;
}

export async function connectClient(
  server: IpcServer,
  componentName: string,
): Promise<greengrasscoreipc.Client> {
  const client = createClient(server.socketPath, tokenOf(componentName));
  await client.connect();
  return client;
}
