import { createHash } from 'node:crypto';
import { build } from 'esbuild';
import { zipSync } from 'fflate';
import { explain, MooringError } from '../errors.js';

/** A function's deployment package. */
export interface FunctionBundle {
  readonly name: string;
  readonly zip: Uint8Array;
  /** Of the zip, in hexadecimal. */
  readonly sha256: string;
}

/** The oldest time that a zip can hold; it keeps the time of day out of the bytes. */
const EPOCH = new Date(1980, 0, 1);

/**
 * Bundles a function with all that it imports into one CommonJS `index.js`, in a zip. The same sources give
 * the same bytes, on any machine and at any time.
 *
 * @param entry the module that exports `handler`.
 * @throws MooringError `BundleFailed` naming the function and the first error.
 */
export async function bundleFunction(name: string, entry: string): Promise<FunctionBundle> {
  try {
    const { outputFiles } = await build({
      entryPoints: [entry],
      bundle: true,
      write: false,
      platform: 'node',
      target: 'node20',
      format: 'cjs',
      // Without comments, which would name the paths of the machine that bundles.
      minify: true,
      legalComments: 'none',
      logLevel: 'silent',
    });
    const [script] = outputFiles;
    if (script === undefined) throw new Error('esbuild wrote nothing');
    const zip = zipSync({ 'index.js': script.contents }, { mtime: EPOCH, level: 6 });
    return { name, zip, sha256: createHash('sha256').update(zip).digest('hex') };
  } catch (error) {
    throw new MooringError('BundleFailed', `The function ${name} cannot be bundled: ${explain(error)}`, {
      cause: error,
    });
  }
}

/** Bundles each function of a list of entries, by name. */
export async function bundleFunctions(entries: Readonly<Record<string, string>>): Promise<FunctionBundle[]> {
  return Promise.all(Object.entries(entries).map(([name, entry]) => bundleFunction(name, entry)));
}
