import type { Command } from 'commander';
import { systemClock } from '../clock.js';
import { pressButton } from '../hardware/button.js';
import { print, printJson } from './output.js';

export function addButtonCommand(program: Command): void {
  program
    .command('button')
    .description("the running device's button")
    .command('press')
    .description('press and release the button')
    .requiredOption('--root <folder>', "the running device's root")
    .option('--json', 'print one JSON object')
    .action((options: { root: string; json?: true }) => {
      const isHeard = pressButton(options.root, systemClock);
      if (options.json) printJson({ event: 'pressed', heard: isHeard });
      else print(isHeard ? 'pressed' : 'pressed, but no component listens to the button');
    });
}
