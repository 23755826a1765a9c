import { createServer } from 'node:tls';
import { type Listener, listen } from '../../../http/listener.js';
import type { Log } from '../../../log.js';
import type { Broker } from '../../../mqtt/index.js';
import type { Identify } from './identity.js';
import type { Peer } from './peer.js';
import type { ServerTls } from './server-tls.js';

/** AWS IoT's protocol name for MQTT with a client certificate on port 443, and the registered one. */
const PROTOCOLS = ['x-amzn-mqtt-ca', 'mqtt'];

/**
 * Serves MQTT over mutual TLS. A connection whose certificate is unknown or not active is closed before any
 * packet of it is read.
 */
export async function listenMqtt(
  tls: ServerTls,
  identify: Identify,
  broker: Broker<Peer>,
  log: Log,
  host: string,
  port: number,
): Promise<Listener> {
  const server = createServer({ ...(await tls.options(PROTOCOLS)), noDelay: true }, (socket) => {
    const peer = identify(socket);
    if (!peer) {
      log('warn', 'A connection without an active certificate was refused', { from: socket.remoteAddress });
      socket.on('error', () => {});
      socket.destroy();
      return;
    }
    broker.accept(socket, peer);
  });
  server.on('tlsClientError', (error, socket) => {
    log('info', 'A TLS handshake failed', { error: error.message });
    socket.destroy();
  });
  tls.renew(server);
  return listen(server, host, port, 'MQTT');
}
