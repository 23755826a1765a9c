import { createHash, randomUUID } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { maxSatisfying } from 'semver';
import type { TestBroker } from './iot-broker.js';

export interface CloudComponent {
  readonly name: string;
  readonly version?: string;
  readonly type?: string;
  readonly lifecycle?: Record<string, unknown>;
  readonly dependencies?: Record<string, unknown>;
  readonly configuration?: Record<string, unknown>;
  /** File name to content; they become `greengrass:` artifacts with their digests. */
  readonly artifacts?: Record<string, string | Uint8Array>;
  /** Artifacts as the recipe is to have them. */
  readonly manifestArtifacts?: unknown[];
  /** Sent in place of the recipe. */
  readonly text?: string;
}

export interface JobUpdate {
  readonly status: string;
  readonly statusDetails: Record<string, string>;
}

interface Execution {
  readonly jobId: string;
  readonly queuedAt: number;
  readonly document: unknown;
  status: string;
  readonly updates: JobUpdate[];
}

interface Shadow {
  version: number;
  desired: Record<string, unknown>;
  reported: Record<string, unknown>;
  readonly reports: Record<string, unknown>[];
}

const TERMINAL = ['SUCCEEDED', 'FAILED', 'REJECTED', 'CANCELED'];

/**
 * What a core device meets of Greengrass beside the test broker: IoT jobs of deployments, the deployment shadow, and
 * the data plane over mutual TLS with the artifacts behind it.
 */
export class GreengrassCloud extends EventEmitter {
  readonly executions = new Map<string, Execution[]>();
  readonly shadows = new Map<string, Shadow>();
  readonly thingGroups = new Map<string, string[]>();
  readonly requests: { operation: string; body: unknown }[] = [];
  /** Answers in place of the data plane; undefined lets it answer itself. */
  intercept: (path: string) => { status: number; body: unknown } | undefined = () => undefined;
  /** Bytes of an artifact after which its connection is cut, once for each number. */
  readonly cuts: number[] = [];
  /** Sizes that artifacts are said to have in place of their own. */
  readonly claimedSizes = new Map<string, number>();
  /** Told each request for an artifact. */
  readonly artifactRequests: { name: string; range: string | undefined }[] = [];
  readonly #components: Required<Pick<CloudComponent, 'name' | 'version' | 'text' | 'artifacts'>>[] = [];
  #plane!: Server;
  #files!: Server;
  #planePort = 0;
  #filesPort = 0;
  #created = Date.UTC(2026, 0, 1);

  private constructor(private readonly broker: TestBroker) {
    super();
    this.setMaxListeners(0);
    broker.on('publish', () => {
      const message = broker.published.at(-1);
      if (message) this.#published(message.topic, message.payload);
    });
  }

  static async start(broker: TestBroker): Promise<GreengrassCloud> {
    const cloud = new GreengrassCloud(broker);
    const pair = await broker.authority.server();
    cloud.#plane = createHttpsServer(
      {
        ca: broker.authority.certificate,
        cert: pair.certificate,
        key: pair.privateKey,
        requestCert: true,
        rejectUnauthorized: true,
      },
      (request, response) => void cloud.#answer(request, response),
    );
    cloud.#files = createHttpServer((request, response) => cloud.#serveFile(request, response));
    await cloud.listen();
    cloud.#files.listen(0, '127.0.0.1');
    await once(cloud.#files, 'listening');
    cloud.#filesPort = (cloud.#files.address() as AddressInfo).port;
    return cloud;
  }

