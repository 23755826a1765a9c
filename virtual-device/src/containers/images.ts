/** The container images that a device's components have as `docker:` artifacts. */
export interface ContainerImages {
  /** What runs containers here; `process` when no engine answers: images are unpacked, their commands run as processes. */
  readonly engine: 'docker' | 'podman' | 'process';
  /**
   * Brings an image to the device.
   *
   * @param reference `registry/name[:tag|@digest]`, without `docker:`
   * @throws DeviceError ARTIFACT_INVALID, or OFFLINE for what may be tried again
   */
  pull(reference: string, signal: AbortSignal): Promise<void>;
  /** Whether it need not be asked for: true only for digests that are there and whole. */
  isPresent(reference: string): Promise<boolean>;
  /** Forgets images that none of these references names. */
  prune(references: readonly string[]): Promise<void>;
}
