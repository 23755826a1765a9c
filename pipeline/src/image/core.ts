import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { explain, MooringError } from '../errors.js';
import { repositoryRoot } from '../repository.js';

const device = (...parts: string[]) =>
  join(fileURLToPath(new URL('../../../virtual-device/', import.meta.url)), ...parts);

/**
 * Bundles the virtual device with all that it imports below a folder: `bin/virtual-device.js` starts it with Node.js
 * 20 or newer, of any architecture, for nothing of it is native.
 *
 * @throws MooringError `BundleFailed`
 */
export async function bundleVirtualDevice(out: string): Promise<void> {
  // Only for images of the local cloud.
  const { build } = await import('esbuild');
  try {
    await build({
      absWorkingDir: repositoryRoot,
      // As deep as the files that find the device's `docker` command by their own place.
      entryPoints: {
        'dist/device/main': device('dist', 'main.js'),
        'dist/containers/docker-command': device('dist', 'containers', 'docker-command.js'),
      },
      outdir: out,
      bundle: true,
      platform: 'node',
      target: 'node20',
      format: 'esm',
      // Packages in CommonJS ask for Node.js's own modules by `require`.
      banner: { js: "import{createRequire}from'node:module';const require=createRequire(import.meta.url);" },
      // Speed-ups in native code, which their packages do without.
      external: ['bufferutil', 'utf-8-validate'],
      legalComments: 'eof',
      minify: true,
      keepNames: true,
      logLevel: 'silent',
    });
  } catch (error) {
    throw new MooringError('BundleFailed', `The virtual device cannot be bundled: ${explain(error)}`, {
      cause: error,
    });
  }
  await mkdir(join(out, 'bin'), { recursive: true });
  await writeFile(join(out, 'package.json'), '{"type":"module"}\n');
  await copyFile(device('bin', 'virtual-device-docker.js'), join(out, 'bin', 'virtual-device-docker.js'));
  await writeFile(
    join(out, 'bin', 'virtual-device.js'),
    "import { run } from '../dist/device/main.js';\nawait run(process.argv);\n",
  );
}
