import type { Readable } from 'node:stream';

/** An HTTP request as services see it. */
export interface HttpRequest {
  readonly method: string;
  /** Path as it was sent, percent-encoded, without the query. */
  readonly path: string;
  /** Query string as it was sent, without the question mark. */
  readonly rawQuery: string;
  readonly query: URLSearchParams;
  /** Names in lower case; values of a repeated header joined by a comma. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Readable;
  /** Whether nobody on a network can read along: it came over TLS, or it never left this machine. */
  readonly secure: boolean;
  /** Address that the request came from. */
  readonly sourceIp: string;
}

export interface HttpResponse {
  readonly status: number;
  readonly headers: Record<string, string>;
  /** `Set-Cookie` headers, which cannot be joined to one. */
  readonly cookies?: readonly string[];
  readonly body?: string | Uint8Array | Readable;
}

/** The name of the host that a request is for, in lower case and without the port. */
export function hostName({ host = '' }: HttpRequest['headers']): string {
  return host.replace(/:\d+$/, '').toLowerCase();
}

/** The whole body of a request; `tooLarge` makes the error to throw when it has more than `limit` bytes. */
export async function readBody(
  request: HttpRequest,
  limit: number,
  tooLarge: (limit: number) => Error,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  // Not destroyed when it is too large: the connection goes on after the refusal, behind the rest of the body.
  const body: AsyncIterable<Uint8Array> = request.body.iterator({ destroyOnReturn: false });
  for await (const chunk of body) {
    size += chunk.length;
    if (size > limit) throw tooLarge(limit);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
}
