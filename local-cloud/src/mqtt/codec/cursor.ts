import { isUtf8 } from 'node:buffer';
import { MqttError, ReasonCode } from '../errors.js';

/** Reads MQTT's data types (MQTT 5 section 1.5) from bytes; whatever is not there or not valid is malformed. */
export class Cursor {
  constructor(
    private readonly bytes: Buffer,
    public position = 0,
    private readonly end = bytes.length,
  ) {}

  get left(): number {
    return this.end - this.position;
  }

  byte(): number {
    if (this.left < 1) throw malformed('The packet ends too early');
    return this.bytes[this.position++] as number;
  }

  uint16(): number {
    if (this.left < 2) throw malformed('The packet ends too early');
    const at = this.position;
    this.position += 2;
    return ((this.bytes[at] as number) << 8) | (this.bytes[at + 1] as number);
  }

  uint32(): number {
    if (this.left < 4) throw malformed('The packet ends too early');
    this.position += 4;
    return this.bytes.readUInt32BE(this.position - 4);
  }

  variableByteInteger(): number {
    let value = 0;
    for (let shift = 0; shift <= 21; shift += 7) {
      const byte = this.byte();
      value += (byte & 0x7f) << shift;
      if (byte < 0x80) {
        // [MQTT-1.5.5-1] The fewest bytes that hold the value.
        if (byte === 0 && shift > 0) throw malformed('A variable byte integer is longer than it needs to be');
        return value;
      }
    }
    throw malformed('A variable byte integer has more than four bytes');
  }

  string(): string {
    const length = this.uint16();
    if (this.left < length) throw malformed('A string is longer than its packet');
    const start = this.position;
    this.position += length;
    const text = this.bytes.toString('utf8', start, this.position);
    // [MQTT-1.5.4-1] Well-formed UTF-8 without surrogates: what is not is decoded to U+FFFD, which may also be meant.
    if (text.includes('\ufffd') && !isUtf8(this.bytes.subarray(start, this.position))) {
      throw malformed('A string is not valid UTF-8');
    }
    // [MQTT-1.5.4-2] No U+0000.
    if (text.includes('\0')) throw malformed('A string has the character U+0000');
    return text;
  }

  /** A part of what was received, not a copy. */
  binary(): Buffer {
    return this.take(this.uint16());
  }

  /** A part of what was received, not a copy. */
  take(length: number): Buffer {
    if (this.left < length) throw malformed('A field is longer than its packet');
    this.position += length;
    return this.bytes.subarray(this.position - length, this.position);
  }

  /** A cursor over the next `length` bytes, which this one skips. */
  part(length: number): Cursor {
    if (this.left < length) throw malformed('The properties are longer than their packet');
    const start = this.position;
    this.position += length;
    return new Cursor(this.bytes, start, this.position);
  }
}

export function malformed(message: string): MqttError {
  return new MqttError(ReasonCode.MalformedPacket, message);
}

export function protocolError(message: string): MqttError {
  return new MqttError(ReasonCode.ProtocolError, message);
}
