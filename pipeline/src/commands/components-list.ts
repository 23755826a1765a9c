import { Command } from 'commander';
import { table } from '../output.js';
import type { Stack } from '../target.js';
import { type CommonOptions, contextOf, withStack } from './context.js';

/** `mooring components list` */
export function listComponentsCommand(): Command {
  return withStack(new Command('list'))
    .description('the components that are published, and what is deployed of them')
    .action(async (options: CommonOptions & { stack: Stack }) => {
      const { listComponents } = await import('../components/list.js');
      const { out, target } = contextOf(options);
      const components = await listComponents(target());
      out.line(
        components.length === 0
          ? 'No component is published yet'
          : table(
              ['COMPONENT', 'NEWEST', 'CONTENT', 'DEPLOYED', 'HELD BACK'],
              components.map(({ name, newest, content, deployed, heldBack }) => [
                name,
                newest,
                content?.slice(0, 12) ?? '-',
                deployed ?? '-',
                heldBack.length > 0 ? out.style('red', heldBack.join(', ')) : '-',
              ]),
            ),
      );
      out.data(components);
    });
}
