import { z } from 'zod';
import type { Clock } from '../clock.js';
import { backoff, pause } from '../clock.js';
import type { EffectiveConfigStore } from '../config/effective-config.js';
import { parseEndpoint } from '../config/endpoint.js';
import { DeviceError, messageOf } from '../errors.js';
import type { Log } from '../log/device-log.js';
import type { Platform } from '../recipe/platform.js';
import type { Requirement } from '../recipe/resolution.js';
import { type HttpAnswer, type MutualTlsEndpoint, requestWithCertificate } from './device-https.js';

/** The data plane's refusal, or its failure: `status` is undefined when it gave no answer. */
export class DataPlaneError extends DeviceError {
  constructor(
    code: 'OFFLINE' | 'REQUEST_REFUSED',
    message: string,
    readonly status?: number,
    options?: ErrorOptions,
  ) {
    super(code, message, options);
  }

  /** Whether asking again may help. */
  get isTransient(): boolean {
    return this.code === 'OFFLINE';
  }
}

export interface ResolvedComponent {
  readonly arn: string;
  readonly name: string;
  readonly version: string;
  /** JSON text. */
  readonly recipe: string;
}

export interface DataPlaneOptions {
  readonly store: EffectiveConfigStore;
  readonly clock: Clock;
  readonly log: Log;
}

/** How hard to try when the network does not let a call through. */
export interface Patience {
  readonly attempts: number;
  readonly signal: AbortSignal;
}

const RETRY_BASE = 1_000;
const RETRY_CEILING = 60_000;
const DEFAULT_PORT = 8443;

const Resolved = z.object({
  resolvedComponentVersions: z
    .array(
      z.object({
        arn: z.string(),
        componentName: z.string(),
        componentVersion: z.string(),
        recipe: z.string(),
      }),
    )
    .length(1),
});
const ThingGroups = z.object({
  thingGroups: z
    .array(
      z.object({
        thingGroupName: z.string(),
        rootToParentThingGroups: z.array(z.object({ thingGroupName: z.string() })).nullish(),
      }),
    )
    .nullish(),
  nextToken: z.string().nullish(),
});
const Presigned = z.object({ preSignedUrl: z.url() });
const Configuration = z.object({
  preSignedUrl: z.url(),
  integrityCheck: z.object({ algorithm: z.string(), digest: z.string() }),
});
const Refusal = z.object({ message: z.string().optional(), Message: z.string().optional() });

/** The Greengrass data plane, which a core device speaks to with its certificate. */
export class DataPlane {
  constructor(private readonly options: DataPlaneOptions) {}

