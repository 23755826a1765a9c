/** What keeps the components from being bundled; the message is one sentence for people. */
export class BundleError extends Error {
  override readonly name = 'BundleError';

  constructor(
    readonly code: 'USAGE' | 'PLATFORM' | 'RECIPE' | 'SOURCE' | 'OUTPUT',
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
