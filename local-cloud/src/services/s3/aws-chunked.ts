import { AwsError } from '../../errors.js';

/** Longest line of chunk sizes, extensions and trailers that is accepted, in bytes. */
const LONGEST_LINE = 16 * 1024;

/**
 * Decodes the `aws-chunked` content encoding: chunks that may be signed, and trailing headers (S3 API
 * reference, "Signature calculations for the Authorization header: Transferring payload in multiple chunks").
 */
export class AwsChunkedDecoder {
  /** Trailing headers, names in lower case; complete when {@link end} has returned. */
  readonly trailers = new Map<string, string>();
  #state: 'size' | 'data' | 'dataEnd' | 'trailers' | 'done' = 'size';
  #line = '';
  #left = 0;

  /**
   * Decodes what came next; the returned parts are views into it.
   *
   * @throws AwsError `InvalidRequest` where the encoding is broken.
   */
  push(bytes: Uint8Array): Uint8Array[] {
    const data: Uint8Array[] = [];
    let at = 0;
    while (at < bytes.length) {
      if (this.#state === 'data') {
        const part = bytes.subarray(at, at + this.#left);
        data.push(part);
        at += part.length;
        this.#left -= part.length;
        if (this.#left === 0) this.#state = 'dataEnd';
        continue;
      }
      const newline = bytes.indexOf(0x0a, at);
      const end = newline < 0 ? bytes.length : newline;
      this.#line += Buffer.from(bytes.buffer, bytes.byteOffset + at, end - at).toString('latin1');
      if (this.#line.length > LONGEST_LINE) throw broken('a line is too long');
      at = end + 1;
      if (newline >= 0) {
        const line = this.#line.endsWith('\r') ? this.#line.slice(0, -1) : this.#line;
        this.#line = '';
        this.#endOfLine(line);
      }
    }
    return data;
  }

  /** Says that nothing follows. @throws AwsError `IncompleteBody` when the last chunk has not come. */
  end(): void {
    if (this.#state === 'trailers' && this.#line !== '') this.#trailer(this.#line.trimEnd());
    if (this.#state !== 'trailers' && this.#state !== 'done') {
      throw new AwsError('IncompleteBody', 'The request body terminated unexpectedly');
    }
  }

  #endOfLine(line: string): void {
    switch (this.#state) {
      case 'size': {
        const size = /^([0-9a-fA-F]{1,13})(;.*)?$/.exec(line)?.[1];
        if (size === undefined) throw broken('a chunk has no size');
        this.#left = Number.parseInt(size, 16);
        this.#state = this.#left === 0 ? 'trailers' : 'data';
        return;
      }
      case 'dataEnd':
        if (line !== '') throw broken('a chunk is longer than its size');
        this.#state = 'size';
        return;
      case 'trailers':
        if (line === '') this.#state = 'done';
        else this.#trailer(line);
        return;
      default:
        // Senders that sign trailers end with one more empty line.
        if (line !== '') throw broken('something follows the last chunk');
    }
  }

  #trailer(line: string): void {
    const colon = line.indexOf(':');
    if (colon <= 0) throw broken('a trailer has no name');
    this.trailers.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
  }
}

function broken(what: string): AwsError {
  return new AwsError('InvalidRequest', `The aws-chunked encoding of the request body is malformed: ${what}`);
}
