import { AwsError } from '../../../errors.js';
import type { HttpResponse } from '../../../http/messages.js';

/** Error codes of the OCI distribution specification ("Error Codes"), and ECR's own for tags. */
export type DistributionCode =
  | 'BLOB_UNKNOWN'
  | 'BLOB_UPLOAD_INVALID'
  | 'BLOB_UPLOAD_UNKNOWN'
  | 'DENIED'
  | 'DIGEST_INVALID'
  | 'MANIFEST_BLOB_UNKNOWN'
  | 'MANIFEST_INVALID'
  | 'MANIFEST_UNKNOWN'
  | 'NAME_INVALID'
  | 'NAME_UNKNOWN'
  | 'PAGINATION_NUMBER_INVALID'
  | 'RANGE_INVALID'
  | 'SIZE_INVALID'
  | 'TAG_INVALID'
  | 'UNAUTHORIZED'
  | 'UNSUPPORTED';

const STATUS: Readonly<Partial<Record<DistributionCode, number>>> = {
  BLOB_UNKNOWN: 404,
  BLOB_UPLOAD_UNKNOWN: 404,
  DENIED: 403,
  MANIFEST_UNKNOWN: 404,
  NAME_UNKNOWN: 404,
  RANGE_INVALID: 416,
  UNAUTHORIZED: 401,
  UNSUPPORTED: 405,
};

/** What the distribution API refuses, with the status that its code stands for (400 for most). */
export class DistributionError extends Error {
  override readonly name = 'DistributionError';

  constructor(
    readonly code: DistributionCode,
    message: string,
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
  }

  get response(): HttpResponse {
    return {
      status: STATUS[this.code] ?? 400,
      headers: { 'content-type': 'application/json; charset=utf-8', ...this.headers },
      body: `${JSON.stringify({ errors: [{ code: this.code, message: this.message }] })}\n`,
    };
  }
}

/** Exceptions of the ECR API as the distribution API says them. */
const OF_EXCEPTIONS: Readonly<Record<string, DistributionCode>> = {
  RepositoryNotFoundException: 'NAME_UNKNOWN',
  LayersNotFoundException: 'MANIFEST_BLOB_UNKNOWN',
  ReferencedImagesNotFoundException: 'MANIFEST_BLOB_UNKNOWN',
  ImageTagAlreadyExistsException: 'TAG_INVALID',
  ImageDigestDoesNotMatchException: 'DIGEST_INVALID',
  ImageNotFoundException: 'MANIFEST_UNKNOWN',
  UploadNotFoundException: 'BLOB_UPLOAD_UNKNOWN',
  InvalidParameterException: 'MANIFEST_INVALID',
};

/** The refusal that an error stands for; undefined when no caller is to blame. */
export function refusalOf(error: unknown): DistributionError | undefined {
  if (error instanceof DistributionError) return error;
  if (error instanceof AwsError) {
    return new DistributionError(error.status === 416 ? 'RANGE_INVALID' : 'DENIED', error.message);
  }
  const code = error instanceof Error ? OF_EXCEPTIONS[error.name] : undefined;
  return error instanceof Error && code ? new DistributionError(code, error.message) : undefined;
}
