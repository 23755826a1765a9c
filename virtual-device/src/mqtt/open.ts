import { isIP } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { type ErrorWithReasonCode, type IConnackPacket, MqttClient } from 'mqtt';
import type { Endpoint } from '../config/endpoint.js';
import { errnoOf, messageOf } from '../errors.js';

/** How to reach AWS IoT Core with a certificate, and as whom. */
export interface MqttOpenOptions {
  readonly endpoint: Endpoint;
  readonly clientId: string;
  /** PEM texts. */
  readonly ca: string;
  readonly certificate: string;
  readonly privateKey: string;
  readonly version: 'mqtt5' | 'mqtt3';
  readonly keepAliveSeconds: number;
  readonly clean: boolean;
  /** MQTT 5 only, seconds. */
  readonly sessionExpirySeconds?: number;
  readonly receiveMaximum?: number;
  /** Milliseconds that the whole connecting may take. */
  readonly timeout: number;
  /** Called with a client that has not connected yet, so that no packet after CONNACK is missed. */
  readonly prepare?: (client: MqttClient) => void;
}

/**
 * Why a connection could not be made:
 * - `network`: nobody there, or the connection was lost; trying again may help
 * - `dropped`: TLS was fine, then the server closed without a word, as AWS IoT does with certificates and
 *   clients that it does not take, and as any server does that is going down
 * - `refused`: the broker's CONNACK refuses this client
 * - `certificate-refused`: the server's TLS refuses the client certificate
 * - `server-untrusted`: the server's certificate is not signed by the root CA, or is for another host
 */
export type MqttOpenFailure = 'network' | 'dropped' | 'refused' | 'certificate-refused' | 'server-untrusted';

export class MqttOpenError extends Error {
  override readonly name = 'MqttOpenError';

  constructor(
    readonly kind: MqttOpenFailure,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

export interface OpenedMqtt {
  readonly client: MqttClient;
  readonly sessionPresent: boolean;
}

/**
 * Makes one MQTT connection over mutual TLS. The client does not reconnect by itself: whoever opened it
 * decides when to try again, with what certificate.
 *
 * @throws MqttOpenError, or the signal's reason
 */
export function openMqtt(options: MqttOpenOptions, signal: AbortSignal): Promise<OpenedMqtt> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason);
      return;
    }
    let socketError: Error | undefined;
    let secured = false;
    const version5 = options.version === 'mqtt5';
    let client: MqttClient;
    try {
      client = new MqttClient(
        () => {
          const { host, port } = options.endpoint;
          const socket = connectTls({
            host,
            port,
            ...(isIP(host) === 0 && { servername: host }),
            ca: options.ca,
            cert: options.certificate,
            key: options.privateKey,
            minVersion: 'TLSv1.2',
          });
          socket.setNoDelay(true);
          socket.on('secureConnect', () => {
            secured = true;
          });
          socket.on('error', (error) => {
            socketError = error;
          });
          return socket;
        },
        {
          protocolVersion: version5 ? 5 : 4,
          clientId: options.clientId,
          keepalive: options.keepAliveSeconds,
          clean: options.clean,
          reconnectPeriod: 0,
          resubscribe: false,
          connectTimeout: options.timeout,
          ...(version5 && {
            properties: {
              ...(options.sessionExpirySeconds && { sessionExpiryInterval: options.sessionExpirySeconds }),
              ...(options.receiveMaximum && { receiveMaximum: options.receiveMaximum }),
              requestProblemInformation: true,
            },
          }),
        },
      );
    } catch (error) {
      // Node refuses a malformed certificate or key before it connects.
      reject(new MqttOpenError('certificate-refused', messageOf(error), { cause: error }));
      return;
    }
    options.prepare?.(client);
    let refusal: Error | undefined;
    const settle = () => {
      client.off('connect', connected);
      client.off('close', closed);
      signal.removeEventListener('abort', abort);
    };
    const connected = (packet: IConnackPacket) => {
      settle();
      resolve({ client, sessionPresent: packet.sessionPresent });
    };
    const closed = () => {
      settle();
      client.end(true);
      reject(openError(options.endpoint, socketError, refusal, secured));
    };
    const abort = () => {
      settle();
      client.end(true);
      reject(signal.reason);
    };
    client.on('error', (error) => {
      refusal ??= error;
    });
    client.on('connect', connected);
    client.on('close', closed);
    signal.addEventListener('abort', abort, { once: true });
  });
}

/** Ends a connection with DISCONNECT when it still stands; resolves when it is closed. */
export async function closeMqtt(client: MqttClient): Promise<void> {
  if (!client.connected) {
    client.end(true);
    return;
  }
  const closed = new Promise<void>((resolve) => client.once('close', () => resolve()));
  client.end(false);
  await closed;
}

function openError(
  endpoint: Endpoint,
  socket: Error | undefined,
  client: Error | undefined,
  secured: boolean,
): MqttOpenError {
  const where = `${endpoint.host}:${endpoint.port}`;
  if (socket) {
    const code = errnoOf(socket) ?? '';
    if (/^ERR_SSL_.*ALERT/.test(code)) {
      return new MqttOpenError('certificate-refused', `${where} refuses the certificate (${code})`, {
        cause: socket,
      });
    }
    if (SERVER_UNTRUSTED.test(code)) {
      return new MqttOpenError('server-untrusted', `${where} cannot be trusted: ${socket.message}`, {
        cause: socket,
      });
    }
    return new MqttOpenError('network', `${where}: ${socket.message}`, { cause: socket });
  }
  if (client && isReasoned(client)) {
    return new MqttOpenError('refused', `${where} refuses the connection: ${client.message}`, {
      cause: client,
    });
  }
  if (secured && !client) {
    return new MqttOpenError('dropped', `${where} closed the connection without accepting or refusing it`);
  }
  const detail = client?.message ?? 'the connection was closed before it was accepted';
  return new MqttOpenError('network', `${where}: ${detail}`, { cause: client });
}

/** OpenSSL's verification results as Node names them, and Node's own for a wrong host name. */
const SERVER_UNTRUSTED =
  /^(ERR_TLS_CERT_ALTNAME_INVALID|UNABLE_TO_|SELF_SIGNED_CERT|DEPTH_ZERO_SELF_SIGNED|CERT_|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH_EXCEEDED)/;

function isReasoned(error: Error): error is ErrorWithReasonCode {
  return 'code' in error && typeof error.code === 'number';
}
