import type { IncomingMessage } from 'node:http';
import { createWebSocketStream, WebSocketServer } from 'ws';
import type { Clock } from '../../../clock.js';
import { AwsError } from '../../../errors.js';
import { requestOf, type UpgradeHandler } from '../../../http/listener.js';
import { authenticate, type CredentialsLookup, readSignature } from '../../../http/sigv4.js';
import type { Broker } from '../../../mqtt/index.js';
import { accountPrincipal, type Principal } from '../../../service.js';
import { addressOf } from './identity.js';
import type { Peer } from './peer.js';

/** WebSocket frames larger than this end the connection; MQTT packets may span frames. */
const LARGEST_FRAME = 256 * 1024;
const SUBPROTOCOLS = ['mqtt', 'mqttv3.1', 'mqttv5.0'];

/**
 * Serves MQTT over WebSocket at `/mqtt`, authenticated by Signature Version 4 in the query or the header (AWS IoT
 * developer guide, "MQTT over the WebSocket protocol").
 */
export function mqttOverWebSocket(
  broker: Broker<Peer>,
  credentials: CredentialsLookup,
  accountId: string,
  clock: Clock,
): { upgrade: UpgradeHandler; close(): void } {
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: LARGEST_FRAME,
    perMessageDeflate: false,
    handleProtocols: (offered) => SUBPROTOCOLS.find((name) => offered.has(name)) ?? false,
  });
  const account = accountPrincipal(accountId);

  function authenticated(incoming: IncomingMessage): Principal {
    const request = requestOf(incoming);
    if (request.path !== '/mqtt')
      throw new AwsError('NotFound', `There is no WebSocket at ${request.path}`, 404);
    const signature = readSignature(request);
    if (signature?.service !== 'iotdevicegateway') {
      throw new AwsError('Forbidden', 'The request is not signed for the service iotdevicegateway', 403);
    }
    return authenticate(request, signature, credentials, account, clock);
  }

  return {
    upgrade(request, socket, head) {
      let principal: Principal;
      try {
        principal = authenticated(request);
      } catch (error) {
        const { status, message } =
          error instanceof AwsError ? error : { status: 400, message: 'Bad request' };
        socket.on('error', () => {});
        socket.once('finish', () => socket.destroy());
        socket.end(
          `HTTP/1.1 ${status} ${status === 404 ? 'Not Found' : 'Forbidden'}\r\nconnection: close\r\n` +
            `content-type: text/plain\r\ncontent-length: ${Buffer.byteLength(message)}\r\n\r\n${message}`,
        );
        return;
      }
      request.socket.setNoDelay(true);
      server.handleUpgrade(request, socket, head, (webSocket) => {
        const peer = { principal, ...addressOf(request.socket), domainName: undefined };
        broker.accept(createWebSocketStream(webSocket), peer);
      });
    },
    close() {
      for (const webSocket of server.clients) webSocket.terminate();
      server.close();
    },
  };
}
