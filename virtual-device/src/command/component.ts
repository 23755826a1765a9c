import type { Command } from 'commander';
import { z } from 'zod';
import { withDevice } from './deployment.js';
import { print, printJson } from './output.js';

const Details = z.object({
  componentName: z.string(),
  version: z.string(),
  state: z.string(),
  configuration: z.unknown().optional(),
});
type Details = z.infer<typeof Details>;

interface NamedOptions {
  readonly root: string;
  readonly name: string;
  readonly json?: true;
}

export function addComponentCommand(program: Command): void {
  const component = program.command('component').description("the running device's components");

  component
    .command('list')
    .description('names, versions, states and configuration of all components')
    .requiredOption('--root <folder>', "the running device's root")
    .option('--json', 'print JSON')
    .action(async (options: { root: string; json?: true }) => {
      const answer = await withDevice(options.root, (client) => client.call('ListComponents', {}));
      const { components } = z.object({ components: z.array(Details) }).parse(answer);
      if (options.json) printJson(components);
      else print(['Components currently running in Greengrass:', ...components.map(describe)].join('\n'));
    });

  component
    .command('details')
    .description('the same of one component')
    .requiredOption('--root <folder>', "the running device's root")
    .requiredOption('-n, --name <name>', 'its name')
    .option('--json', 'print JSON')
    .action(async (options: NamedOptions) => {
      const answer = await withDevice(options.root, (client) =>
        client.call('GetComponentDetails', { componentName: options.name }),
      );
      const { componentDetails } = z.object({ componentDetails: Details }).parse(answer);
      if (options.json) printJson(componentDetails);
      else print(describe(componentDetails));
    });

  for (const [verb, operation] of [
    ['restart', 'RestartComponent'],
    ['stop', 'StopComponent'],
  ] as const) {
    component
      .command(verb)
      .description(`${verb} a component`)
      .requiredOption('--root <folder>', "the running device's root")
      .requiredOption('-n, --name <name>', 'its name')
      .option('--json', 'print JSON')
      .action(async (options: NamedOptions) => {
        const answer = await withDevice(options.root, (client) =>
          client.call(operation, { componentName: options.name }),
        );
        if (options.json) printJson(answer);
        else print(`${verb} of ${options.name} is under way`);
      });
  }
}

function describe({ componentName, version, state, configuration }: Details): string {
  return [
    `Component Name: ${componentName}`,
    `    Version: ${version}`,
    `    State: ${state}`,
    `    Configuration: ${JSON.stringify(configuration ?? {})}`,
  ].join('\n');
}
