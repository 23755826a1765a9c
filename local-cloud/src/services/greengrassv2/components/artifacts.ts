import type { Clock } from '../../../clock.js';
import { AwsError } from '../../../errors.js';
import { presignUrl } from '../../../http/sigv4.js';
import type { Call } from '../../../service.js';
import type { ObjectDigest } from '../../s3/object-digest.js';
import type { CredentialsIssuer } from '../../sts/issuer.js';
import { invalidInput, notFound } from '../errors.js';
import type { Artifact, Recipe } from './recipe.js';

/** Seconds that the URL of an artifact can be used. */
const URL_LIFETIME = 3600;
/** What a bucket and a key are in `s3://bucket/key`. */
const S3_URI = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])\/(.+)$/s;
const NOT_ACCESSIBLE = 'Specified artifact resource cannot be accessed';

export interface ArtifactCapabilities {
  readonly region: string;
  readonly clock: Clock;
  readonly issuer: CredentialsIssuer;
  /** Without it no component can have artifacts in S3. */
  readonly objectDigest?: ObjectDigest | undefined;
  /** Where S3 is; resolves when the HTTP front listens. */
  readonly endpointUrl?: Promise<string> | undefined;
}

/** The artifacts that recipes name. */
export interface Artifacts {
  /**
   * The recipe with the digest of every artifact in S3, which is read as the caller, or without one as the account.
   *
   * @throws ValidationException naming every artifact that cannot be read.
   */
  withDigests(recipe: Recipe, call: Call | undefined): Promise<Recipe>;
  /**
   * A URL that an artifact in S3 can be got from for an hour.
   *
   * @param artifactName what stands behind the scheme of its URI, or the last part of that.
   * @throws ResourceNotFoundException when the component has no such artifact in S3.
   */
  presign(recipe: Recipe, arn: string, artifactName: string): Promise<string>;
}

export function artifacts(capabilities: ArtifactCapabilities): Artifacts {
  const { region, clock, issuer, objectDigest, endpointUrl } = capabilities;

  /** The artifact with its digest, or what is wrong with it. */
  async function withDigest(artifact: Artifact, call: Call | undefined): Promise<Artifact | string> {
    const { Uri: uri } = artifact;
    if (uri.startsWith('docker:')) return artifact;
    const [, bucket, objectKey] = S3_URI.exec(uri) ?? [];
    if (bucket === undefined || objectKey === undefined) {
      return uri.startsWith('s3:')
        ? 'Specified artifact URI is not of the form s3://bucket/key'
        : 'Specified artifact URI has a scheme that private components cannot use; it must be s3: or docker:';
    }
    try {
      const digest = await objectDigest?.(call, bucket, objectKey);
      return digest === undefined ? NOT_ACCESSIBLE : { ...artifact, Digest: digest, Algorithm: 'SHA-256' };
    } catch (error) {
      // Whatever S3 refuses it for, Greengrass says the same.
      if (error instanceof AwsError || isClientError(error)) return NOT_ACCESSIBLE;
      throw error;
    }
  }

  return {
    async withDigests(recipe, call) {
      const problems = new Map<string, string>();
      const manifests = [];
      for (const manifest of recipe.Manifests) {
        const found: Artifact[] = [];
        for (const artifact of manifest.Artifacts) {
          const result = await withDigest(artifact, call);
          if (typeof result === 'string') problems.set(artifact.Uri, result);
          else found.push(result);
        }
        manifests.push({ ...manifest, Artifacts: found });
      }
      if (problems.size > 0) {
        const list = [...problems].map(([uri, problem]) => `${uri} = ${problem}`).join(', ');
        throw invalidInput(`Encountered following errors in Artifacts: {${list}}`);
      }
      return { ...recipe, Manifests: manifests };
    },

    async presign(recipe, arn, artifactName) {
      const uris = new Set(recipe.Manifests.flatMap(({ Artifacts }) => Artifacts.map(({ Uri }) => Uri)));
      const inS3 = [...uris].filter((uri) => S3_URI.test(uri));
      const found =
        inS3.find((uri) => uri === `s3://${artifactName.replace(/^(s3:)?\/\//, '')}`) ??
        inS3.find((uri) => uri.endsWith(`/${artifactName}`));
      const [, bucket = '', objectKey = ''] = S3_URI.exec(found ?? '') ?? [];
      if (found === undefined || endpointUrl === undefined) {
        throw notFound(
          `Component version ${arn} has no artifact ${artifactName} in Amazon S3`,
          'ComponentVersionArtifact',
          `${arn}/${artifactName}`,
        );
      }
      const path = [bucket, ...objectKey.split('/')].map(encodeURIComponent).join('/');
      return presignUrl({
        url: new URL(`${await endpointUrl}/${path}`),
        region,
        service: 's3',
        credentials: issuer.issueForAccount(URL_LIFETIME),
        expires: URL_LIFETIME,
        now: clock.now(),
      });
    },
  };
}

/** Whether an error is an answer of S3, not a defect. */
function isClientError(error: unknown): boolean {
  return error instanceof Error && '$fault' in error && error.$fault === 'client';
}
