import type { RelatedResource } from '@aws-sdk/client-iot';
import type { Clock } from '../../../../clock.js';
import type { Broker, Client } from '../../../../mqtt/index.js';
import { key, secondParts, type Table } from '../../../../store/store.js';
import type { Peer } from '../../devices/peer.js';
import type { Tables } from '../../tables.js';
import type { Sighting } from '../records.js';
import { type Evaluation, whole } from './check.js';

/** Connections that are remembered of one certificate or client id. */
const REMEMBERED = 10;

/** Watches what clients do, for the checks that are about it; what was seen outlives a restart. */
export class ConnectionWatch {
  readonly #open = new Map<string, Set<Client<Peer>>>();
  readonly #stops: (() => void)[];

  constructor(
    private readonly broker: Broker<Peer>,
    private readonly sightings: Table<Sighting>,
    private readonly clock: Clock,
  ) {
    this.#stops = [
      broker.on('connected', ({ client }) => this.#connected(client)),
      broker.on('disconnected', ({ client, reason }) => {
        this.#disconnected(client);
        if (reason === 'DUPLICATE_CLIENTID') this.#takenOver(client);
      }),
    ];
  }

  /** DEVICE_CERTIFICATE_SHARED_CHECK: certificates that several clients were connected with at the same time. */
  shared(tables: Tables): Evaluation {
    return whole(({ since }) => {
      const active = ({ status }: { status: string }) => status === 'ACTIVE' || status === 'PENDING_TRANSFER';
      let total = 0;
      for (const [, certificate] of tables.certificates.entries()) if (active(certificate)) total += 1;
      const seen = this.#since('shared', since).filter(([id]) => {
        const certificate = tables.certificates.get(id);
        return certificate && active(certificate);
      });
      return {
        total,
        faults: seen.map(([deviceCertificateId, { related }]) => [
          {
            resourceType: 'DEVICE_CERTIFICATE',
            identifier: { deviceCertificateId },
            related,
            reasonCode: 'CERTIFICATE_SHARED_BY_MULTIPLE_DEVICES',
            reason: 'Certificate shared by one or more devices.',
          },
        ]),
      };
    });
  }

  /** CONFLICTING_CLIENT_IDS_CHECK: client ids that another connection took over. */
  conflicting(): Evaluation {
    return whole(({ since }) => {
      const seen = this.#since('conflict', since);
      const known = new Set(seen.map(([clientId]) => clientId));
      for (const { clientId } of this.broker.clients()) known.add(clientId);
      return {
        total: known.size,
        faults: seen.map(([clientId, { related }]) => [
          {
            resourceType: 'CLIENT_ID',
            identifier: { clientId },
            related,
            reasonCode: 'DUPLICATE_CLIENT_ID_ACROSS_CONNECTIONS',
            reason: 'Client ID was used by several connections, which disconnected each other.',
          },
        ]),
      };
    });
  }

  close(): void {
    for (const stop of this.#stops) stop();
  }

  #since(kind: string, since: number): (readonly [name: string, sighting: Sighting])[] {
    return [...secondParts(this.sightings, kind)].filter(([, { at }]) => at >= since);
  }

  #connected(client: Client<Peer>): void {
    const certificateId = certificateOf(client);
    if (certificateId === undefined) return;
    const open = this.#open.get(certificateId) ?? new Set();
    this.#open.set(certificateId, open);
    for (const other of open) if (other.clientId === client.clientId) open.delete(other);
    const [other] = open;
    open.add(client);
    if (other) this.#note('shared', certificateId, [connection(client), connection(other)]);
  }

  #disconnected(client: Client<Peer>): void {
    const certificateId = certificateOf(client);
    const open = certificateId === undefined ? undefined : this.#open.get(certificateId);
    if (certificateId === undefined || !open?.delete(client)) return;
    if (open.size === 0) this.#open.delete(certificateId);
    if (open.size > 0) this.#note('shared', certificateId, [connection(client, this.clock.now())]);
  }

  #takenOver(client: Client<Peer>): void {
    const certificateId = certificateOf(client);
    const times = connection(client, this.clock.now());
    const principal: RelatedResource =
      certificateId === undefined
        ? times
        : {
            ...times,
            resourceType: 'DEVICE_CERTIFICATE',
            resourceIdentifier: { deviceCertificateId: certificateId },
          };
    this.#note('conflict', client.clientId, [principal]);
  }

  #note(kind: string, name: string, found: RelatedResource[]): void {
    // Those that connected last come first; what is told of a connection again takes the place of what was.
    const identity = ({ resourceIdentifier, additionalInfo }: RelatedResource) =>
      JSON.stringify([resourceIdentifier, additionalInfo?.CONNECTION_TIME]);
    const told = new Set(found.map(identity));
    const before = (this.sightings.get(key(kind, name))?.related ?? []).filter(
      (one) => !told.has(identity(one)),
    );
    this.sightings.put(key(kind, name), {
      at: this.clock.now(),
      related: [...found, ...before].slice(0, REMEMBERED),
    });
  }
}

function certificateOf({ peer }: Client<Peer>): string | undefined {
  return peer.principal.kind === 'certificate' ? peer.principal.certificateId : undefined;
}

function connection({ clientId, connectedAt }: Client<Peer>, ended?: number): RelatedResource {
  return {
    resourceType: 'CLIENT_ID',
    resourceIdentifier: { clientId },
    additionalInfo: {
      CONNECTION_TIME: String(connectedAt),
      ...(ended !== undefined && { DISCONNECTION_TIME: String(ended) }),
    },
  };
}
