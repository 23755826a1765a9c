import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { z } from 'zod';
import type { Clock } from '../clock.js';
import { parseEndpoint } from '../config/endpoint.js';
import { DeviceError, messageOf } from '../errors.js';
import { type KeyPairPaths, readKeyPair } from '../key-pair.js';

/** Temporary credentials of the role that the device's role alias stands for. */
export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
  readonly expiration: Date;
}

/** Where the device gets its credentials and as whom it asks; read anew for each request. */
export interface CredentialsSource extends KeyPairPaths {
  /** `iotCredEndpoint` of the nucleus: host, or host:port. */
  readonly endpoint: string | undefined;
  /** `iotRoleAlias` of the nucleus. */
  readonly roleAlias: string | undefined;
  readonly thingName: string;
  readonly rootCaPath: string;
}

/** The credentials provider's refusal, or its failure; `status` is undefined when it gave no answer. */
export class CredentialsError extends DeviceError {
  constructor(
    code: 'CONFIG_INVALID' | 'OFFLINE' | 'REQUEST_REFUSED',
    message: string,
    readonly status?: number,
    options?: ErrorOptions,
  ) {
    super(code, message, options);
  }
}

const Answer = z.object({
  credentials: z.object({
    accessKeyId: z.string().min(1),
    secretAccessKey: z.string().min(1),
    sessionToken: z.string().min(1),
    expiration: z.string().transform((text, context) => {
      const time = new Date(text);
      if (Number.isNaN(time.getTime())) context.addIssue('is no time');
      return time;
    }),
  }),
});

/** Milliseconds before their expiry when credentials are asked for anew, as the nucleus does. */
const RENEW_BEFORE = 5 * 60_000;
/** Milliseconds that the provider may take to answer. */
const ANSWER_TIMEOUT = 30_000;
const MAX_ANSWER_BYTES = 65_536;

/**
 * The device's own AWS credentials, from the credentials provider of AWS IoT Core, with the certificate that
 * is on disk now.
 */
export class DeviceCredentials {
  #cached: { readonly credentials: AwsCredentials; readonly source: string } | undefined;
  #asking: { readonly answer: Promise<AwsCredentials>; readonly source: string } | undefined;

  constructor(
    private readonly source: () => CredentialsSource,
    private readonly clock: Clock,
  ) {}

  /**
   * Credentials that are good for minutes at least; those of an earlier call until shortly before they expire.
   *
   * @throws CredentialsError REQUEST_REFUSED or CONFIG_INVALID for what asking again does not mend, OFFLINE for
   *   the rest; or the signal's reason
   */
  async get(signal?: AbortSignal): Promise<AwsCredentials> {
    signal?.throwIfAborted();
    const source = this.source();
    const key = `${source.endpoint} ${source.roleAlias} ${source.thingName}`;
    const cached = this.#cached;
    if (cached?.source === key && cached.credentials.expiration.getTime() - RENEW_BEFORE > this.clock.now()) {
      return cached.credentials;
    }
    let asking = this.#asking;
    if (asking?.source !== key) {
      const answer = ask(source).finally(() => {
        if (this.#asking?.answer === answer) this.#asking = undefined;
      });
      asking = { answer, source: key };
      this.#asking = asking;
    }
    const credentials = await abortable(asking.answer, signal);
    this.#cached = { credentials, source: key };
    return credentials;
  }
}

async function ask(source: CredentialsSource): Promise<AwsCredentials> {
  const { roleAlias } = source;
  const endpoint = source.endpoint === undefined ? undefined : parseEndpoint(source.endpoint, 443);
  if (!endpoint || !roleAlias) {
    const key = endpoint ? 'iotRoleAlias' : 'iotCredEndpoint';
    throw new CredentialsError(
      'CONFIG_INVALID',
      `The device has no AWS credentials: the nucleus's ${key} is not configured.`,
    );
  }
  const where = `${endpoint.host}:${endpoint.port}`;
  const { status, body } = await exchange(source, endpoint, roleAlias).catch((error: unknown) => {
    throw new CredentialsError(
      'OFFLINE',
      `The credentials provider ${where} cannot be reached: ${messageOf(error)}.`,
      undefined,
      { cause: error },
    );
  });
  if (status !== 200) {
    throw new CredentialsError(
      status >= 400 && status < 500 && status !== 429 ? 'REQUEST_REFUSED' : 'OFFLINE',
      `The credentials provider ${where} gives no credentials for the role alias ${roleAlias}: ${reasonIn(body)} (status ${status}).`,
      status,
    );
  }
  try {
    return Answer.parse(JSON.parse(body)).credentials;
  } catch (error) {
    throw new CredentialsError(
      'OFFLINE',
      `The credentials provider ${where} answered something else than credentials.`,
      undefined,
      { cause: error },
    );
  }
}

async function exchange(
  source: CredentialsSource,
  { host, port }: { host: string; port: number },
  roleAlias: string,
): Promise<{ status: number; body: string }> {
  const { certificate, privateKey } = readKeyPair(source);
  const identity = { ca: readFileSync(source.rootCaPath), cert: certificate, key: privateKey };
  return new Promise((resolve, reject) => {
    const call = request(
      {
        ...identity,
        host,
        port,
        agent: false,
        path: `/role-aliases/${encodeURIComponent(roleAlias)}/credentials`,
        headers: { 'x-amzn-iot-thingname': source.thingName },
        timeout: ANSWER_TIMEOUT,
        // The credentials provider on 443 is chosen by this name where one port serves several.
        ...(port === 443 && { ALPNProtocols: ['x-amzn-http-ca', 'http/1.1'] }),
      },
      (response) => {
        let body = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          body += chunk;
          if (body.length > MAX_ANSWER_BYTES) response.destroy(new Error('its answer is too long'));
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 500, body }));
        response.on('error', reject);
      },
    );
    call.on('timeout', () => call.destroy(new Error(`no answer within ${ANSWER_TIMEOUT / 1000} s`)));
    call.on('error', reject);
    call.end();
  });
}

const Reason = z.object({ message: z.string() });

/** The provider's own words. */
function reasonIn(body: string): string {
  try {
    return Reason.parse(JSON.parse(body)).message;
  } catch {
    return body.trim().slice(0, 200) || 'no reason given';
  }
}

/** Waits for a promise that others may wait for too, but no longer than the signal allows. */
function abortable<Value>(promise: Promise<Value>, signal: AbortSignal | undefined): Promise<Value> {
  if (!signal) return promise;
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
