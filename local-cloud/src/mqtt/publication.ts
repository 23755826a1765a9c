import { type EncodedHead, encodePublishHead } from './codec/encode.js';
import type { Properties } from './codec/packets.js';
import type { MessageProperties } from './contract.js';

/** Payloads up to this size are copied behind their heads; larger ones are written from where they are. */
const COPIED = 4096;

/** A PUBLISH ready to be sent, but for its packet identifier and DUP flag. */
export interface EncodedPublish extends EncodedHead {
  /** What is to be written behind `bytes`; undefined when that is all. */
  readonly payload: Buffer | undefined;
  /** Of the whole packet. */
  readonly length: number;
}

/** How one subscriber wants a message. */
export interface Variant {
  readonly version: 4 | 5;
  readonly qos: 0 | 1;
  readonly retain: boolean;
}

/** A message on its way to subscribers. It is encoded once for all who want the same bytes. */
export class Publication {
  #payload: Buffer;
  #properties: MessageProperties;
  readonly #encoded: (EncodedPublish | undefined)[] = [];
  /** Seconds to live that the remembered encodings say. */
  #encodedFor: number | undefined;
  #owned = false;

  constructor(
    readonly topic: string,
    payload: Buffer,
    readonly qos: 0 | 1,
    /** The RETAIN flag it was published with. */
    readonly retain: boolean,
    /** Without the message expiry interval, which `expiresAt` replaces. */
    properties: MessageProperties,
    /** Milliseconds since 1970. */
    readonly expiresAt: number | undefined,
    /** The client id of its publisher, for No Local. */
    readonly publisher: string | undefined,
  ) {
    this.#payload = payload;
    this.#properties = properties;
  }

  get payload(): Buffer {
    return this.#payload;
  }

  get properties(): MessageProperties {
    return this.#properties;
  }

  expired(now: number): boolean {
    return this.expiresAt !== undefined && this.expiresAt <= now;
  }

  /** Copies what is only a part of a larger received buffer, for who keeps the message. */
  own(): this {
    if (this.#owned) return this;
    this.#owned = true;
    this.#payload = Buffer.from(this.#payload);
    const { correlationData } = this.#properties;
    if (correlationData) {
      this.#properties = { ...this.#properties, correlationData: Buffer.from(correlationData) };
    }
    this.#encoded.length = 0;
    return this;
  }

  encode(variant: Variant, now: number): EncodedPublish {
    const seconds = this.secondsLeft(now);
    if (seconds !== this.#encodedFor) {
      this.#encoded.length = 0;
      this.#encodedFor = seconds;
    }
    const index = (variant.version === 5 ? 4 : 0) + variant.qos * 2 + (variant.retain ? 1 : 0);
    let encoded = this.#encoded[index];
    if (!encoded) {
      encoded = this.#encode(variant, this.topic, { ...this.#properties, messageExpiryInterval: seconds });
      this.#encoded[index] = encoded;
    }
    return encoded;
  }

  /** For a client of MQTT 5 that wants topic aliases; `named` says whether the topic's name goes with it. */
  encodeAliased(variant: Variant, now: number, topicAlias: number, named: boolean): EncodedPublish {
    const messageExpiryInterval = this.secondsLeft(now);
    return this.#encode(variant, named ? this.topic : '', {
      ...this.#properties,
      messageExpiryInterval,
      topicAlias,
    });
  }

  #encode(variant: Variant, topic: string, properties: Properties): EncodedPublish {
    const { qos, retain } = variant;
    const payload = this.#payload;
    const head = encodePublishHead(variant.version, {
      topic,
      qos,
      retain,
      properties,
      payloadLength: payload.length,
    });
    const length = head.bytes.length + payload.length;
    if (payload.length > COPIED) return { ...head, payload, length };
    return {
      bytes: Buffer.concat([head.bytes, payload], length),
      packetIdAt: head.packetIdAt,
      payload: undefined,
      length,
    };
  }

  /** [MQTT-3.3.2-6] What is left of the message expiry interval; 0 in the last second, as AWS IoT Core says it. */
  secondsLeft(now: number): number | undefined {
    return this.expiresAt === undefined ? undefined : Math.max(0, Math.floor((this.expiresAt - now) / 1000));
  }
}