  /**
   * Asks the cloud for one component in a version that fits all requirements (`ResolveComponentCandidates`).
   *
   * @param localVersion the version that the device would take of those it has
   * @throws DataPlaneError
   */
  async resolve(
    name: string,
    requirements: readonly Requirement[],
    localVersion: string | undefined,
    platform: Platform,
    patience: Patience,
  ): Promise<ResolvedComponent> {
    const versionRequirements: Record<string, string> = {};
    for (const { by, range } of requirements) {
      // npm reads several ranges in one as all of them.
      const earlier = Object.hasOwn(versionRequirements, by) ? `${versionRequirements[by]} ` : '';
      versionRequirements[by] = earlier + range;
    }
    const answer = await this.#call(
      'ResolveComponentCandidates',
      {
        method: 'POST',
        path: '/greengrass/v2/resolveComponentCandidates',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          componentCandidates: [
            {
              componentName: name,
              ...(localVersion !== undefined && { componentVersion: localVersion }),
              versionRequirements,
            },
          ],
          platform: { attributes: platform },
        }),
      },
      Resolved,
      patience,
    );
    const [resolved] = answer.resolvedComponentVersions;
    if (resolved?.componentName !== name) {
      throw new DataPlaneError('REQUEST_REFUSED', `The cloud answered another component than ${name}.`);
    }
    return {
      arn: resolved.arn,
      name,
      version: resolved.componentVersion,
      recipe: Buffer.from(resolved.recipe, 'base64').toString('utf8'),
    };
  }

  /** The thing groups that the device is in, with those above them, as `thinggroup/<name>`. @throws DataPlaneError */
  async thingGroups(patience: Patience): Promise<string[]> {
    const thing = encodeURIComponent(this.options.store.current.system.thingName);
    const groups = new Set<string>();
    let token: string | undefined;
    do {
      const query = token === undefined ? '' : `?nextToken=${encodeURIComponent(token)}`;
      const page = await this.#call(
        'ListThingGroupsForCoreDevice',
        { method: 'GET', path: `/greengrass/v2/coreDevices/${thing}/thingGroups${query}` },
        ThingGroups,
        patience,
      );
      for (const group of page.thingGroups ?? []) {
        for (const { thingGroupName } of [group, ...(group.rootToParentThingGroups ?? [])]) {
          groups.add(`thinggroup/${thingGroupName}`);
        }
      }
      token = page.nextToken ?? undefined;
    } while (token !== undefined);
    return [...groups];
  }

  /** Where an artifact of a component version can be got for a while. @throws DataPlaneError */
  async artifactUrl(componentArn: string, artifact: string, patience: Patience): Promise<string> {
    const name = artifact.split('/').map(encodeURIComponent).join('/');
    const endpointType = this.options.store.current.nucleus.s3EndpointType;
    const type = endpointType === 'REGIONAL' ? 'REGIONAL' : 'GLOBAL';
    const { preSignedUrl } = await this.#call(
      'GetComponentVersionArtifact',
      {
        method: 'GET',
        path: `/greengrass/v2/components/${encodeURIComponent(componentArn)}/artifacts/${name}?s3EndpointType=${type}`,
      },
      Presigned,
      patience,
    );
    return preSignedUrl;
  }

  /** Where a deployment's document is that is too large for a job or a shadow. @throws DataPlaneError */
  async deploymentConfiguration(deploymentId: string, patience: Patience) {
    const thing = encodeURIComponent(this.options.store.current.system.thingName);
    return await this.#call(
      'GetDeploymentConfiguration',
      {
        method: 'GET',
        path: `/greengrass/v2/coreDevices/${thing}/deployments/${encodeURIComponent(deploymentId)}/configuration`,
      },
      Configuration,
      patience,
    );
  }

  /** Calls until there is an answer that asking again would not change. */
  async #call<Schema extends z.ZodType>(
    operation: string,
    call: Parameters<typeof requestWithCertificate>[1],
    schema: Schema,
    { attempts, signal }: Patience,
  ): Promise<z.output<Schema>> {
    const { clock, log } = this.options;
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#callOnce(operation, call, schema, signal);
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof DataPlaneError) || !error.isTransient || attempt >= attempts) throw error;
        if (attempt === 1) log('warn', `${error.message} It is tried again.`);
      }
      await pause(clock, backoff(attempt - 1, RETRY_BASE, RETRY_CEILING), signal);
    }
  }

  async #callOnce<Schema extends z.ZodType>(
    operation: string,
    call: Parameters<typeof requestWithCertificate>[1],
    schema: Schema,
    signal: AbortSignal,
  ): Promise<z.output<Schema>> {
    const endpoint = endpointOf(this.options.store);
    let answer: HttpAnswer;
    try {
      answer = await requestWithCertificate(endpoint, call, signal);
    } catch (error) {
      signal.throwIfAborted();
      const where = `${endpoint.host}:${endpoint.port}`;
      throw new DataPlaneError(
        'OFFLINE',
        `The Greengrass data plane ${where} does not answer ${operation}: ${messageOf(error)}.`,
        undefined,
        { cause: error },
      );
    }
    const { status, body } = answer;
    if (status !== 200) {
      const isTransient = status >= 500 || status === 429 || status === 408;
      throw new DataPlaneError(
        isTransient ? 'OFFLINE' : 'REQUEST_REFUSED',
        `${operation} is refused (${status}): ${reasonIn(body)}`,
        status,
      );
    }
    let json: unknown;
    try {
      json = JSON.parse(body);
    } catch {
      json = undefined;
    }
    const result = schema.safeParse(json);
    if (!result.success) {
      throw new DataPlaneError('REQUEST_REFUSED', `The answer to ${operation} is malformed.`, status);
    }
    return result.data;
  }
}

/** `greengrassDataPlaneEndpoint`: a host, or `iotdata` for that of `iotDataEndpoint`; a port in it wins. */
function endpointOf(store: EffectiveConfigStore): MutualTlsEndpoint {
  const { nucleus, system } = store.current;
  const port = nucleus.greengrassDataPlanePort ?? DEFAULT_PORT;
  const region = nucleus.awsRegion ?? '';
  const suffix = region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com';
  const configured = nucleus.greengrassDataPlaneEndpoint;
  const dataHost = parseEndpoint(nucleus.iotDataEndpoint ?? '', port)?.host;
  const endpoint =
    configured === 'iotdata'
      ? dataHost && { host: dataHost, port }
      : parseEndpoint(
          configured?.replace(/^https:\/\//, '').replace(/\/$/, '') ??
            `greengrass-ats.iot.${region}.${suffix}`,
          port,
        );
  if (!endpoint) {
    throw new DataPlaneError(
      'REQUEST_REFUSED',
      `The nucleus's greengrassDataPlaneEndpoint ${configured} is no host, host:port or iotdata.`,
    );
  }
  return {
    ...endpoint,
    rootCaPath: system.rootCaPath,
    certificatePath: system.certificateFilePath,
    privateKeyPath: system.privateKeyPath,
  };
}

function reasonIn(body: string): string {
  try {
    const refusal = Refusal.parse(JSON.parse(body));
    return refusal.message ?? refusal.Message ?? 'no reason given';
  } catch {
    return body.trim().slice(0, 200) || 'no reason given';
  }
}
