import { chmodSync, existsSync, mkdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Clock } from '../../clock.js';
import { backoff, pause } from '../../clock.js';
import type { DataPlane } from '../../cloud/data-plane.js';
import { DataPlaneError } from '../../cloud/data-plane.js';
import type { ContainerImages } from '../../containers/images.js';
import { DeviceError, messageOf } from '../../errors.js';
import type { Log } from '../../log/device-log.js';
import type { Artifact } from '../../recipe/recipe.js';
import { DeploymentError } from '../failure.js';
import { digestOf, download } from './download.js';
import type { S3Artifacts } from './s3-source.js';
import { type ArtifactSource, OfflineError } from './source.js';
import { unzip } from './unarchive.js';
import { urlSource } from './url-source.js';

/** Where artifacts come from. */
export interface ArtifactAccess {
  readonly dataPlane: DataPlane;
  readonly s3: S3Artifacts;
  readonly images: ContainerImages;
  readonly clock: Clock;
  readonly log: Log;
}

/** A component version whose artifacts are to be on the device. */
export interface ArtifactOwner {
  readonly name: string;
  readonly version: string;
  /** Of the component version in the cloud; `greengrass:` artifacts are asked for by it. */
  readonly arn: string | undefined;
  readonly artifacts: readonly Artifact[];
  /** The folders that they are to be in. */
  readonly folder: string;
  readonly unarchivedFolder: string;
}

export interface Effort {
  /** How often in a row the network may fail. */
  readonly attempts: number;
  readonly signal: AbortSignal;
}

const RETRY_BASE = 1_000;
const RETRY_CEILING = 60_000;

/**
 * Has a component's artifacts on the device: each that its recipe names is there and is what the recipe promises,
 * unpacked where asked for, with the recipe's permissions. What is there already is not brought again.
 *
 * @throws DeploymentError, or the signal's reason
 */
export async function prepareArtifacts(
  owner: ArtifactOwner,
  access: ArtifactAccess,
  effort: Effort,
): Promise<void> {
  mkdirSync(owner.folder, { recursive: true });
  mkdirSync(owner.unarchivedFolder, { recursive: true });
  for (const artifact of owner.artifacts) {
    effort.signal.throwIfAborted();
    if (artifact.Uri.startsWith('docker:')) await pullImage(owner, artifact, access, effort);
    else await bringFile(owner, artifact, access, effort);
  }
}

/** Whether every file of a component's artifacts is there as it is to be; images are not looked for. */
export async function hasAllFiles(owner: ArtifactOwner): Promise<boolean> {
  for (const artifact of owner.artifacts) {
    if (artifact.Uri.startsWith('docker:')) continue;
    const file = join(owner.folder, fileNameOf(artifact.Uri));
    if (!existsSync(file)) return false;
    if (artifact.Digest !== undefined && (await digestOf(file)) !== artifact.Digest) return false;
    if (artifact.Unarchive === 'ZIP' && !existsSync(unarchivedOf(owner, file))) return false;
  }
  return true;
}

async function bringFile(
  owner: ArtifactOwner,
  artifact: Artifact,
  access: ArtifactAccess,
  { attempts, signal }: Effort,
): Promise<void> {
  const name = `The artifact ${artifact.Uri} of ${owner.name} ${owner.version}`;
  const file = join(owner.folder, fileNameOf(artifact.Uri));
  const digest = expectedDigest(artifact, name);
  const isThere = existsSync(file) && (digest === undefined || (await digestOf(file)) === digest);
  if (!isThere) {
    const source = sourceOf(owner, artifact, name, access);
    await download({ name, source, file, digest, attempts, clock: access.clock, log: access.log, signal });
  }
  chmodSync(file, modeOf(artifact));
  if (artifact.Unarchive !== 'ZIP') return;
  const target = unarchivedOf(owner, file);
  if (!isThere || !existsSync(target)) unzip(file, target, modeOf(artifact));
}

function unarchivedOf({ unarchivedFolder }: ArtifactOwner, file: string): string {
  return join(unarchivedFolder, basename(file).replace(/\.[^.]*$/, ''));
}

