import { randomUUID } from 'node:crypto';
import type * as sdk from '@aws-sdk/client-iot';
import type { Clock } from '../../../clock.js';
import type { Broker, Client } from '../../../mqtt/index.js';
import type { Operations } from '../../../service.js';
import type { Store } from '../../../store/store.js';
import { checked, notFound, REGISTRY_NAME } from '../errors.js';
import type { ThingPrincipals } from '../registry/thing-principals.js';
import type { ConnectivityRecord, Tables } from '../tables.js';
import type { Peer } from './peer.js';
import { principalIdentifier } from './principal-identifier.js';

/** Clients that are no things and are remembered. */
const REMEMBERED = 10_000;

/**
 * Tells who connects and disconnects, subscribes and unsubscribes: the lifecycle events on `$aws/events` (AWS IoT
 * developer guide, "Lifecycle events") and GetThingConnectivityData, from the same source.
 */
export function lifecycle(
  broker: Broker<Peer>,
  tables: Tables,
  store: Store,
  clock: Clock,
  thingPrincipals: ThingPrincipals,
  failed: (error: unknown) => void,
) {
  /** What the store has not kept yet, and the latest of clients that are no things. */
  const recent = new Map<string, ConnectivityRecord>();
  let kept = Promise.resolve();

  function common({ clientId, peer, sessionIdentifier }: Client<Peer>, eventType: string) {
    const thing = thingPrincipals.thingOf(peer.principal.arn, clientId);
    return {
      clientId,
      timestamp: clock.now(),
      eventType,
      sessionIdentifier,
      principalIdentifier: principalIdentifier(peer.principal),
      ...(thing?.exclusive && { thingName: thing.thingName }),
    };
  }

  function tell(topic: string, clientId: string, event: object): void {
    // A client id with wildcards makes no topic; AWS IoT tells nothing of such clients.
    if (/[+#]/.test(clientId)) return;
    broker
      .publish({ topic: `$aws/events/${topic}/${clientId}`, payload: Buffer.from(JSON.stringify(event)) })
      .catch(failed);
  }

  const recordOf = (clientId: string) => recent.get(clientId) ?? tables.connectivity.get(clientId);

  function keep(clientId: string, record: ConnectivityRecord): void {
    recent.delete(clientId);
    recent.set(clientId, record);
    // Client ids that are made up for one connection would otherwise be kept for ever.
    if (!tables.things.get(clientId)) {
      const [oldest] = recent.size > REMEMBERED ? recent.keys() : [];
      if (oldest !== undefined) recent.delete(oldest);
      return;
    }
    kept = store
      .batch(() => tables.connectivity.put(clientId, record))
      .then(() => {
        if (recent.get(clientId) === record) recent.delete(clientId);
      }, failed);
  }

  const stops = [
    broker.on('connected', ({ client }) => {
      const { clientId, sessionIdentifier } = client;
      const versionNumber = (recordOf(clientId)?.versionNumber ?? -1) + 1;
      keep(clientId, { connected: true, at: clock.now(), versionNumber, sessionIdentifier });
      const { sourceIp: ipAddress } = client.peer;
      tell('presence/connected', clientId, { ...common(client, 'connected'), ipAddress, versionNumber });
    }),
    broker.on('disconnected', ({ client, reason, clientInitiated }) => {
      const { clientId, sessionIdentifier } = client;
      const record = recordOf(clientId);
      const versionNumber = record?.versionNumber ?? 0;
      // When another connection took the client id over, the client is still connected.
      if (record?.sessionIdentifier === sessionIdentifier) {
        keep(clientId, {
          connected: false,
          at: clock.now(),
          disconnectReason: reason,
          versionNumber,
          sessionIdentifier,
        });
      }
      tell('presence/disconnected', clientId, {
        ...common(client, 'disconnected'),
        clientInitiatedDisconnect: clientInitiated,
        disconnectReason: reason,
        versionNumber,
      });
    }),
    broker.on('refused', ({ clientId, peer, reason }) => {
      // Told only of clients that may not connect, or may not publish their will.
      if (reason !== 'AUTH_ERROR') return;
      tell('presence/connect_failed', clientId, {
        clientId,
        timestamp: clock.now(),
        eventType: 'connect_failed',
        connectFailureReason: 'AUTHORIZATION_FAILED',
        principalIdentifier: principalIdentifier(peer.principal),
        sessionIdentifier: randomUUID(),
        ipAddress: peer.sourceIp,
      });
    }),
    broker.on('subscribed', ({ client, topics }) =>
      tell('subscriptions/subscribed', client.clientId, { ...common(client, 'subscribed'), topics }),
    ),
    broker.on('unsubscribed', ({ client, topics }) =>
      tell('subscriptions/unsubscribed', client.clientId, { ...common(client, 'unsubscribed'), topics }),
    ),
  ];

  /** Whether a thing is connected, by the client id that is its name, and since when it is so. */
  function connectivity(thingName: string) {
    const record = recordOf(thingName);
    const connected = broker.client(thingName) !== undefined;
    return {
      connected,
      clientId: thingName,
      ...(record && { at: record.at }),
      ...(!connected && { disconnectReason: reasonOf(record) }),
    };
  }

  const operations = {
    GetThingConnectivityData(input: sdk.GetThingConnectivityDataCommandInput) {
      const thingName = checked(input.thingName, 'thingName', REGISTRY_NAME, 128);
      if (!tables.things.get(thingName)) throw notFound(`Thing ${thingName} cannot be found.`);
      const { connected, at, disconnectReason } = connectivity(thingName);
      const client = broker.client(thingName);
      return {
        thingName,
        connected,
        ...(at !== undefined && { timestamp: new Date(at) }),
        ...(disconnectReason !== undefined && { disconnectReason }),
        ...(client &&
          input.includeSocketInformation && {
            sourceIp: client.peer.sourceIp,
            sourcePort: client.peer.sourcePort,
          }),
      };
    },
  } satisfies Operations<typeof sdk>;

  return {
    operations,
    connectivity,
    /** Resolves when everything that was told is kept. */
    async close(): Promise<void> {
      for (const stop of stops) stop();
      await kept;
    },
  };
}

/** A client that is still noted as connected was so when the local cloud was ended without notice. */
function reasonOf(record: ConnectivityRecord | undefined): sdk.DisconnectReasonValue {
  if (!record) return 'NONE';
  const reason = record.connected ? 'CONNECTION_LOST' : record.disconnectReason;
  return REASONS.find((known) => known === reason) ?? 'UNKNOWN';
}

const REASONS: readonly sdk.DisconnectReasonValue[] = [
  'API_INITIATED_DISCONNECT',
  'AUTH_ERROR',
  'CLIENT_INITIATED_DISCONNECT',
  'CLIENT_ERROR',
  'CONNECTION_LOST',
  'DUPLICATE_CLIENTID',
  'FORBIDDEN_ACCESS',
  'MQTT_KEEP_ALIVE_TIMEOUT',
  'SERVER_ERROR',
  'SERVER_INITIATED_DISCONNECT',
  'THROTTLED',
  'WEBSOCKET_TTL_EXPIRATION',
  'CUSTOMAUTH_TTL_EXPIRATION',
];