  /** Has the data plane listen (again) on its port. */
  async listen(): Promise<void> {
    this.#plane.listen(this.#planePort, '127.0.0.1');
    await once(this.#plane, 'listening');
    this.#planePort = (this.#plane.address() as AddressInfo).port;
  }

  /** Takes the data plane off the network. */
  async unplug(): Promise<void> {
    const closed = once(this.#plane, 'close');
    this.#plane.close();
    await closed;
  }

  async stop(): Promise<void> {
    for (const server of [this.#plane, this.#files]) {
      if (!server.listening) continue;
      const closed = once(server, 'close');
      server.close();
      await closed;
    }
  }

  /** What a device's `config.yaml` says to find this cloud. */
  get nucleus(): Record<string, unknown> {
    return { greengrassDataPlaneEndpoint: 'iotdata', greengrassDataPlanePort: this.#planePort };
  }

  /** Creates a component version. */
  put(component: CloudComponent): void {
    const { name, version = '1.0.0', artifacts = {} } = component;
    const recipe = {
      RecipeFormatVersion: '2020-01-25',
      ComponentName: name,
      ComponentVersion: version,
      ComponentType: component.type ?? 'aws.greengrass.generic',
      ComponentConfiguration: { DefaultConfiguration: component.configuration ?? {} },
      ComponentDependencies: component.dependencies ?? {},
      Manifests: [
        {
          Platform: { os: 'linux' },
          Lifecycle: component.lifecycle ?? {},
          Artifacts:
            component.manifestArtifacts ??
            Object.entries(artifacts).map(([file, content]) => ({
              Uri: `greengrass:${file}`,
              Digest: createHash('sha256').update(content).digest('base64'),
              Algorithm: 'SHA-256',
              Unarchive: 'NONE',
              Permission: { Read: 'OWNER', Execute: 'NONE' },
            })),
        },
      ],
    };
    const text = component.text ?? JSON.stringify(recipe);
    this.#components.push({ name, version, text, artifacts });
  }

  /** A deployment's document, for a thing group unless told otherwise. */
  document(
    components: Record<string, unknown>,
    more: Record<string, unknown> & { target?: string; revision?: number } = {},
  ): Record<string, unknown> {
    const { target = 'thinggroup/fleet', revision = 1, ...rest } = more;
    this.#created += 1000;
    return {
      deploymentId: randomUUID(),
      creationTimestamp: this.#created,
      configurationArn: `arn:aws:greengrass:eu-west-1:000000000000:configuration:${target}:${revision}`,
      requiredCapabilities: [],
      failureHandlingPolicy: 'ROLLBACK',
      componentUpdatePolicy: { timeout: 60, action: 'SKIP_NOTIFY_COMPONENTS' },
      configurationValidationPolicy: { timeout: 60 },
      components: Object.fromEntries(
        Object.entries(components).map(([name, value]) => [
          name,
          typeof value === 'string' ? { version: value } : value,
        ]),
      ),
      ...rest,
    };
  }

  /** Queues a deployment job for a thing. @returns its id */
  queueJob(thing: string, document: unknown, flavour: 'notify' | 'notify-next' = 'notify'): string {
    const jobId = randomUUID();
    const executions = this.executions.get(thing) ?? [];
    this.executions.set(thing, executions);
    executions.push({
      jobId,
      queuedAt: 1_700_000_000 + executions.length,
      document,
      status: 'QUEUED',
      updates: [],
    });
    this.#notify(thing, flavour);
    return jobId;
  }

  /** Cancels a job as AWS IoT does, whatever its state. */
  cancelJob(thing: string, jobId: string): void {
    const execution = this.#execution(thing, jobId);
    if (execution) execution.status = 'CANCELED';
    this.#notify(thing, 'notify');
  }

  /** Resolves with a job's last status once it is terminal. */
  async jobEnded(thing: string, jobId: string): Promise<JobUpdate> {
    for (;;) {
      const last = this.#execution(thing, jobId)?.updates.at(-1);
      if (last && TERMINAL.includes(last.status)) return last;
      await once(this, 'update');
    }
  }

  /** Queues a deployment job and waits for its end. */
  deploy(thing: string, document: unknown): Promise<JobUpdate> {
    return this.jobEnded(thing, this.queueJob(thing, document));
  }

  updatesOf(thing: string, jobId: string): readonly JobUpdate[] {
    return this.#execution(thing, jobId)?.updates ?? [];
  }

  /** Has a thing's deployment shadow desire a deployment. */
  desire(thing: string, desired: Record<string, unknown>): void {
    const shadow = this.#shadow(thing);
    shadow.version += 1;
    shadow.desired = { ...shadow.desired, ...desired };
    this.broker.send(
      `${shadowTopic(thing)}/update/accepted`,
      JSON.stringify({ version: shadow.version, state: { desired } }),
    );
  }

  /** Resolves with the reported section once it fits. */
  async reported(thing: string, fits: (reported: Record<string, unknown>) => boolean) {
    for (;;) {
      const { reported } = this.#shadow(thing);
      if (fits(reported)) return reported;
      await once(this, 'report');
    }
  }

  #notify(thing: string, flavour: 'notify' | 'notify-next'): void {
    const pending = (this.executions.get(thing) ?? []).filter(({ status }) => !TERMINAL.includes(status));
    const summaries = pending.map(({ jobId, queuedAt }) => ({ jobId, queuedAt }));
    const payload =
      flavour === 'notify'
        ? { timestamp: 1, jobs: summaries.length > 0 ? { QUEUED: summaries } : {} }
        : { timestamp: 1, execution: summaries[0] ?? {} };
    this.broker.send(
      `$aws/things/${thing}/jobs/${flavour}-namespace-aws-gg-deployment`,
      JSON.stringify(payload),
    );
  }

  #execution(thing: string, jobId: string): Execution | undefined {
    return this.executions.get(thing)?.find((execution) => execution.jobId === jobId);
  }

  #shadow(thing: string): Shadow {
    const shadow = this.shadows.get(thing) ?? { version: 0, desired: {}, reported: {}, reports: [] };
    this.shadows.set(thing, shadow);
    return shadow;
  }

  #published(topic: string, payload: string): void {
    const job = /^\$aws\/things\/([^/]+)\/jobs\/([^/]+)\/namespace-aws-gg-deployment\/(get|update)$/.exec(
      topic,
    );
    const shadow =
      /^\$aws\/things\/([^/]+)\/shadow\/name\/AWSManagedGreengrassV2Deployment\/(get|update)$/.exec(topic);
    if (job) this.#job(topic, job[1] ?? '', job[2] ?? '', job[3] ?? '', JSON.parse(payload));
    if (shadow) this.#shadowRequest(topic, shadow[1] ?? '', shadow[2] ?? '', JSON.parse(payload));
  }

