/** What a source gives from an offset on. */
export interface ArtifactContent {
  readonly body: AsyncIterable<Uint8Array>;
  /** Where the body begins: the offset asked for, or 0 from a source that cannot begin elsewhere. */
  readonly start: number;
  /** Bytes of the whole artifact, where the source says so. */
  readonly size: number | undefined;
}

/** Where an artifact comes from. */
export interface ArtifactSource {
  /**
   * Opens the artifact from a byte on.
   *
   * @throws DeploymentError for what trying again does not mend, OfflineError for the rest
   */
  open(offset: number, signal: AbortSignal): Promise<ArtifactContent>;
}

/** What the network broke; trying again may help. */
export class OfflineError extends Error {
  override readonly name = 'OfflineError';
}
