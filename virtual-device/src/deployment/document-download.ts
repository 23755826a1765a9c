import { createHash } from 'node:crypto';
import { backoff, type Clock, pause } from '../clock.js';
import { type DataPlane, DataPlaneError, type Patience } from '../cloud/data-plane.js';
import { messageOf } from '../errors.js';
import { OfflineError } from './artifacts/source.js';
import { urlSource } from './artifacts/url-source.js';
import { DeploymentError } from './failure.js';

export interface DocumentDownload {
  readonly dataPlane: DataPlane;
  readonly clock: Clock;
}

/** Bytes; the nucleus takes no larger document. */
const MAX_DOCUMENT = 10 * 1024 * 1024;
const RETRY_BASE = 1_000;
const RETRY_CEILING = 60_000;

/**
 * Gets the document of a deployment that is too large for a job or a shadow, and checks it.
 *
 * @returns JSON text
 * @throws DeploymentError, or the signal's reason
 */
export async function fetchLargeDocument(
  deploymentId: string,
  { dataPlane, clock }: DocumentDownload,
  { attempts, signal }: Patience,
): Promise<string> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await fetchOnce(deploymentId, dataPlane, signal);
    } catch (error) {
      signal.throwIfAborted();
      const isTransient =
        error instanceof OfflineError || (error instanceof DataPlaneError && error.isTransient);
      if (!isTransient || attempt >= attempts) {
        if (error instanceof DeploymentError) throw error;
        const isDenied = error instanceof DataPlaneError && error.status === 403;
        throw new DeploymentError(
          [isDenied ? 'GET_DEPLOYMENT_CONFIGURATION_ACCESS_DENIED' : 'DOWNLOAD_DEPLOYMENT_DOCUMENT_ERROR'],
          `The deployment's document cannot be downloaded: ${messageOf(error)}`,
          [],
          { cause: error },
        );
      }
    }
    await pause(clock, backoff(attempt - 1, RETRY_BASE, RETRY_CEILING), signal);
  }
}

async function fetchOnce(deploymentId: string, dataPlane: DataPlane, signal: AbortSignal): Promise<string> {
  const { preSignedUrl, integrityCheck } = await dataPlane.deploymentConfiguration(deploymentId, {
    attempts: 1,
    signal,
  });
  const source = urlSource("The deployment's document", () => Promise.resolve(preSignedUrl));
  const { body } = await source.open(0, signal);
  const parts: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const part of body) {
      length += part.length;
      if (length > MAX_DOCUMENT) {
        throw new DeploymentError(
          ['DEPLOYMENT_DOCUMENT_SIZE_EXCEEDED'],
          `The deployment's document has more than ${MAX_DOCUMENT} bytes.`,
        );
      }
      parts.push(part);
    }
  } catch (error) {
    if (error instanceof DeploymentError) throw error;
    throw new OfflineError(messageOf(error), { cause: error });
  }
  const document = Buffer.concat(parts);
  const algorithm = integrityCheck.algorithm.toUpperCase();
  const hash = createHash('sha256').update(document);
  const digest = hash.copy().digest('base64');
  if (
    algorithm !== 'SHA-256' ||
    (integrityCheck.digest !== digest && integrityCheck.digest !== hash.digest('hex'))
  ) {
    throw new DeploymentError(
      ['DOWNLOAD_DEPLOYMENT_DOCUMENT_ERROR'],
      `The deployment's document is not what the cloud promises: its SHA-256 is ${digest}, expected ${algorithm} ${integrityCheck.digest}.`,
    );
  }
  return document.toString('utf8');
}
