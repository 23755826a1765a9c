import { join, resolve } from 'node:path';
import { Command, Option } from 'commander';
import type { BuiltImage } from '../image/build.js';
import { type ImageTarget, imageTargets } from '../image/manifest.js';
import { type Output, table } from '../output.js';
import type { StateDirectory } from '../state-directory.js';
import type { Stack } from '../target.js';
import { type CommonOptions, contextOf, withStack } from './context.js';

/** `mooring image` */
export function imageCommand(): Command {
  return new Command('image')
    .description('the image that devices boot')
    .addCommand(buildCommand())
    .addCommand(publishCommand());
}

interface ImageOptions extends CommonOptions {
  stack: Stack;
  target: ImageTarget;
  out?: string;
}

function withTarget(command: Command): Command {
  return withStack(command)
    .addOption(
      new Option('--target <target>', 'any SystemReady board, or a Raspberry Pi')
        .choices(imageTargets)
        .default('generic' satisfies ImageTarget),
    )
    .option('--out <dir>', 'where the image is (default: below the state directory)');
}

function outDir(options: ImageOptions, state: StateDirectory): string {
  if (options.out !== undefined) return resolve(options.out);
  state.prepare();
  return join(state.path, 'os-image', options.stack, options.target);
}

function buildCommand(): Command {
  return withTarget(new Command('build'))
    .description('build the image: provisions itself at its first boot, by the claim of the stack')
    .option('--fresh', "fetch Debian's packages again, even if that was done in the last days")
    .option('--rootfs <tar>', "a root file system of your own instead of Debian's packages; needs no root")
    .option('--install-programs', 'install what the build needs from packages first')
    .option(
      '--local-cloud-host <address>',
      'for the stack local: where a device finds this machine (10.0.2.2 is that of a guest of QEMU)',
      '10.0.2.2',
    )
    .action(
      async (
        options: ImageOptions & {
          fresh?: true;
          rootfs?: string;
          installPrograms?: true;
          localCloudHost: string;
        },
      ) => {
        const { buildImage } = await import('../image/build.js');
        const { out, state, target } = contextOf(options);
        const built = await buildImage(target(), {
          imageTarget: options.target,
          outDir: outDir(options, state),
          ...(options.rootfs !== undefined && { rootfs: resolve(options.rootfs) }),
          fresh: options.fresh === true,
          installPrograms: options.installPrograms === true,
          localCloudHost: options.localCloudHost,
          now: new Date(),
          onProgress: out.progress,
        });
        describe(built, out);
        out.data(built);
      },
    );
}

function describe({ path, bytes, imageBytes, sha256, timings }: BuiltImage, out: Output): void {
  out.line(
    table(
      ['STAGE', 'SECONDS'],
      Object.entries(timings).map(([name, seconds]) => [name, seconds.toFixed(1)]),
    ),
  );
  out.line();
  out.line(`${path}: ${megabytes(bytes)}, on the medium ${megabytes(imageBytes)}`);
  out.line(`SHA-256 ${sha256}`);
  out.line('The claim certificate is in it: keep it as secret as that.');
}

function publishCommand(): Command {
  return withTarget(new Command('publish'))
    .description('upload the image that was built, its checksum, and the manifest that names the newest')
    .action(async (options: ImageOptions) => {
      const { publishImage } = await import('../image/publish.js');
      const { out, state, ownTarget } = contextOf(options);
      const result = await publishImage(await ownTarget(), outDir(options, state));
      out.line(
        result.published
          ? `Published: s3://${result.bucket}/${result.key}, ${megabytes(result.bytes)}`
          : `No changes: s3://${result.bucket}/${result.key} is the newest already`,
      );
      out.data(result);
    });
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
