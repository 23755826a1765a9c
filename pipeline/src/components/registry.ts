import { MooringError } from '../errors.js';

/** An image to bring to a registry, and the registry's repository. */
export interface PushOptions {
  /** Folder of an OCI image layout with one image index or manifest. */
  readonly layout: string;
  /** `host[:port]/repository`, as ECR's `repositoryUri`. */
  readonly repositoryUri: string;
  /** `authorizationToken` of ecr:GetAuthorizationToken: base64 of `AWS:<password>`. */
  readonly authorization: string;
  /** Plain HTTP instead of HTTPS. */
  readonly insecure: boolean;
  readonly tag?: string;
  readonly onProgress: (line: string) => void;
  readonly signal?: AbortSignal;
}

/**
 * Pushes an image over the OCI distribution API; what the registry has already is not sent again.
 *
 * @throws MooringError `PushFailed`
 */
export async function pushImage(options: PushOptions): Promise<void> {
  throw new MooringError('NotBuilt', `Pushing to ${options.repositoryUri} is not built yet`);
}
