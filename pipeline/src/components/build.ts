import { MooringError } from '../errors.js';

/** What {@link buildComponents} builds, of what, and where to. */
export interface BuildOptions {
  /**
   * The components' sources; the repository's `components/` unless told otherwise. A copy elsewhere works
   * too: its dependencies still come from the repository.
   */
  readonly source?: string;
  /** Where OCI layouts and artifacts go, and are found again when nothing changed. */
  readonly outDir: string;
  /** The root filesystem below the programs: pinned packages for two platforms, or this machine's own. */
  readonly base: 'pinned' | 'host';
  readonly builder?: 'auto' | 'buildx' | 'layers';
  /** Component names; all unless given. */
  readonly only?: readonly string[];
  readonly onProgress: (line: string) => void;
  readonly signal?: AbortSignal;
}

/** The image of a component, as an OCI image layout on disk. */
export interface BuiltImage {
  /** The folder of the layout. */
  readonly layout: string;
  /** `sha256:…` of the image index. */
  readonly digest: string;
  /** Such as `linux/arm64`. */
  readonly platforms: readonly string[];
  /** Platform to the bytes of its compressed layers. */
  readonly compressedBytes: Readonly<Record<string, number>>;
}

/** What a component's sources came to. */
export interface BuiltComponent {
  /** Such as `docker_led`. */
  readonly name: string;
  /** YAML text with the placeholders `IMAGE_URI` and `BUCKET_NAME`. */
  readonly recipe: string;
  /** The ComponentVersion that the recipe asks for. */
  readonly recipeVersion: string;
  /** SHA-256 of sources, recipe, dependencies and base: equal content, equal hash, on every machine. */
  readonly contentHash: string;
  readonly image: BuiltImage | undefined;
  readonly artifacts: readonly { readonly name: string; readonly path: string }[];
  /** Whether there was nothing to do, as what was there had been made of the same. */
  readonly unchanged: boolean;
}

/**
 * Builds the components: programs are bundled, images built, files collected.
 *
 * @throws MooringError for what the caller can mend
 */
export async function buildComponents(options: BuildOptions): Promise<BuiltComponent[]> {
  throw new MooringError('NotBuilt', `Building ${options.only?.join(', ') ?? 'components'} is not built yet`);
}
