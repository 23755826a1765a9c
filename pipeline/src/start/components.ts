import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { z } from 'zod';
import { MooringError } from '../errors.js';
import { programs } from '../repository.js';

/** Components ready for a local deployment. */
export const Bundle = z.object({
  recipeDir: z.string(),
  artifactDir: z.string(),
  components: z.array(z.object({ name: z.string(), version: z.string() })),
});
export type Bundle = z.infer<typeof Bundle>;

const run = promisify(execFile);

/** Bundles the repository's components into `outDir`; quick when nothing changed. */
export async function bundleComponents(outDir: string): Promise<Bundle> {
  try {
    const { stdout } = await run(process.execPath, [programs.bundleComponents, '--out', outDir, '--json']);
    return Bundle.parse(JSON.parse(stdout));
  } catch (error) {
    const detail = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : '';
    throw new MooringError(
      'BundleFailed',
      `The components could not be bundled: ${detail || String(error)}`,
      { cause: error },
    );
  }
}

/** Deploys the components on one device, as the Greengrass CLI does: a local deployment. */
export async function deployLocally(deviceRoot: string, bundle: Bundle): Promise<void> {
  const merge = bundle.components.map(({ name, version }) => `${name}=${version}`).join(',');
  const { recipeDir, artifactDir } = bundle;
  try {
    await run(process.execPath, [
      programs.virtualDevice,
      'deployment',
      'create',
      ...['--root', deviceRoot],
      ...['--recipeDir', recipeDir],
      ...['--artifactDir', artifactDir],
      ...['--merge', merge],
    ]);
  } catch (error) {
    const detail = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : '';
    throw new MooringError(
      'DeploymentFailed',
      `The components could not be deployed on the device at ${deviceRoot}: ${detail || String(error)}`,
      { cause: error },
    );
  }
}
