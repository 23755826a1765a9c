import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Server, Socket } from 'node:net';
import { type Duplex, Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { SecureContextOptions, TLSSocket, TlsOptions } from 'node:tls';
import { reportDefect } from '../defects.js';
import { LocalCloudError } from '../errors.js';
import type { HttpHandler } from './front.js';
import { isLoopback } from './loopback.js';
import type { HttpRequest, HttpResponse } from './messages.js';

/** A listening server. */
export interface Listener {
  readonly port: number;
  readonly server: Server;
  /** Stops listening and ends what is open. */
  close(): Promise<void>;
}

/** Takes over a connection whose client asks for another protocol, such as WebSocket. */
export type UpgradeHandler = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

/** Serves HTTP on `port` (0: any free one); without `upgrade` no client can change the protocol. */
export async function listenHttp(
  handler: HttpHandler,
  host: string,
  port: number,
  upgrade?: UpgradeHandler,
): Promise<Listener> {
  const server = createServer((request, response) => void serve(handler, request, response));
  server.keepAliveTimeout = 65_000;
  if (upgrade) server.on('upgrade', upgrade);
  return listen(server, host, port, 'HTTP');
}

/** Serves HTTPS on `port`; `handlerFor` makes the handler of a connection from its TLS socket. */
export async function listenHttps(
  handlerFor: (socket: TLSSocket) => HttpHandler,
  tls: TlsOptions & SecureContextOptions,
  host: string,
  port: number,
): Promise<Listener> {
  const server = createTlsServer(tls, (request, response) => {
    void serve(handlerFor(request.socket as TLSSocket), request, response);
  });
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  return listen(server, host, port, 'HTTPS');
}

/**
 * Makes a server listen. Its `close` ends every connection, also those that have changed the protocol, or are still
 * in their TLS handshake.
 *
 * @throws LocalCloudError `PortInUse` or `InvalidOption` naming the port, the address and what they were for.
 */
export async function listen(server: Server, host: string, port: number, purpose: string): Promise<Listener> {
  const open = new Set<Socket>();
  server.on('connection', (socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException) => reject(listenError(error, host, port, purpose));
    server.once('error', failed);
    server.listen(port, host, () => {
      server.off('error', failed);
      // A connection could not be taken, for example because too many files are open; the next one may be.
      server.on('error', reportDefect);
      resolve();
    });
  });
  return {
    port: (server.address() as AddressInfo).port,
    server,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of open) socket.destroy();
      await closed;
    },
  };
}

function listenError(error: NodeJS.ErrnoException, host: string, port: number, purpose: string): Error {
  switch (error.code) {
    case 'EADDRINUSE':
    case 'EACCES': {
      const why = error.code === 'EACCES' ? 'may not be used by this user' : 'is taken by another program';
      return new LocalCloudError(
        'PortInUse',
        `Port ${port} on ${host}, for ${purpose}, ${why}; stop that program or choose another port (0 takes any free one)`,
      );
    }
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new LocalCloudError(
        'InvalidOption',
        `${host} is no address of this machine to listen on for ${purpose}; name another one, such as 127.0.0.1`,
      );
    default:
      return error;
  }
}

async function serve(
  handler: HttpHandler,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const gone = new AbortController();
  outgoing.on('close', () => gone.abort());
  try {
    const response = await handler(requestOf(incoming), gone.signal);
    await write(response, incoming, outgoing);
  } catch (error) {
    if (!gone.signal.aborted) reportDefect(error);
    if (!outgoing.headersSent) outgoing.writeHead(500, { 'content-type': 'application/json' });
    outgoing.end();
  }
}

/** The request as services see it. */
export function requestOf(incoming: IncomingMessage): HttpRequest {
  const [path = '/', ...rest] = (incoming.url ?? '/').split('?');
  const rawQuery = rest.join('?');
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(incoming.headers)) {
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(',') : value;
  }
  // IPv4 peers of a socket that takes both families come as mapped addresses (RFC 4291, section 2.5.5.2).
  const sourceIp = (incoming.socket.remoteAddress ?? '').replace(/^::ffff:/, '');
  return {
    method: incoming.method ?? 'GET',
    path,
    rawQuery,
    query: new URLSearchParams(rawQuery),
    headers,
    body: incoming,
    secure: 'encrypted' in incoming.socket || isLoopback(sourceIp),
    sourceIp,
  };
}

async function write(
  response: HttpResponse,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const { body } = response;
  const isHead = incoming.method === 'HEAD';
  const headers = { ...response.headers };
  if (!(body instanceof Readable) && headers['content-length'] === undefined && response.status !== 204) {
    headers['content-length'] = String(body === undefined ? 0 : Buffer.byteLength(body));
  }
  if (response.cookies) outgoing.setHeader('set-cookie', response.cookies);
  outgoing.writeHead(response.status, headers);
  if (body instanceof Readable) {
    if (isHead) {
      body.destroy();
      outgoing.end();
    } else await pipeline(body, outgoing);
  } else {
    outgoing.end(isHead ? undefined : body);
  }
  // What is left of the request would otherwise be taken for the next one on this connection.
  if (!incoming.complete) incoming.resume();
}
