import type { Broker, Client, DisconnectReason, InboundPublish } from '../../../mqtt/index.js';
import type { Peer } from '../devices/peer.js';
import { principalIdentifier } from '../devices/principal-identifier.js';
import type { IotLog, LogSubject } from './iot-log.js';
import type { LoggingLevels } from './levels.js';

/** What a client is told nothing more about. */
const NOT_ALLOWED = { reason: 'AUTHORIZATION_FAILURE', details: 'Authorization Failure' } as const;

/** Connections that end like this have ended as they may. */
const ORDINARY: ReadonlySet<DisconnectReason> = new Set([
  'API_INITIATED_DISCONNECT',
  'CLIENT_INITIATED_DISCONNECT',
  'CONNECTION_LOST',
  'DUPLICATE_CLIENTID',
  'MQTT_KEEP_ALIVE_TIMEOUT',
  'SERVER_INITIATED_DISCONNECT',
  'WEBSOCKET_TTL_EXPIRATION',
]);

/**
 * Logs what the message broker does and refuses: Connect, Disconnect, Subscribe and Publish-In. Of messages to
 * reserved topics only what is refused is logged, and Publish-Out is not built.
 */
export function logBroker(broker: Broker<Peer>, levels: LoggingLevels, log: IotLog): void {
  broker.on('connected', ({ client }) => {
    if (log.wants('INFO')) log.write('INFO', { eventType: 'Connect', protocol: 'MQTT' }, subjectOf(client));
  });
  broker.on('refused', ({ clientId, peer, reason }) => {
    const why = reason === 'AUTH_ERROR' ? NOT_ALLOWED : { reason };
    log.write('ERROR', { eventType: 'Connect', protocol: 'MQTT', ...why }, subjectOf({ clientId, peer }));
  });
  broker.on('disconnected', ({ client, reason }) => {
    const isOrdinary = ORDINARY.has(reason);
    const event = {
      eventType: 'Disconnect',
      protocol: 'MQTT',
      ...(!isOrdinary && { reason }),
      disconnectReason: reason,
    } as const;
    log.write(isOrdinary ? 'INFO' : 'ERROR', event, subjectOf(client));
  });
  broker.on('subscribed', ({ client, topics }) => {
    if (!log.wants('INFO')) return;
    for (const topicName of topics) {
      log.write('INFO', { eventType: 'Subscribe', protocol: 'MQTT', topicName }, subjectOf(client));
    }
  });
  broker.on('denied', ({ client, action, topic }) => {
    const eventType = action === 'publish' ? 'Publish-In' : 'Subscribe';
    log.write('ERROR', { eventType, protocol: 'MQTT', topicName: topic, ...NOT_ALLOWED }, subjectOf(client));
  });

  const published = ({ topic, client, peer }: InboundPublish<Peer>) => {
    if (client) {
      const event = { eventType: 'Publish-In', protocol: 'MQTT', topicName: topic } as const;
      log.write('INFO', event, subjectOf(client));
    } else if (peer) {
      const event = { eventType: 'Publish-In', protocol: 'HTTP', topicName: topic } as const;
      log.write('INFO', event, { ...subjectOf({ clientId: 'N/A', peer }) });
    }
    return undefined;
  };
  // Messages are many: nothing looks at them unless somebody wants to read of each.
  let stop: (() => void) | undefined;
  const settle = () => {
    if (log.wants('INFO')) stop ??= broker.observe(published);
    else {
      stop?.();
      stop = undefined;
    }
  };
  settle();
  levels.listen(settle);
}

function subjectOf({ clientId, peer }: Pick<Client<Peer>, 'clientId' | 'peer'>): LogSubject {
  return {
    clientId,
    principalId: principalIdentifier(peer.principal),
    sourceIp: peer.sourceIp,
    sourcePort: peer.sourcePort,
  };
}
