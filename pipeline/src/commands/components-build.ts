import { join } from 'node:path';
import { type Command, Command as NewCommand, Option } from 'commander';
import type { BuildOptions, BuiltComponent } from '../components/build.js';
import { table } from '../output.js';
import type { StateDirectory } from '../state-directory.js';
import { type CommonOptions, contextOf, withCommonOptions } from './context.js';

/** Options of what builds. */
export interface BuildArguments {
  source?: string;
  base: BuildOptions['base'];
  builder: NonNullable<BuildOptions['builder']>;
}

/** Adds the options that say how components are built. */
export function withBuildOptions(command: Command): Command {
  return command
    .argument('[names...]', 'components to take, such as docker_led (default: all)')
    .option('--source <dir>', "the components' sources (default: components/ of the repository)")
    .addOption(
      new Option('--base <base>', 'what is below the programs: pinned packages, or what this machine has')
        .choices(['pinned', 'host'])
        .default('pinned'),
    )
    .addOption(
      new Option('--builder <builder>', 'what puts the images together')
        .choices(['auto', 'buildx', 'layers'])
        .default('auto'),
    );
}

/** What to build, from the command's options; what was built is found again in the state directory. */
export function buildOptions(
  names: readonly string[],
  { source, base, builder }: BuildArguments,
  state: StateDirectory,
  onProgress: (line: string) => void,
): BuildOptions {
  return {
    ...(source !== undefined && { source }),
    outDir: state.built(base),
    base,
    builder,
    ...(names.length > 0 && { only: names }),
    onProgress,
  };
}

/** `mooring components build` */
export function buildComponentsCommand(): Command {
  return withCommonOptions(withBuildOptions(new NewCommand('build')))
    .description('build the components: images as OCI layouts, and artifacts')
    .action(async (names: string[], options: CommonOptions & BuildArguments) => {
      const { buildAndNote } = await import('../components/last-build.js');
      const { out, state } = contextOf(options);
      state.prepare();
      const built = await buildAndNote(buildOptions(names, options, state, out.progress));
      out.line(
        table(
          ['COMPONENT', 'CONTENT', 'IMAGE', 'COMPRESSED', ''],
          built.map((component) => [
            component.name,
            component.contentHash.slice(0, 12),
            component.image?.digest.slice('sha256:'.length, 'sha256:'.length + 12) ?? '-',
            sizes(component),
            component.unchanged ? out.style('dim', 'unchanged') : out.style('green', 'built'),
          ]),
        ),
      );
      out.line();
      out.line(`In ${join(state.built(options.base))}`);
      out.data(built.map(({ recipe: _recipe, ...rest }) => rest));
    });
}

/** `linux/arm64 52.1 MB, linux/amd64 53.0 MB` */
function sizes({ image }: BuiltComponent): string {
  const bytes = Object.entries(image?.compressedBytes ?? {});
  return bytes.map(([platform, size]) => `${platform} ${(size / 1e6).toFixed(1)} MB`).join(', ') || '-';
}
