import { randomUUID } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import type { HttpHandler } from '../../../http/front.js';
import { type Listener, listenHttps } from '../../../http/listener.js';
import type { HttpRequest, HttpResponse } from '../../../http/messages.js';
import type { Base } from '../../../plugin.js';
import type { Service } from '../../../service.js';
import type { Identify } from './identity.js';
import type { Peer } from './peer.js';
import type { ServerTls } from './server-tls.js';

const PROTOCOLS = ['x-amzn-http-ca', 'http/1.1'];

/** What serves devices below a path of the HTTPS listener. */
export interface DevicePath {
  readonly prefix: string;
  /** Narrows the paths with that prefix, where others serve the rest of them. */
  readonly pattern?: RegExp;
  handle(request: HttpRequest, peer: Peer, signal: AbortSignal): Promise<HttpResponse>;
}

/** Serves HTTPS with mutual TLS: the longest prefix that fits a path answers, before others the one with a pattern. */
export async function listenDeviceHttps(
  tls: ServerTls,
  identify: Identify,
  paths: readonly DevicePath[],
  host: string,
  port: number,
): Promise<Listener> {
  const ordered = [...paths].sort(
    (a, b) => b.prefix.length - a.prefix.length || Number(!a.pattern) - Number(!b.pattern),
  );
  const handlerFor = (socket: TLSSocket): HttpHandler => {
    return async (request, signal) => {
      // Asked for each request, as a certificate may be made inactive while its connection is open.
      const peer = identify(socket);
      if (!peer) return refusal(403, 'ForbiddenException', 'Forbidden');
      const path = ordered.find(
        ({ prefix, pattern }) => request.path.startsWith(prefix) && (pattern?.test(request.path) ?? true),
      );
      if (!path) return refusal(404, 'ResourceNotFoundException', `No service answers ${request.path} here`);
      return path.handle(request, peer, signal);
    };
  };
  const listener = await listenHttps(handlerFor, await tls.options(PROTOCOLS), host, port);
  const { server } = listener;
  if ('setSecureContext' in server) tls.renew(server as Parameters<ServerTls['renew']>[0]);
  return listener;
}

/** Serves an AWS API to devices, who are known by their certificates instead of signatures. */
export function servicePath(prefix: string, service: Service, { region, accountId }: Base): DevicePath {
  return {
    prefix,
    handle: (request, { principal }, signal) =>
      service.handle(request, { requestId: randomUUID(), region, accountId, principal, request, signal }),
  };
}

function refusal(status: number, code: string, message: string): HttpResponse {
  const requestId = randomUUID();
  return {
    status,
    headers: {
      'content-type': 'application/json',
      'x-amzn-errortype': code,
      'x-amzn-requestid': requestId,
    },
    body: JSON.stringify({ message, traceId: requestId }),
  };
}
