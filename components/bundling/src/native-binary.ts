import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { BundleError } from './errors.js';

/** `<platform>-<architecture>-<C library>`, as the folders of aws-crt's prebuilt binaries are named. */
export type NativePlatform = (typeof nativePlatforms)[number];

export const nativePlatforms = [
  'linux-x64-glibc',
  'linux-arm64-glibc',
  'linux-x64-musl',
  'linux-arm64-musl',
] as const;

/** @throws BundleError `PLATFORM` when components cannot run on this machine */
export function hostPlatform(): NativePlatform {
  const name = `${process.platform}-${process.arch}-${runsOnGlibc() ? 'glibc' : 'musl'}`;
  const host = nativePlatforms.find((platform) => platform === name);
  if (host) return host;
  throw new BundleError(
    'PLATFORM',
    `Components do not run on ${name}; name the device's platform (${nativePlatforms.join(', ')})`,
  );
}

/** Where npm has put the native part of aws-crt for a platform. */
export function nativeBinary(platform: NativePlatform): string {
  const require = createRequire(import.meta.url);
  const sdk = createRequire(require.resolve('aws-iot-device-sdk-v2'));
  return join(dirname(sdk.resolve('aws-crt')), 'bin', platform, 'aws-crt-nodejs.node');
}

/** The name of that file beside a bundle; with the platform in it, so that several can lie there. */
export function nativeArtifact(platform: NativePlatform): string {
  return `aws-crt-${platform}.node`;
}

/**
 * What a bundle does first: it tells aws-crt, which looks for its native part by the layout of its npm
 * package, to look beside the bundle (aws-crt's `dist/native/binding.js`).
 */
export const findNativeArtifact = [
  'process.env.AWS_CRT_NODEJS_BINARY_RELATIVE_PATH ??=',
  'require("node:fs").readdirSync(__dirname)',
  '.find((file) => file.startsWith(`aws-crt-${process.platform}-${process.arch}-`)) ?? "";',
].join(' ');

function runsOnGlibc(): boolean {
  const report: unknown = process.report?.getReport();
  if (typeof report !== 'object' || report === null || !('header' in report)) return true;
  const { header } = report;
  return typeof header === 'object' && header !== null && 'glibcVersionRuntime' in header;
}
