import { createHash } from 'node:crypto';
import { z } from 'zod';
import { backoff, type Clock, pause } from '../clock.js';
import { DeviceError, messageOf } from '../errors.js';
import { MANIFEST_TYPES } from './manifest.js';
import { type ImageReference, isLoopback, registryUrl } from './reference.js';

/** What a registry's user signs in with. */
export interface RegistryLogin {
  readonly username: string;
  readonly password: string;
}

export interface RegistryClientOptions {
  readonly reference: ImageReference;
  /** Asked when the registry wants to know who asks; undefined for anonymous. */
  readonly login: () => Promise<RegistryLogin | undefined>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

const TRIES = 4;
const RETRY_BASE = 500;
const RETRY_CEILING = 8_000;
/** Milliseconds for a registry's answer to begin. */
const ANSWER_TIMEOUT = 60_000;
const MAX_MANIFEST_BYTES = 4 * 2 ** 20;

const TokenAnswer = z
  .object({ token: z.string().optional(), access_token: z.string().optional() })
  .transform(({ token, access_token }) => token ?? access_token);

/** A client of the OCI distribution API (distribution-spec 1.1) for one repository. */
export class RegistryClient {
  #authorization: string | undefined;
  readonly #base: string;
  readonly #name: string;

  constructor(private readonly options: RegistryClientOptions) {
    const { registry, repository } = options.reference;
    this.#base = `${registryUrl(registry)}/v2/${repository}`;
    this.#name = `${registry}/${repository}`;
  }

  /**
   * Fetches a manifest or list of manifests.
   *
   * @param reference tag or digest; a digest is checked
   * @throws DeviceError ARTIFACT_INVALID, OFFLINE
   */
  async manifest(reference: string): Promise<{ body: Buffer; digest: string }> {
    const body = await this.#bytes(`manifests/${reference}`, MANIFEST_TYPES.join(', '), reference);
    const digest = `sha256:${createHash('sha256').update(body).digest('hex')}`;
    if (reference.startsWith('sha256:') && digest !== reference) {
      throw new DeviceError(
        'ARTIFACT_INVALID',
        `${this.#name}@${reference} is not what the registry sent: it has the digest ${digest}.`,
      );
    }
    return { body, digest };
  }

  /** Fetches a small blob whole, checked. @throws DeviceError ARTIFACT_INVALID, OFFLINE */
  async blob(digest: string): Promise<Buffer> {
    const body = await this.#bytes(`blobs/${digest}`, '*/*', digest);
    const actual = `sha256:${createHash('sha256').update(body).digest('hex')}`;
    if (actual !== digest) {
      throw new DeviceError(
        'ARTIFACT_INVALID',
        `A part of ${this.#name} is damaged: it should have the digest ${digest}, but has ${actual}.`,
      );
    }
    return body;
  }

  /**
   * Begins to fetch a blob, from a byte on; tries again when the registry fails or cannot be reached.
   *
   * @returns a response of status 206, or of 200 with the whole blob
   * @throws DeviceError ARTIFACT_INVALID, OFFLINE
   */
  blobFrom(digest: string, offset: number): Promise<Response> {
    const headers: Record<string, string> = offset > 0 ? { range: `bytes=${offset}-` } : {};
    return this.#get(`blobs/${digest}`, headers, digest);
  }

  async #bytes(path: string, accept: string, what: string): Promise<Buffer> {
    const response = await this.#get(path, { accept }, what);
    const chunks: Uint8Array[] = [];
    let size = 0;
    try {
      for await (const chunk of response.body ?? []) {
        size += chunk.length;
        if (size > MAX_MANIFEST_BYTES) break;
        chunks.push(chunk);
      }
    } catch (error) {
      this.options.signal.throwIfAborted();
      throw new DeviceError('OFFLINE', `${this.#name} ${what} was cut off: ${messageOf(error)}.`);
    }
    if (size > MAX_MANIFEST_BYTES) {
      throw new DeviceError('ARTIFACT_INVALID', `${this.#name} ${what} is larger than a manifest may be.`);
    }
    return Buffer.concat(chunks);
  }

