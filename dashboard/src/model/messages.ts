import { type Signal, signal } from '@preact/signals';
import type { LiveMessage } from '../cloud/live.js';
import { takes } from '../cloud/topic-filter.js';
import { type Frames, Gathering } from './frames.js';
import { FLEET_FILTERS } from './live-topics.js';

/** A message as it is shown. */
export interface ShownMessage {
  id: number;
  at: number;
  toDevice: boolean;
  /** The topic without the device's name. */
  topic: string;
  payload: string;
}

/** Messages that are kept. */
const KEPT = 200;
/** Characters of a payload that are shown. */
const LONGEST = 400;
/** A second copy of a message comes within this, in milliseconds. */
const TWICE = 40;

/** The last messages from and to one device, newest first. */
export class MessageLog {
  readonly shown: Signal<readonly ShownMessage[]> = signal([]);
  private messages: ShownMessage[] = [];
  private count = 0;
  private readonly drawing: Gathering;

  constructor(frames: Frames) {
    this.drawing = new Gathering(() => {
      this.shown.value = this.messages;
    }, frames);
  }

  add({ topic, payload, at }: LiveMessage): void {
    const [direction, , ...rest] = topic.split('/');
    const message = {
      id: this.count,
      at,
      toDevice: direction === 'device',
      topic: rest.join('/'),
      payload: shorten(payload),
    };
    if (this.isCopy(message, topic)) return;
    this.count += 1;
    this.messages = [message, ...this.messages.slice(0, KEPT - 1)];
    this.drawing.changed();
  }

  clear(): void {
    this.messages = [];
    this.drawing.changed();
  }

  /**
   * A broker may send a message once for each of a client's subscriptions that it matches (MQTT 5 section 3.3.4), and
   * the page follows some topics for the whole fleet and for one device.
   */
  private isCopy(message: ShownMessage, topic: string): boolean {
    if (!FLEET_FILTERS.some((filter) => takes(filter, topic))) return false;
    return this.messages.some(
      (known) =>
        message.at - known.at < TWICE &&
        known.topic === message.topic &&
        known.toDevice === message.toDevice &&
        known.payload === message.payload,
    );
  }
}

const PEM = /-----BEGIN ([A-Z0-9 ]+)-----[\s\S]*?-----END \1-----(\\n)?/g;

/** A payload for reading: certificates and signing requests in a word, and not too long. */
export function shorten(payload: Uint8Array): string {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(payload);
  } catch {
    return `${payload.length} bytes`;
  }
  const readable = text.replace(
    PEM,
    (pem, kind: string) => `‹${kind.toLowerCase()}, ${pem.length} characters›`,
  );
  return readable.length > LONGEST ? `${readable.slice(0, LONGEST)}…` : readable;
}
