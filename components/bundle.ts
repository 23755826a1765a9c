import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { BundleError } from './bundling/src/errors.js';
import { makeFolder } from './bundling/src/folder.js';
import {
  findNativeArtifact,
  hostPlatform,
  type NativePlatform,
  nativeArtifact,
  nativeBinary,
  nativePlatforms,
} from './bundling/src/native-binary.js';
import { inBucket, type Recipe, readRecipe } from './bundling/src/recipe.js';
import { replaceFile, Stamps } from './bundling/src/stamp.js';

export { BundleError } from './bundling/src/errors.js';

export interface BundleOptions {
  /** Where recipes and artifacts go; made when it is not there. */
  readonly outDir: string;
  /** The artifact bucket to name in the recipes; without it they keep `BUCKET_NAME`. */
  readonly bucket?: string;
  /** The devices' platforms; by default the one of this machine. */
  readonly platforms?: readonly NativePlatform[];
}

/** What a local deployment, or an upload, takes. */
export interface Bundle {
  /** Holds `<name>-<version>.yaml`. */
  readonly recipeDir: string;
  /** Holds `<name>/<version>/<file>`. */
  readonly artifactDir: string;
  readonly components: readonly { readonly name: string; readonly version: string }[];
}

/**
 * Bundles each component into what its recipe names: one file that runs with Node.js alone, and the native
 * part of the AWS SDK beside it. The same sources give the same bytes, on any machine and in any folder;
 * what is there already and would come out the same is left alone.
 *
 * @throws BundleError for what the caller can mend
 */
export async function bundleComponents(options: BundleOptions): Promise<Bundle> {
  const outDir = resolve(options.outDir);
  const platforms = options.platforms ?? [hostPlatform()];
  const root = componentsFolder();
  const stamps = new Stamps(root, outDir);
  try {
    await makeFolder(outDir);
    const components = await Promise.all(
      FOLDERS.map((folder) =>
        bundleComponent({ folder, root, outDir, stamps, platforms, bucket: options.bucket }),
      ),
    );
    return {
      recipeDir: join(outDir, 'recipes'),
      artifactDir: join(outDir, 'artifacts'),
      components: components.map(({ name, version }) => ({ name, version })),
    };
  } catch (error) {
    if (error instanceof BundleError || !(error instanceof Error)) throw error;
    throw new BundleError('OUTPUT', `The components cannot be bundled into ${outDir}: ${error.message}`, {
      cause: error,
    });
  }
}

/** The components' folders. */
const FOLDERS = ['led', 'button'] as const;

interface Job {
  readonly folder: string;
  readonly root: string;
  readonly outDir: string;
  readonly stamps: Stamps;
  readonly platforms: readonly NativePlatform[];
  readonly bucket: string | undefined;
}

async function bundleComponent({ folder, root, outDir, stamps, platforms, bucket }: Job): Promise<Recipe> {
  const recipePath = join(folder, 'recipe.yaml');
  const recipe = await readRecipe(join(root, recipePath));
  const settings = JSON.stringify({ FORMAT, platforms, bucket });
  if (await stamps.isCurrent(folder, settings)) return recipe;

  const artifacts = join('artifacts', recipe.name, recipe.version);
  const recipeOut = join('recipes', `${recipe.name}-${recipe.version}.yaml`);
  const main = await bundleMain(join(root, folder, 'src', 'main.ts'), root);
  const outputs = new Map<string, string | Uint8Array>([
    [join(artifacts, 'main.cjs'), main.code],
    [recipeOut, inBucket(recipe, bucket)],
  ]);
  const binaries = platforms.map(nativeBinary);
  for (const [index, platform] of platforms.entries()) {
    const binary = binaries[index];
    if (binary) outputs.set(join(artifacts, nativeArtifact(platform)), await readFile(binary));
  }
  for (const [path, content] of outputs) await replaceFile(join(outDir, path), content);
  const inputs = [
    recipePath,
    ...main.inputs,
    ...[...binaries, bundler()].map((file) => relative(root, file)),
  ];
  await stamps.write(folder, settings, inputs, [...outputs.keys()]);
  return recipe;
}

/** Changes when the way of bundling changes, so that what older ways made is made again. */
const FORMAT = 1;

async function bundleMain(
  entry: string,
  root: string,
): Promise<{ readonly code: Uint8Array; readonly inputs: readonly string[] }> {
  // Only when there is something to make: it takes longer to load than to see that there is not.
  const { build } = await import('esbuild');
  try {
    const { outputFiles, metafile } = await build({
      entryPoints: [entry],
      // What esbuild writes names files relative to this folder, so no path of this machine gets in.
      absWorkingDir: root,
      bundle: true,
      write: false,
      metafile: true,
      platform: 'node',
      target: 'node20',
      // CommonJS, and called so: the SDK is, and a .js file would be read as the package.json above it says.
      format: 'cjs',
      outfile: 'main.cjs',
      banner: { js: findNativeArtifact },
      minifyWhitespace: true,
      minifySyntax: true,
      legalComments: 'eof',
      charset: 'utf8',
      logLevel: 'silent',
    });
    const [output] = outputFiles;
    if (!output) throw new Error('esbuild gave no output');
    return { code: output.contents, inputs: Object.keys(metafile.inputs) };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new BundleError('SOURCE', `${entry} cannot be bundled: ${reason}`, { cause: error });
  }
}

/** The file that tells the version of esbuild. */
function bundler(): string {
  return createRequire(import.meta.url).resolve('esbuild/package.json');
}

/** This package's folder, from its sources as from what they compile to. */
function componentsFolder(): string {
  return dirname(createRequire(import.meta.url).resolve('@mooring/components/package.json'));
}

const USAGE = `Usage: node components/dist/bundle.js --out DIR [options]

Bundles the Greengrass components for a deployment: DIR/recipes, DIR/artifacts.

Options:
  --out DIR            where to write
  --bucket NAME        artifact bucket to name in the recipes
  --platform NAME      ${nativePlatforms.join(', ')};
                       may be given more than once; by default this machine's
  --json               print the result as one JSON object
  --help               print this`;

/** The command. @returns its exit code */
async function main(args: readonly string[]): Promise<number> {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        out: { type: 'string' },
        bucket: { type: 'string' },
        platform: { type: 'string', multiple: true },
        json: { type: 'boolean' },
        help: { type: 'boolean' },
      },
    });
    if (values.help) {
      console.log(USAGE);
      return 0;
    }
    if (!values.out) throw new BundleError('USAGE', 'Say where to write, with --out DIR');
    const bundle = await bundleComponents({
      outDir: values.out,
      bucket: values.bucket,
      platforms: values.platform?.map(platformNamed),
    });
    if (values.json) console.log(JSON.stringify(bundle));
    else
      for (const { name, version } of bundle.components) console.log(`${name} ${version} in ${values.out}`);
    return 0;
  } catch (error) {
    const usage = error instanceof TypeError || (error instanceof BundleError && error.code === 'USAGE');
    if (!usage && !(error instanceof BundleError)) throw error;
    console.error(`${error.message}${usage ? `\n\n${USAGE}` : ''}`);
    return usage ? 2 : 1;
  }
}

function platformNamed(name: string): NativePlatform {
  const platform = nativePlatforms.find((candidate) => candidate === name);
  if (platform) return platform;
  throw new BundleError('USAGE', `There is no platform ${name}; there are ${nativePlatforms.join(', ')}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = await main(process.argv.slice(2));