  #job(
    topic: string,
    thing: string,
    jobId: string,
    verb: string,
    request: JobUpdate & { clientToken: string },
  ): void {
    const { clientToken } = request;
    if (verb === 'get') {
      const open = (this.executions.get(thing) ?? []).filter(({ status }) => !TERMINAL.includes(status));
      const next = open.find(({ status }) => status === 'IN_PROGRESS') ?? open[0];
      const execution = next && {
        jobId: next.jobId,
        status: next.status,
        queuedAt: next.queuedAt,
        versionNumber: 1,
        jobDocument: next.document,
      };
      this.broker.send(
        `${topic}/accepted`,
        JSON.stringify({ clientToken, timestamp: 1, ...(execution && { execution }) }),
      );
      return;
    }
    const execution = this.#execution(thing, jobId);
    if (!execution || TERMINAL.includes(execution.status)) {
      const code = execution ? 'TerminalStateReached' : 'ResourceNotFound';
      this.broker.send(`${topic}/rejected`, JSON.stringify({ clientToken, code, message: code }));
      return;
    }
    execution.status = request.status;
    execution.updates.push({ status: request.status, statusDetails: request.statusDetails });
    this.broker.send(`${topic}/accepted`, JSON.stringify({ clientToken, timestamp: 1 }));
    this.emit('update');
    if (TERMINAL.includes(request.status)) this.#notify(thing, 'notify');
  }

  #shadowRequest(
    topic: string,
    thing: string,
    verb: string,
    request: { version?: number; clientToken: string; state?: { reported: Record<string, unknown> } },
  ): void {
    const { clientToken } = request;
    const shadow = this.#shadow(thing);
    if (verb === 'get') {
      if (shadow.version === 0) {
        this.broker.send(
          `${topic}/rejected`,
          JSON.stringify({ clientToken, code: 404, message: 'No shadow exists' }),
        );
        return;
      }
      const { version, desired, reported } = shadow;
      this.broker.send(
        `${topic}/accepted`,
        JSON.stringify({ clientToken, version, state: { desired, reported } }),
      );
      return;
    }
    if (request.version !== undefined && request.version !== shadow.version) {
      this.broker.send(
        `${topic}/rejected`,
        JSON.stringify({ clientToken, code: 409, message: 'Version conflict' }),
      );
      return;
    }
    shadow.version += 1;
    shadow.reported = merged(shadow.reported, request.state?.reported ?? {});
    shadow.reports.push({ ...request.state?.reported });
    this.broker.send(
      `${topic}/accepted`,
      JSON.stringify({ clientToken, version: shadow.version, state: request.state }),
    );
    this.emit('report');
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const url = request.url ?? '';
    const body: unknown = parts.length > 0 ? JSON.parse(Buffer.concat(parts).toString()) : undefined;
    const { status, json } = this.#respond(url, body);
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(json));
  }

  #respond(url: string, body: unknown): { status: number; json: unknown } {
    const intercepted = this.intercept(url);
    if (intercepted) return { status: intercepted.status, json: intercepted.body };
    if (url === '/greengrass/v2/resolveComponentCandidates') {
      this.requests.push({ operation: 'resolve', body });
      return this.#resolve(body as ResolveRequest);
    }
    const groups = /^\/greengrass\/v2\/coreDevices\/([^/]+)\/thingGroups/.exec(url);
    if (groups) {
      const names = this.thingGroups.get(groups[1] ?? '') ?? ['fleet'];
      return { status: 200, json: { thingGroups: names.map((thingGroupName) => ({ thingGroupName })) } };
    }
    const artifact =
      /^\/greengrass\/v2\/components\/([^/]+)\/artifacts\/([^?]+)\?s3EndpointType=GLOBAL$/.exec(url);
    if (artifact) {
      const arn = decodeURIComponent(artifact[1] ?? '');
      const [name, version] = arn.split(':components:')[1]?.split(':versions:') ?? [];
      const preSignedUrl = `http://127.0.0.1:${this.#filesPort}/${name}/${version}/${artifact[2]}`;
      return { status: 200, json: { preSignedUrl } };
    }
    return { status: 404, json: { message: `no such path: ${url}` } };
  }

  #resolve({ componentCandidates: [candidate] }: ResolveRequest): { status: number; json: unknown } {
    const { componentName = '', versionRequirements = {} } = candidate ?? {};
    const range = Object.values(versionRequirements).join(' ').replaceAll('==', '=');
    const versions = this.#components.filter(({ name }) => name === componentName);
    const version = maxSatisfying(
      versions.map((each) => each.version),
      range,
    );
    const found = versions.findLast((each) => each.version === version);
    if (!found) {
      return {
        status: 404,
        json: { message: `Component ${componentName} has no usable version that satisfies ${range}` },
      };
    }
    const arn = `arn:aws:greengrass:eu-west-1:000000000000:components:${componentName}:versions:${version}`;
    const recipe = Buffer.from(found.text).toString('base64');
    return {
      status: 200,
      json: { resolvedComponentVersions: [{ arn, componentName, componentVersion: version, recipe }] },
    };
  }

  #serveFile(request: IncomingMessage, response: ServerResponse): void {
    const [, name, version, file] = (request.url ?? '').split('/');
    const component = this.#components.findLast((each) => each.name === name && each.version === version);
    const content = component?.artifacts[file ?? ''];
    const { range } = request.headers;
    this.artifactRequests.push({ name: file ?? '', range });
    if (content === undefined) {
      response.writeHead(404).end();
      return;
    }
    const whole = Buffer.from(content);
    const start = Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0);
    if (start >= whole.length) {
      response.writeHead(416, { 'content-range': `bytes */${whole.length}` }).end();
      return;
    }
    const rest = whole.subarray(start);
    response.writeHead(206, {
      'content-length': rest.length,
      'content-range': `bytes ${start}-${whole.length - 1}/${this.claimedSizes.get(file ?? '') ?? whole.length}`,
    });
    const cut = this.cuts.shift();
    if (cut === undefined) response.end(rest);
    else response.write(rest.subarray(0, cut), () => setImmediate(() => response.destroy()));
  }
}

interface ResolveRequest {
  readonly componentCandidates: {
    readonly componentName: string;
    readonly versionRequirements: Record<string, string>;
  }[];
}

function shadowTopic(thing: string): string {
  return `$aws/things/${thing}/shadow/name/AWSManagedGreengrassV2Deployment`;
}

/** A section of a shadow after an update of it: null removes a key, objects are merged, all else is replaced. */
function merged(section: Record<string, unknown>, update: Record<string, unknown>): Record<string, unknown> {
  const result = { ...section };
  for (const [key, value] of Object.entries(update)) {
    if (value === null) delete result[key];
    else if (isRecord(value)) result[key] = merged(isRecord(result[key]) ? result[key] : {}, value);
    else result[key] = value;
  }
  return result;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
