import { createRequire } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import { explain, MooringError } from '../errors.js';
import { repositoryRoot } from '../repository.js';

/** A component's program: one file that runs with Node.js alone. */
export interface Program {
  readonly code: Uint8Array;
  /** All files that went in, as paths on this machine. */
  readonly inputs: readonly string[];
}

/**
 * Bundles a component's `src/main.ts` with all that it imports. Packages come from this repository, wherever
 * the sources are; the same sources give the same bytes in any folder.
 *
 * @throws MooringError `BundleFailed`
 */
export async function bundleProgram(name: string, folder: string): Promise<Program> {
  // Only when there is something to make: it takes longer to load than to see that there is not.
  const { build } = await import('esbuild');
  try {
    const { outputFiles, metafile } = await build({
      entryPoints: [join(folder, 'src', 'main.ts')],
      // What esbuild writes names packages' files relative to this folder, so no path of this machine gets in.
      absWorkingDir: resolve(repositoryRoot),
      nodePaths: [join(repositoryRoot, 'node_modules')],
      bundle: true,
      write: false,
      metafile: true,
      platform: 'node',
      target: 'node20',
      // CommonJS, and called so: the SDK is, and a .js file would be read as the package.json above it says.
      format: 'cjs',
      outfile: 'main.cjs',
      banner: { js: FIND_NATIVE_PART },
      // A copy of the sources has no tsconfig above it, and shall come out the same.
      tsconfigRaw: {},
      minifyWhitespace: true,
      minifySyntax: true,
      legalComments: 'eof',
      charset: 'utf8',
      logLevel: 'silent',
    });
    const [output] = outputFiles;
    if (!output) throw new Error('esbuild gave no output');
    const inputs = Object.keys(metafile.inputs).map((path) => resolve(repositoryRoot, path));
    return { code: output.contents, inputs };
  } catch (error) {
    throw new MooringError('BundleFailed', `The program of ${name} cannot be bundled: ${explain(error)}`, {
      cause: error,
    });
  }
}

/** The file that tells the version of esbuild. */
export function bundlerVersionFile(): string {
  return createRequire(import.meta.url).resolve('esbuild/package.json');
}

/** A file's name for hashing, the same on every machine and for sources in any folder. */
export function portableName(path: string, source: string): string {
  const inSource = relative(source, path);
  if (!inSource.startsWith('..')) return `components/${inSource}`;
  const inRepository = relative(repositoryRoot, path);
  if (!inRepository.startsWith('..')) return inRepository;
  return path.slice(Math.max(0, path.lastIndexOf('/node_modules/')));
}

/** The native part of aws-crt for an architecture of an image (`amd64`, `arm64`), built for the GNU C library. */
export function nativePart(architecture: string): { readonly path: string; readonly name: string } {
  const platform = `linux-${architecture === 'amd64' ? 'x64' : architecture}-glibc`;
  const fromComponents = createRequire(join(repositoryRoot, 'components', 'package.json'));
  const fromSdk = createRequire(fromComponents.resolve('aws-iot-device-sdk-v2'));
  const path = join(dirname(fromSdk.resolve('aws-crt')), 'bin', platform, 'aws-crt-nodejs.node');
  return { path, name: `aws-crt-${platform}.node` };
}

/**
 * What a program does first: it tells aws-crt, which looks for its native part by the layout of its npm
 * package, to look beside the program (aws-crt's `dist/native/binding.js`).
 */
const FIND_NATIVE_PART = [
  'process.env.AWS_CRT_NODEJS_BINARY_RELATIVE_PATH ??=',
  'require("node:fs").readdirSync(__dirname)',
  '.find((file) => file.startsWith(`aws-crt-${process.platform}-${process.arch}-`)) ?? "";',
].join(' ');
