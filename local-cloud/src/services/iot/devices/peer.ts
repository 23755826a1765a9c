import type { Principal } from '../../../service.js';

/** What is known of who opened a connection to a device listener, or to MQTT over WebSocket. */
export interface Peer {
  readonly principal: Principal;
  readonly sourceIp: string;
  readonly sourcePort: number;
  /** Server name that the client asked for in its TLS handshake. */
  readonly domainName: string | undefined;
}
