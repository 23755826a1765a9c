import { Command } from 'commander';
import { bootstrapCommand } from './commands/bootstrap.js';
import { buttonCommand } from './commands/button.js';
import { certificatesCommand } from './commands/certificates.js';
import { claimCommand } from './commands/claim.js';
import { componentsCommand } from './commands/components.js';
import { costCommand } from './commands/cost.js';
import { dashboardCommand } from './commands/dashboard.js';
import { deployCommand } from './commands/deploy.js';
import { destroyCommand } from './commands/destroy.js';
import { fleetCommand } from './commands/fleet.js';
import { imageCommand } from './commands/image.js';
import { ledCommand } from './commands/led.js';
import { provisionCommand } from './commands/provision.js';
import { resetCommand } from './commands/reset.js';
import { scanCommand } from './commands/scan.js';
import { startCommand } from './commands/start.js';
import { statusCommand } from './commands/status.js';
import { explain } from './errors.js';
import { jobSummary } from './job-summary.js';

/** The `mooring` command's commands and options. */
export function mooringProgram(): Command {
  return new Command('mooring')
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
    .addCommand(dashboardCommand())
    .addCommand(imageCommand())
    .addCommand(statusCommand())
    .addCommand(ledCommand())
    .addCommand(buttonCommand())
    .addCommand(scanCommand())
    .addCommand(costCommand())
    .addCommand(destroyCommand())
    .addCommand(resetCommand());
}

/** The `mooring` command; sets the process's exit code. */
export async function mooring(argv: readonly string[]): Promise<void> {
  const summary = jobSummary();
  summary?.command(argv.slice(2));
  try {
    await mooringProgram().parseAsync(argv);
  } catch (error) {
    process.stderr.write(`mooring: ${explain(error)}\n`);
    summary?.failed(explain(error));
    if (process.env.MOORING_DEBUG && error instanceof Error) process.stderr.write(`${error.stack}\n`);
    process.exitCode = 1;
  }
}
