import { get as getPlain, type IncomingMessage } from 'node:http';
import { get as getSecure } from 'node:https';
import { messageOf } from '../../errors.js';
import { DeploymentError } from '../failure.js';
import { type ArtifactContent, type ArtifactSource, OfflineError } from './source.js';

/** Milliseconds without a byte after which a connection counts as broken. */
const IDLE_TIMEOUT = 30_000;

/** An artifact behind a presigned URL, which is asked for anew each time as it expires. */
export function urlSource(name: string, urlOf: (signal: AbortSignal) => Promise<string>): ArtifactSource {
  return {
    async open(offset, signal) {
      const url = await urlOf(signal);
      const response = await fetchFrom(url, offset, signal).catch((error: unknown) => {
        signal.throwIfAborted();
        throw new OfflineError(messageOf(error), { cause: error });
      });
      return contentOf(response, name, offset);
    },
  };
}

function fetchFrom(url: string, offset: number, signal: AbortSignal): Promise<IncomingMessage> {
  const get = url.startsWith('https:') ? getSecure : getPlain;
  return new Promise((resolve, reject) => {
    const outgoing = get(
      url,
      { agent: false, signal, timeout: IDLE_TIMEOUT, headers: { range: `bytes=${offset}-` } },
      resolve,
    );
    outgoing.on('timeout', () => outgoing.destroy(new Error(`no byte within ${IDLE_TIMEOUT / 1000} s`)));
    outgoing.on('error', reject);
  });
}

function contentOf(response: IncomingMessage, name: string, offset: number): ArtifactContent {
  const { statusCode: status = 500, headers } = response;
  const length = headers['content-length'] === undefined ? undefined : Number(headers['content-length']);
  if (status === 206) {
    const [, start, total] = /^bytes (\d+)-\d+\/(\d+)$/.exec(headers['content-range'] ?? '') ?? [];
    if (Number(start) === offset) return { body: response, start: offset, size: Number(total) };
    response.destroy();
    throw new OfflineError(`the server answered the range ${headers['content-range']}`);
  }
  if (status === 200) return { body: response, start: 0, size: length };
  const total = /^bytes \*\/(\d+)$/.exec(headers['content-range'] ?? '')?.[1];
  response.destroy();
  // Nothing is left, or the file is empty: what is there already is all of it.
  if (status === 416 && (total === undefined || Number(total) === offset)) {
    return { body: nothing(), start: offset, size: offset };
  }
  if (status === 416) return { body: nothing(), start: 0, size: undefined };
  if (status >= 500 || status === 429 || status === 408) throw new OfflineError(`status ${status}`);
  throw new DeploymentError(
    ['ARTIFACT_DOWNLOAD_ERROR', 'DOWNLOAD_GREENGRASS_ARTIFACT_ERROR', 'HTTP_REQUEST_ERROR'],
    `${name} cannot be downloaded: the server answered ${status}.`,
  );
}

async function* nothing(): AsyncGenerator<Uint8Array> {}
