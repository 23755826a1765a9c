import { Command } from 'commander';
import type { PublishedComponent } from '../components/publish.js';
import { type Output, table } from '../output.js';
import type { Stack } from '../target.js';
import { type BuildArguments, buildOptions, withBuildOptions } from './components-build.js';
import { type CommonOptions, contextOf, withStack } from './context.js';

/** `mooring components publish` */
export function publishComponentsCommand(): Command {
  return withStack(withBuildOptions(new Command('publish')))
    .description('build the components and publish those that changed; a second run publishes nothing')
    .option('--no-build', 'publish what the last build came to')
    .action(
      async (names: string[], options: CommonOptions & BuildArguments & { stack: Stack; build: boolean }) => {
        const { buildAndNote, lastBuild } = await import('../components/last-build.js');
        const { publishComponents } = await import('../components/publish.js');
        const { out, state, ownTarget } = contextOf(options);
        state.prepare();
        const to = await ownTarget();
        const built = options.build
          ? await buildAndNote(buildOptions(names, options, state, out.progress))
          : await lastBuild(state.built(options.base), names);
        const published = await publishComponents(to, built, { onProgress: out.progress });
        out.line(publishedTable(published, out));
        out.data(published);
      },
    );
}

function publishedTable(published: readonly PublishedComponent[], out: Output): string {
  return table(
    ['COMPONENT', 'VERSION', '', 'IMAGE'],
    published.map((component) => [
      component.name,
      component.version,
      component.published ? out.style('green', 'published') : out.style('dim', 'unchanged'),
      component.digest ?? '-',
    ]),
  );
}
