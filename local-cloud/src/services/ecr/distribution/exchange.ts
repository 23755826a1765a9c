import type { HttpRequest, HttpResponse } from '../../../http/messages.js';
import type { Images } from '../images.js';
import type { Registry } from '../registry.js';

/** What the parts of the distribution API work on. */
export interface Exchange {
  readonly registry: Registry;
  readonly images: Images;
  readonly request: HttpRequest;
  /**
   * Lets the caller do something with a repository, or with the one that the request names.
   *
   * @throws AwsError when it may not.
   */
  readonly demand: (action: string, repository?: string) => void;
}

/** A part of the API: answers a request about a repository whose name is valid. */
export type Answer = (
  exchange: Exchange,
  repository: string,
  reference: string,
) => HttpResponse | Promise<HttpResponse>;

export function jsonAnswer(body: object, headers: Record<string, string> = {}): HttpResponse {
  return {
    status: 200,
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  };
}
