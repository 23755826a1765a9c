import { isIP } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import type { Clock } from '../../runtime/src/clock.js';
import { errnoOf, reasonOf } from '../../runtime/src/errors.js';
import type { KeyPair } from './certificate-store.js';
import type { Endpoint } from './endpoint.js';

/**
 * What a trial showed:
 * - `accepted`: AWS IoT Core takes this certificate for this client id
 * - `refused`: it was there and did not. AWS IoT mostly closes the connection without a word, as any server does
 *   that is going down; so a refusal means something only beside another pair that is accepted
 * - `unreachable`: nobody was there, or nobody that can be trusted
 */
export type TrialOutcome =
  | { readonly outcome: 'accepted' }
  | { readonly outcome: 'refused' | 'unreachable'; readonly reason: string };

export interface TrialOptions {
  readonly endpoint: Endpoint;
  /** PEM. */
  readonly rootCa: string;
  readonly clientId: string;
  readonly clock: Clock;
}

const TIMEOUT_MS = 30_000;

/**
 * Connects once to AWS IoT Core by MQTT 3.1.1 over mutual TLS, and disconnects. Nothing is published or subscribed
 * to. With two packets to speak, this does without an MQTT client, and knows exactly at what point it failed.
 */
export function tryPair(pair: KeyPair, options: TrialOptions): Promise<TrialOutcome> {
  const { host, port } = options.endpoint;
  return new Promise((resolve) => {
    let socket: TLSSocket | undefined;
    let isSecure = false;
    const end = (outcome: TrialOutcome) => {
      cancel();
      socket?.destroy();
      resolve(outcome);
    };
    const cancel = options.clock.schedule(TIMEOUT_MS, () =>
      end({ outcome: 'unreachable', reason: `no answer within ${TIMEOUT_MS / 1000} s` }),
    );
    try {
      socket = connect({
        host,
        port,
        ...(isIP(host) === 0 && { servername: host }),
        ca: options.rootCa,
        cert: pair.certificate,
        key: pair.privateKey,
        minVersion: 'TLSv1.2',
        // On 443 the MQTT of devices is told apart from other protocols by this name.
        ...(port === 443 && { ALPNProtocols: ['x-amzn-mqtt-ca'] }),
      });
    } catch (error) {
      end({ outcome: 'refused', reason: `key and certificate cannot be used: ${reasonOf(error)}` });
      return;
    }
    const opened = socket;
    let received = Buffer.alloc(0);
    opened.on('secureConnect', () => {
      isSecure = true;
      opened.write(connectPacket(options.clientId));
    });
    opened.on('data', (bytes) => {
      received = Buffer.concat([received, bytes]);
      if (received.length < 4) return;
      // CONNACK is four bytes, the last of them the return code (MQTT 3.1.1, 3.2).
      const [type, , , code] = received;
      if (type === CONNACK && code === 0) {
        opened.end(DISCONNECT);
        end({ outcome: 'accepted' });
      } else {
        end({ outcome: 'refused', reason: `the connection was refused (return code ${code})` });
      }
    });
    opened.on('error', (error) => end(failure(error)));
    opened.on('close', () =>
      end({
        outcome: isSecure ? 'refused' : 'unreachable',
        reason: 'the connection was closed without an answer',
      }),
    );
  });
}

const CONNACK = 0x20;
const DISCONNECT = Buffer.of(0xe0, 0);
const KEEP_ALIVE_SECONDS = 60;

/** CONNECT with a clean session (MQTT 3.1.1, 3.1). */
function connectPacket(clientId: string): Buffer {
  const id = Buffer.from(clientId, 'utf8');
  const rest = Buffer.concat([
    Buffer.of(0, 4),
    Buffer.from('MQTT'),
    Buffer.of(4, 0b10, 0, KEEP_ALIVE_SECONDS, id.length >> 8, id.length & 0xff),
    id,
  ]);
  // Remaining length (2.2.3): seven bits a byte, the eighth says that there is more.
  const length = rest.length < 128 ? [rest.length] : [128 + (rest.length % 128), rest.length >> 7];
  return Buffer.concat([Buffer.of(0x10, ...length), rest]);
}

/** A TLS alert is the server's refusal of the certificate; all else that fails is on the way to it. */
function failure(error: Error): TrialOutcome {
  const isAlert = /^ERR_SSL_.*ALERT/.test(errnoOf(error) ?? '');
  return { outcome: isAlert ? 'refused' : 'unreachable', reason: error.message };
}
