/**
 * Why a shadow request is refused: HTTP status and words of the AWS IoT developer guide, "Device Shadow error messages".
 */
export class ShadowError extends Error {
  override readonly name = 'ShadowError';

  constructor(
    readonly code: 400 | 403 | 404 | 409 | 413 | 415 | 500,
    message: string,
  ) {
    super(message);
  }
}

export function badRequest(message: string): ShadowError {
  return new ShadowError(400, message);
}

/** @param name of the shadow, or of the thing whose classic shadow it is. */
export function noShadow(name: string): ShadowError {
  return new ShadowError(404, `No shadow exists with name: '${name}'`);
}
