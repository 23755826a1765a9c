import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { isIP } from 'node:net';
import { type KeyPairPaths, readKeyPair } from '../key-pair.js';

/** Where a service that takes the device's certificate is, and the files that the device shows itself with. */
export interface MutualTlsEndpoint extends KeyPairPaths {
  readonly host: string;
  readonly port: number;
  readonly rootCaPath: string;
}

export interface HttpAnswer {
  readonly status: number;
  readonly body: string;
}

/** Milliseconds without a byte after which a connection counts as broken. */
const IDLE_TIMEOUT = 30_000;
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;

/**
 * Makes one HTTPS request with the device's certificate, which is read anew.
 *
 * @throws Error of the network or the file system, or the signal's reason
 */
export async function requestWithCertificate(
  endpoint: MutualTlsEndpoint,
  call: { method: 'GET' | 'POST'; path: string; headers?: Record<string, string>; body?: string },
  signal: AbortSignal,
): Promise<HttpAnswer> {
  signal.throwIfAborted();
  const { host, port } = endpoint;
  const { certificate, privateKey } = readKeyPair(endpoint);
  const identity = { ca: readFileSync(endpoint.rootCaPath), cert: certificate, key: privateKey };
  return await new Promise<HttpAnswer>((resolve, reject) => {
    const outgoing = request(
      {
        ...identity,
        host,
        port,
        method: call.method,
        path: call.path,
        agent: false,
        timeout: IDLE_TIMEOUT,
        headers: {
          ...(call.body !== undefined && { 'content-length': Buffer.byteLength(call.body) }),
          ...call.headers,
        },
        ...(isIP(host) === 0 && { servername: host }),
        // One port serves several protocols there, told apart by this name.
        ...(port === 443 && { ALPNProtocols: ['x-amzn-http-ca', 'http/1.1'] }),
      },
      (response) => readWhole(response).then(resolve, reject),
    );
    const abort = () => outgoing.destroy(abortError(signal));
    signal.addEventListener('abort', abort, { once: true });
    outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer within ${IDLE_TIMEOUT / 1000} s`)));
    outgoing.on('error', reject);
    outgoing.on('close', () => signal.removeEventListener('abort', abort));
    outgoing.end(call.body);
  }).catch((error: unknown) => {
    signal.throwIfAborted();
    throw error;
  });
}

function readWhole(response: IncomingMessage): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let length = 0;
    response.on('data', (part: Buffer) => {
      parts.push(part);
      length += part.length;
      if (length > MAX_ANSWER_BYTES) response.destroy(new Error('the answer is too long'));
    });
    response.on('end', () =>
      resolve({ status: response.statusCode ?? 500, body: Buffer.concat(parts).toString('utf8') }),
    );
    response.on('aborted', () => reject(new Error('the connection was lost')));
    response.on('error', reject);
  });
}

function abortError(signal: AbortSignal): Error {
  return signal.reason instanceof Error ? signal.reason : new Error('given up');
}
