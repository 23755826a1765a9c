import type { Clock } from '../clock.js';
import { DeviceError, messageOf } from '../errors.js';
import type { DeviceCredentials } from '../tes/device-credentials.js';
import type { RegistryLogin } from './registry-client.js';

export interface EcrOptions {
  readonly credentials: Pick<DeviceCredentials, 'get'>;
  /** The device's region, for registries whose name tells none. */
  readonly region: () => string | undefined;
  /** Where `AWS_ENDPOINT_URL` and `AWS_ENDPOINT_URL_ECR` are looked for, as every AWS SDK does. */
  readonly environment: Readonly<NodeJS.ProcessEnv>;
  readonly clock: Clock;
}

/** Milliseconds before its expiry when a token is asked for anew. */
const RENEW_BEFORE = 5 * 60_000;

/** Signs in at private registries of Amazon ECR, with the device's own credentials. */
export class EcrLogins {
  readonly #tokens = new Map<string, { login: RegistryLogin; expires: number }>();

  constructor(private readonly options: EcrOptions) {}

  /**
   * What to sign in with; undefined for registries that are not ECR's private ones.
   *
   * @throws DeviceError OFFLINE, or ARTIFACT_INVALID when ECR refuses the device
   */
  async of(registry: string, signal: AbortSignal): Promise<RegistryLogin | undefined> {
    const place = this.#placeOf(registry);
    if (!place) return undefined;
    const { clock } = this.options;
    const known = this.#tokens.get(registry);
    if (known && known.expires - RENEW_BEFORE > clock.now()) return known.login;
    // Loaded here: most devices have an engine, or no images at all.
    const { ECRClient, GetAuthorizationTokenCommand } = await import('@aws-sdk/client-ecr');
    const client = new ECRClient({
      region: place.region,
      ...(place.endpoint !== undefined && { endpoint: place.endpoint }),
      credentials: () => this.options.credentials.get(signal),
    });
    try {
      const { authorizationData } = await client.send(new GetAuthorizationTokenCommand({}), {
        abortSignal: signal,
      });
      const [data] = authorizationData ?? [];
      const [username, password] = Buffer.from(data?.authorizationToken ?? '', 'base64')
        .toString('utf8')
        .split(/:(.*)/s);
      if (!username || password === undefined) throw new Error('it gave no token');
      const login = { username, password };
      this.#tokens.set(registry, { login, expires: data?.expiresAt?.getTime() ?? 0 });
      return login;
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof DeviceError) throw error;
      const isRefusal = isStatus(error, 400, 403);
      throw new DeviceError(
        isRefusal ? 'ARTIFACT_INVALID' : 'OFFLINE',
        `Amazon ECR gives no authorization for ${registry}: ${messageOf(error)}.`,
        { cause: error },
      );
    } finally {
      client.destroy();
    }
  }

  #placeOf(registry: string): { region: string; endpoint: string | undefined } | undefined {
    const { environment, region } = this.options;
    const endpoint = environment.AWS_ENDPOINT_URL_ECR ?? environment.AWS_ENDPOINT_URL;
    const match = /^\d{12}\.dkr\.ecr(?:-fips)?\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?$/.exec(registry);
    if (match?.[1] !== undefined) return { region: match[1], endpoint };
    if (endpoint === undefined || URL.parse(endpoint)?.host !== registry) return undefined;
    return { region: region() ?? 'us-east-1', endpoint };
  }
}

function isStatus(error: unknown, ...statuses: readonly number[]): boolean {
  if (typeof error !== 'object' || error === null || !('$metadata' in error)) return false;
  const metadata: unknown = error.$metadata;
  if (typeof metadata !== 'object' || metadata === null || !('httpStatusCode' in metadata)) return false;
  return statuses.some((status) => metadata.httpStatusCode === status);
}
