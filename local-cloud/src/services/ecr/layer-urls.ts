import { z } from 'zod';
import type { Clock } from '../../clock.js';
import { AwsError } from '../../errors.js';
import { byteRange } from '../../http/byte-range.js';
import type { HttpHandler, PathHandler } from '../../http/front.js';
import type { Registry } from './registry.js';
import type { TextSigner } from './signed-text.js';

const PREFIX = '/_local/ecr/layers/';
/** How long an address is good for, in milliseconds. */
const LIFETIME = 60 * 60 * 1000;

const content = z.object({ repository: z.string(), digest: z.string(), expires: z.number() });

/** Addresses from which anybody who is given one can get a layer for an hour. */
export interface LayerUrls extends PathHandler {
  of(repository: string, digest: string): Promise<string>;
}

export function layerUrls(
  registry: Registry,
  signer: TextSigner,
  clock: Clock,
  endpointUrl: Promise<string>,
): LayerUrls {
  const handle: HttpHandler = async ({ path, method, headers }) => {
    const signed = signer.verify(path.slice(PREFIX.length));
    if (signed === undefined) return text(403, 'The address of the layer is not one that was given out');
    const { repository, digest, expires } = content.parse(JSON.parse(signed));
    if (expires <= clock.now()) return text(403, 'The address of the layer has expired');
    if (method !== 'GET' && method !== 'HEAD') return text(405, 'A layer can only be got');
    const size = registry.layerSize(repository, digest);
    if (size === undefined) return text(404, 'The layer is not there any more');
    try {
      const range = byteRange(headers.range, size);
      const { start, end } = range ?? { start: 0, end: size };
      return {
        status: range ? 206 : 200,
        headers: {
          'content-type': 'application/octet-stream',
          'content-length': String(end - start),
          'accept-ranges': 'bytes',
          ...(range && { 'content-range': `bytes ${start}-${end - 1}/${size}` }),
        },
        ...(method === 'GET' && { body: await registry.read(digest, start, end) }),
      };
    } catch (error) {
      if (error instanceof AwsError) return text(error.status, error.message);
      throw error;
    }
  };
  return {
    prefix: PREFIX,
    handle,
    async of(repository, digest) {
      const expires = clock.now() + LIFETIME;
      return `${await endpointUrl}${PREFIX}${signer.sign(JSON.stringify({ repository, digest, expires }))}`;
    },
  };
}

function text(status: number, message: string) {
  return { status, headers: { 'content-type': 'text/plain' }, body: `${message}\n` };
}