  async #get(path: string, headers: Readonly<Record<string, string>>, what: string): Promise<Response> {
    const { clock, signal } = this.options;
    for (let attempt = 1; ; attempt++) {
      let problem: string;
      try {
        const response = await this.#authorized(`${this.#base}/${path}`, headers);
        if (response.ok) return response;
        await response.body?.cancel();
        problem = `the registry answers with status ${response.status}`;
        if (response.status < 500 && response.status !== 429 && response.status !== 408) {
          throw this.#refusal(response.status, what);
        }
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof DeviceError) throw error;
        problem = causeOf(error);
      }
      if (attempt >= TRIES) {
        throw new DeviceError('OFFLINE', `${this.#name} ${what} cannot be fetched: ${problem}.`);
      }
      await pause(clock, backoff(attempt, RETRY_BASE, RETRY_CEILING), signal);
    }
  }

  #refusal(status: number, what: string): DeviceError {
    if (status === 404) {
      return new DeviceError('ARTIFACT_INVALID', `The registry has no ${this.#name} ${what}.`);
    }
    if (status === 401 || status === 403) {
      return new DeviceError(
        'ARTIFACT_INVALID',
        `The registry lets this device not have ${this.#name} ${what}.`,
      );
    }
    return new DeviceError(
      'ARTIFACT_INVALID',
      `The registry refuses ${this.#name} ${what} with status ${status}.`,
    );
  }

  /** Asks, and when the registry wants to know who asks, asks again as it wants it. */
  async #authorized(url: string, headers: Readonly<Record<string, string>>): Promise<Response> {
    const first = await this.#fetch(url, headers, this.#authorization);
    if (first.status !== 401) return first;
    const challenge = first.headers.get('www-authenticate') ?? '';
    this.#authorization = await this.#answerTo(challenge);
    if (this.#authorization === undefined) return first;
    await first.body?.cancel();
    return this.#fetch(url, headers, this.#authorization);
  }

  async #answerTo(challenge: string): Promise<string | undefined> {
    const [, scheme = '', rest = ''] = /^\s*([A-Za-z]+)\s*(.*)$/s.exec(challenge) ?? [];
    const login = await this.options.login();
    const basic = login && `Basic ${Buffer.from(`${login.username}:${login.password}`).toString('base64')}`;
    if (scheme.toLowerCase() === 'basic') return basic;
    if (scheme.toLowerCase() !== 'bearer') return undefined;
    const parameters = new Map(
      [...rest.matchAll(/([a-z]+)="([^"]*)"/gi)].map(([, key = '', value = '']) => [
        key.toLowerCase(),
        value,
      ]),
    );
    const realm = URL.parse(parameters.get('realm') ?? '');
    if (!realm) return undefined;
    // A password is never sent in the clear over a network.
    const isSafe = realm.protocol === 'https:' || isLoopback(realm.host);
    const service = parameters.get('service');
    if (service !== undefined) realm.searchParams.set('service', service);
    const scope = parameters.get('scope') ?? `repository:${this.options.reference.repository}:pull`;
    realm.searchParams.set('scope', scope);
    const answer = await this.#fetch(realm.href, {}, isSafe ? basic : undefined);
    if (!answer.ok) {
      await answer.body?.cancel();
      if (answer.status >= 500) throw new Error(`its token service answers with status ${answer.status}`);
      return undefined;
    }
    const token = TokenAnswer.safeParse(await answer.json()).data;
    return token === undefined ? undefined : `Bearer ${token}`;
  }

  /** Redirects to another host are followed without the authorization, as `fetch` does it. */
  async #fetch(
    url: string,
    headers: Readonly<Record<string, string>>,
    authorization: string | undefined,
  ): Promise<Response> {
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(new Error('no answer in time')), ANSWER_TIMEOUT);
    try {
      return await fetch(url, {
        headers: { ...headers, ...(authorization !== undefined && { authorization }) },
        signal: AbortSignal.any([this.options.signal, late.signal]),
      });
    } finally {
      clearTimeout(timer);
    }
  }
}

/** `fetch` says only that it failed; its cause says why. */
function causeOf(error: unknown): string {
  return error instanceof Error && error.cause !== undefined ? messageOf(error.cause) : messageOf(error);
}
