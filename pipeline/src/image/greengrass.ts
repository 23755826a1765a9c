import { createHash } from 'node:crypto';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, resolve, sep } from 'node:path';
import { unzipSync } from 'fflate';
import { z } from 'zod';
import { explain, MooringError } from '../errors.js';
import { repositoryRoot } from '../repository.js';

const Source = z.object({
  url: z.url({ protocol: /^https?$/ }),
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .nullable(),
});
/** `os-image/greengrass.json`: where AWS's core software is, and what it must be when that is known. */
const GreengrassSources = z.object({ nucleus: Source, fleetProvisioning: Source });
type GreengrassSources = z.infer<typeof GreengrassSources>;

/** SHA-256 of each file that was fetched, in hexadecimal. */
export type GreengrassHashes = Readonly<Record<keyof GreengrassSources, string>>;

/** Reads where the core software is. */
export async function greengrassSources(): Promise<GreengrassSources> {
  const file = join(repositoryRoot, 'os-image', 'greengrass.json');
  return GreengrassSources.parse(JSON.parse(await readFile(file, 'utf8')));
}

/**
 * Fetches AWS IoT Greengrass Core and its fleet provisioning plugin, and lays them out below a folder.
 *
 * @throws MooringError `DownloadFailed`, `WrongHash`, `NotGreengrass`
 */
export async function layOutGreengrass(out: string, sources: GreengrassSources): Promise<GreengrassHashes> {
  const nucleus = await download(sources.nucleus);
  const plugin = await download(sources.fleetProvisioning);
  let files: Record<string, Uint8Array>;
  try {
    files = unzipSync(nucleus);
  } catch (error) {
    throw new MooringError('NotGreengrass', `${sources.nucleus.url} is no zip: ${explain(error)}`, {
      cause: error,
    });
  }
  if (!files['lib/Greengrass.jar']) {
    throw new MooringError('NotGreengrass', `${sources.nucleus.url} has no lib/Greengrass.jar in it`);
  }
  for (const [name, content] of Object.entries(files)) {
    if (name.endsWith('/')) continue;
    const path = resolve(out, name);
    if (!path.startsWith(`${resolve(out)}${sep}`)) {
      throw new MooringError(
        'NotGreengrass',
        `${sources.nucleus.url} has ${name} in it, which leads out of it`,
      );
    }
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content);
    if (name.startsWith('bin/')) await chmod(path, 0o755);
  }
  await writeFile(join(out, 'aws.greengrass.FleetProvisioningByClaim.jar'), plugin);
  return { nucleus: sha256Of(nucleus), fleetProvisioning: sha256Of(plugin) };
}

async function download({ url, sha256 }: z.infer<typeof Source>): Promise<Uint8Array> {
  let bytes: Uint8Array;
  try {
    const response = await fetch(url);
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
    bytes = new Uint8Array(await response.arrayBuffer());
  } catch (error) {
    throw new MooringError('DownloadFailed', `${url} cannot be fetched: ${explain(error)}`, { cause: error });
  }
  const found = sha256Of(bytes);
  if (sha256 !== null && found !== sha256) {
    throw new MooringError(
      'WrongHash',
      `${url} has the SHA-256 ${found}, and os-image/greengrass.json says ${sha256}`,
    );
  }
  return bytes;
}

function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
