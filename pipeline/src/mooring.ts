import { Command } from 'commander';
import { bootstrapCommand } from './commands/bootstrap.js';
import { buttonCommand } from './commands/button.js';
import { certificatesCommand } from './commands/certificates.js';
import { claimCommand } from './commands/claim.js';
import { componentsCommand } from './commands/components.js';
import { costCommand } from './commands/cost.js';
import { deployCommand } from './commands/deploy.js';
import { destroyCommand } from './commands/destroy.js';
import { fleetCommand } from './commands/fleet.js';
import { ledCommand } from './commands/led.js';
import { provisionCommand } from './commands/provision.js';
import { resetCommand } from './commands/reset.js';
import { startCommand } from './commands/start.js';
import { statusCommand } from './commands/status.js';
import { explain } from './errors.js';

/** The `mooring` command; sets the process's exit code. */
export async function mooring(argv: readonly string[]): Promise<void> {
  const program = new Command('mooring')
    .description('Fleets of Arm SystemReady devices on AWS, or on this machine')
    .showHelpAfterError('(see --help)')
    .addCommand(startCommand())
    .addCommand(bootstrapCommand())
    .addCommand(deployCommand())
    .addCommand(provisionCommand())
    .addCommand(componentsCommand())
    .addCommand(certificatesCommand())
    .addCommand(fleetCommand())
    .addCommand(claimCommand())
    .addCommand(statusCommand())
    .addCommand(ledCommand())
    .addCommand(buttonCommand())
    .addCommand(costCommand())
    .addCommand(destroyCommand())
    .addCommand(resetCommand());
  try {
    await program.parseAsync(argv);
  } catch (error) {
    process.stderr.write(`mooring: ${explain(error)}\n`);
    if (process.env.MOORING_DEBUG && error instanceof Error) process.stderr.write(`${error.stack}\n`);
    process.exitCode = 1;
  }
}
