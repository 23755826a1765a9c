import { DUP_FLAG } from './codec/encode.js';
import type { Terms } from './handshake.js';
import type { EncodedPublish, Publication, Variant } from './publication.js';
import type { Outlet } from './session.js';

/** Writes the messages of a session to its client. */
export class ClientOutlet implements Outlet {
  readonly window: number;
  /** Aliases by topic, given to the first topics that are sent; none when the client takes none. */
  #aliases: Map<string, number> | undefined;

  constructor(
    private readonly version: 4 | 5,
    private readonly terms: Terms,
    private readonly connection: {
      write(bytes: Buffer): void;
      /** Whether the client takes what is written to it. */
      flowing(): boolean;
      now(): number;
      receives(topic: string): boolean;
    },
  ) {
    this.window = terms.window;
    if (terms.topicAliases > 0) this.#aliases = new Map();
  }

  get ready(): boolean {
    return this.connection.flowing();
  }

  receives(topic: string): boolean {
    return this.connection.receives(topic);
  }

  send(publication: Publication, qos: 0 | 1, retain: boolean, packetId: number, dup: boolean): boolean {
    // QoS 0 messages to a client that does not keep up are dropped.
    if (qos === 0 && !this.ready) return true;
    const variant = { version: this.version, qos, retain } as const;
    const { bytes, payload, packetIdAt, length } = this.#encode(publication, variant);
    // [MQTT-3.1.2-24] Nothing larger than the client's Maximum Packet Size.
    if (length > this.terms.largestPacket) return false;
    if (qos === 0) {
      // [MQTT-4.3.1-1] QoS 0 has no DUP.
      this.connection.write(bytes);
    } else {
      const own = Buffer.from(bytes);
      own[packetIdAt] = packetId >> 8;
      own[packetIdAt + 1] = packetId & 0xff;
      if (dup) own[0] = (own[0] as number) | DUP_FLAG;
      this.connection.write(own);
    }
    if (payload) this.connection.write(payload);
    return true;
  }

  #encode(publication: Publication, variant: Variant): EncodedPublish {
    const now = publication.expiresAt === undefined ? 0 : this.connection.now();
    const aliases = this.#aliases;
    const known = aliases?.get(publication.topic);
    if (known !== undefined) return publication.encodeAliased(variant, now, known, false);
    // [MQTT-3.3.2-11] Not above the client's Topic Alias Maximum.
    if (!aliases || aliases.size >= this.terms.topicAliases) return publication.encode(variant, now);
    const alias = aliases.size + 1;
    const encoded = publication.encodeAliased(variant, now, alias, true);
    if (encoded.length <= this.terms.largestPacket) aliases.set(publication.topic, alias);
    return encoded;
  }
}
