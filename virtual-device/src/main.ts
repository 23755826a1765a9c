import { Command, CommanderError } from 'commander';
import { addButtonCommand } from './command/button.js';
import { addComponentCommand } from './command/component.js';
import { addDeploymentCommand } from './command/deployment.js';
import { printError } from './command/output.js';
import { addRunCommand } from './command/run.js';
import { exitCodeOf } from './errors.js';

/**
 * Runs the `virtual-device` command.
 *
 * @param argv as `process.argv`; the outcome goes to `process.exitCode`
 */
export async function run(argv: readonly string[]): Promise<void> {
  const program = new Command('virtual-device')
    .description('A Greengrass v2 core device on this machine.')
    .exitOverride()
    .showHelpAfterError('(add --help for what it takes)');
  addRunCommand(program);
  addDeploymentCommand(program);
  addComponentCommand(program);
  addButtonCommand(program);
  try {
    await program.parseAsync(argv);
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? 0 : 2;
      return;
    }
    printError(error, argv.includes('--json'));
    process.exitCode = exitCodeOf(error);
  }
}