/** The last part of a URI's path. */
function fileNameOf(uri: string): string {
  return basename(uri.replace(/^[a-z][a-z0-9+.-]*:/i, ''));
}

function sourceOf(
  owner: ArtifactOwner,
  artifact: Artifact,
  name: string,
  access: ArtifactAccess,
): ArtifactSource {
  const { Uri } = artifact;
  if (Uri.startsWith('s3:')) return access.s3.source(Uri);
  if (Uri.startsWith('greengrass:')) {
    const { arn } = owner;
    if (arn === undefined) {
      throw new DeploymentError(
        ['ARTIFACT_DOWNLOAD_ERROR', 'LOCAL_RECIPE_NOT_FOUND'],
        `${name} is not on the device, and its recipe did not come from the cloud, so that it cannot be asked for there.`,
      );
    }
    return urlSource(name, (signal) => presignedUrl(access.dataPlane, arn, Uri, name, signal));
  }
  throw new DeploymentError(
    ['ARTIFACT_DOWNLOAD_ERROR', 'UNSUPPORTED_ARTIFACT_SCHEME'],
    `${name} has none of the schemes s3:, greengrass: and docker:.`,
  );
}

async function presignedUrl(
  dataPlane: DataPlane,
  arn: string,
  uri: string,
  name: string,
  signal: AbortSignal,
): Promise<string> {
  try {
    return await dataPlane.artifactUrl(arn, uri.slice('greengrass:'.length), { attempts: 1, signal });
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof DataPlaneError)) throw error;
    if (error.isTransient) throw new OfflineError(error.message, { cause: error });
    throw new DeploymentError(
      [
        'ARTIFACT_DOWNLOAD_ERROR',
        error.status === 403 ? 'GET_COMPONENT_VERSION_ARTIFACT_ACCESS_DENIED' : 'RESOURCE_NOT_FOUND',
      ],
      `${name} cannot be downloaded: ${error.message}`,
      [],
      { cause: error },
    );
  }
}

async function pullImage(
  owner: ArtifactOwner,
  artifact: Artifact,
  { images, clock, log }: ArtifactAccess,
  { attempts, signal }: Effort,
): Promise<void> {
  const reference = artifact.Uri.slice('docker:'.length);
  if (await images.isPresent(reference)) return;
  for (let attempt = 1; ; attempt++) {
    try {
      await images.pull(reference, signal);
      return;
    } catch (error) {
      signal.throwIfAborted();
      const isOffline = error instanceof DeviceError && error.code === 'OFFLINE';
      const message = `The image ${reference} of ${owner.name} ${owner.version} cannot be pulled: ${messageOf(error)}`;
      if (!isOffline || attempt >= attempts) {
        throw new DeploymentError(
          ['ARTIFACT_DOWNLOAD_ERROR', 'DOCKER_ERROR', 'DOCKER_PULL_ERROR'],
          message,
          [],
          { cause: error },
        );
      }
      log('warn', `${message} It is tried again.`);
    }
    await pause(clock, backoff(attempt - 1, RETRY_BASE, RETRY_CEILING), signal);
  }
}

/** SHA-256 in base64, as the cloud puts it into recipes; recipes of local deployments have none. */
function expectedDigest({ Digest, Algorithm }: Artifact, name: string): string | undefined {
  if (Digest === undefined) return undefined;
  if (Algorithm !== undefined && Algorithm.toUpperCase() !== 'SHA-256') {
    throw new DeploymentError(
      ['ARTIFACT_DOWNLOAD_ERROR', 'ARTIFACT_CHECKSUM_MISMATCH'],
      `${name} has a digest by ${Algorithm}; only SHA-256 can be checked.`,
    );
  }
  return Digest;
}

/** The file mode of the recipe's `Permission`; by default only the owner reads, and nobody executes. */
export function modeOf({ Permission }: Artifact): number {
  const read = Permission?.Read === 'ALL' ? 0o644 : 0o600;
  const execute = { NONE: 0, OWNER: 0o100, ALL: 0o111 }[Permission?.Execute ?? 'NONE'];
  return read | execute;
}
