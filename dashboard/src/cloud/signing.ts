import { Sha256 } from '@aws-crypto/sha256-js';
import { SignatureV4 } from '@smithy/signature-v4';
import type { Credentials } from './identity-pool.js';

/** A request as `fetch` takes it. */
export interface SignedRequest {
  url: string;
  init: { method: string; headers: Record<string, string>; body?: string };
}

/**
 * Signs a request to a Lambda function URL (Signature Version 4, service `lambda`).
 *
 * @param path with its percent-encoding; `query` without.
 */
export async function signForFunctionUrl(
  request: {
    method: string;
    baseUrl: string;
    path: string;
    query: Record<string, string | string[]>;
    body?: string;
  },
  credentials: Credentials,
  region: string,
  now: Date,
): Promise<SignedRequest> {
  const base = new URL(request.baseUrl);
  const path = `${base.pathname.replace(/\/$/, '')}${request.path}`;
  const signed = await signer(credentials, region, 'lambda').sign(
    {
      method: request.method,
      protocol: base.protocol,
      hostname: base.hostname,
      path,
      query: request.query,
      headers: {
        host: base.host,
        ...(request.body !== undefined && { 'content-type': 'application/json' }),
      },
      body: request.body,
    },
    { signingDate: now },
  );
  // The browser writes the host itself, and lets nobody else.
  const { host: _, ...headers } = signed.headers;
  // Not by URLSearchParams: a signature wants a space as %20.
  const query = Object.entries(request.query)
    .flatMap(([name, value]) => [value].flat().map((each) => `${name}=${encodeURIComponent(each)}`))
    .join('&');
  const search = query === '' ? '' : `?${query}`;
  return {
    url: `${base.origin}${path}${search}`,
    init: { method: request.method, headers, body: request.body },
  };
}

/**
 * Presigns the URL of MQTT over WebSocket. AWS IoT wants the session token after the signature is made, not in it
 * (AWS IoT Core developer guide, "MQTT over WebSocket protocol").
 */
export async function presignMqtt(
  mqttUrl: string,
  credentials: Credentials,
  region: string,
  now: Date,
): Promise<string> {
  const url = new URL(mqttUrl);
  const { sessionToken, accessKeyId, secretAccessKey } = credentials;
  const signed = await signer({ accessKeyId, secretAccessKey }, region, 'iotdevicegateway').presign(
    {
      method: 'GET',
      protocol: url.protocol,
      hostname: url.hostname,
      path: url.pathname,
      headers: { host: url.host },
      query: {},
    },
    { signingDate: now, expiresIn: 300 },
  );
  const query = new URLSearchParams(
    Object.entries(signed.query ?? {}).map(([name, value]) => [name, String(value)]),
  );
  query.set('X-Amz-Security-Token', sessionToken);
  return `${url.origin}${url.pathname}?${query}`;
}

function signer(
  credentials: { accessKeyId: string; secretAccessKey: string; sessionToken?: string },
  region: string,
  service: string,
): SignatureV4 {
  return new SignatureV4({ credentials, region, service, sha256: Sha256 });
}
