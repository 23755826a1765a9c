import { resolve } from 'node:path';
import { type Command, Command as NewCommand, Option } from 'commander';
import type { BuildOptions, BuiltComponent } from '../components/build.js';
import { MooringError } from '../errors.js';
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
    .option('--out <dir>', 'where to build (default: below the state directory, where publish finds it)')
    .action(async (names: string[], options: CommonOptions & BuildArguments & { out?: string }) => {
      const { buildAndNote } = await import('../components/last-build.js');
      const { out, state } = contextOf(options);
      const asked = buildOptions(names, options, state, out.progress);
      const outDir = resolve(options.out ?? asked.outDir);
      if (options.out === undefined) state.prepare();
      const refused: { name: string; reason: string }[] = [];
      const built = await buildAndNote({
        ...asked,
        outDir,
        onRefused: ({ name, error }) => refused.push({ name, reason: error.message }),
      });
      const rows = [
        ...built.map((component) => [
          component.name,
          component.recipeVersion,
          component.image?.digest.slice('sha256:'.length, 'sha256:'.length + 12) ?? '-',
          sizes(component),
          component.unchanged ? out.style('dim', 'unchanged') : out.style('green', 'built'),
        ]),
        ...refused.map(({ name }) => [name, '-', '-', '-', out.style('red', 'refused')]),
      ];
      out.line(table(['COMPONENT', 'VERSION', 'DIGEST', 'COMPRESSED', ''], rows));
      out.line();
      out.line(`In ${outDir}`);
      out.data([...built.map(({ recipe: _recipe, ...rest }) => rest), ...refused]);
      if (refused.length > 0) {
        const reasons = refused.map(({ name, reason }) => `${name} was not built: ${reason}`);
        throw new MooringError('BuildRefused', reasons.join('\n'));
      }
    });
}

/** `linux/arm64 52.1 MB, linux/amd64 53.0 MB` */
function sizes({ image }: BuiltComponent): string {
  const bytes = Object.entries(image?.compressedBytes ?? {});
  return bytes.map(([platform, size]) => `${platform} ${(size / 1e6).toFixed(1)} MB`).join(', ') || '-';
}
