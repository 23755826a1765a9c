import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Clock } from '../clock.js';
import { messageOf } from '../errors.js';
import type { Log } from '../log/device-log.js';
import { type AwsCredentials, CredentialsError, type DeviceCredentials } from './device-credentials.js';

/** The component of AWS that stands for this service. */
export const TOKEN_EXCHANGE_SERVICE = 'aws.greengrass.TokenExchangeService';

const PATH = '/2016-11-01/credentialprovider/';

/** Milliseconds that a failure is answered again without asking, as the nucleus has them by default. */
const CLIENT_ERROR_CACHE = 2 * 60_000;
const SERVER_ERROR_CACHE = 60_000;
const UNKNOWN_ERROR_CACHE = 10_000;

export interface TokenExchangeOptions {
  readonly credentials: Pick<DeviceCredentials, 'get'>;
  /** Whether a token is one of the device's components'. */
  readonly authenticate: (token: string) => boolean;
  /** 0 for any that is free. */
  readonly port: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** The token exchange service: AWS SDKs in components get the device's credentials from it. */
export interface TokenExchange {
  /** What `AWS_CONTAINER_CREDENTIALS_FULL_URI` is for components. */
  readonly uri: string;
  close(): Promise<void>;
}

/**
 * Starts the token exchange service on this machine's loopback address, in the protocol of the Amazon ECS
 * container credentials provider.
 */
export async function startTokenExchange(options: TokenExchangeOptions): Promise<TokenExchange> {
  const handler = new CredentialsHandler(options);
  const server = createServer((request, response) => {
    handler.answer(request, response).catch((error: unknown) => {
      options.log('warn', `A request for credentials failed: ${messageOf(error)}`);
      response.destroy();
    });
  });
  await listen(server, options.port).catch((error: unknown) => {
    if (options.port === 0) throw error;
    options.log(
      'error',
      `The token exchange service takes another port than ${options.port}: ${messageOf(error)}`,
    );
    return listen(server, 0);
  });
  const { port } = server.address() as AddressInfo;
  return {
    uri: `http://127.0.0.1:${port}${PATH}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject);
      resolve();
    });
  });
}

class CredentialsHandler {
  /** The last failure, answered until its time is over. */
  #failure: { readonly status: number; readonly message: string; readonly until: number } | undefined;

  constructor(private readonly options: TokenExchangeOptions) {}

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { authenticate } = this.options;
    if (request.method !== 'GET') {
      response.writeHead(405).end();
      return;
    }
    if (URL.parse(request.url ?? '', 'http://localhost')?.pathname !== PATH) {
      response.writeHead(400).end();
      return;
    }
    if (!authenticate(request.headers.authorization ?? '')) {
      response.writeHead(403).end();
      return;
    }
    const outcome = await this.#outcome();
    if ('message' in outcome) {
      response.writeHead(outcome.status, { 'content-type': 'text/plain' }).end(outcome.message);
      return;
    }
    const body = {
      AccessKeyId: outcome.accessKeyId,
      SecretAccessKey: outcome.secretAccessKey,
      Token: outcome.sessionToken,
      // Without fractions of a second, which some SDKs do not parse.
      Expiration: outcome.expiration.toISOString().replace(/\.\d+Z$/, 'Z'),
    };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  }

  async #outcome(): Promise<AwsCredentials | { status: number; message: string }> {
    const { credentials, clock, log } = this.options;
    if (this.#failure && this.#failure.until > clock.now()) return this.#failure;
    try {
      const found = await credentials.get();
      this.#failure = undefined;
      return found;
    } catch (error) {
      const cloudStatus = error instanceof CredentialsError ? error.status : undefined;
      const message = messageOf(error);
      log('error', `Components get no AWS credentials: ${message}`);
      this.#failure = {
        status: cloudStatus !== undefined && cloudStatus >= 400 ? cloudStatus : 500,
        message,
        until: clock.now() + cacheTime(cloudStatus),
      };
      return this.#failure;
    }
  }
}

function cacheTime(status: number | undefined): number {
  if (status === undefined) return UNKNOWN_ERROR_CACHE;
  if (status >= 400 && status < 500) return CLIENT_ERROR_CACHE;
  return status >= 500 && status < 600 ? SERVER_ERROR_CACHE : UNKNOWN_ERROR_CACHE;
}
