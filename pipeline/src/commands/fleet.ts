import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Command } from 'commander';
import { repositoryRoot } from '../repository.js';
import type { Stack } from '../target.js';
import { readAllowlistFile } from './allowlist.js';
import { type CommonOptions, contextOf, wholeNumber, withStack } from './context.js';

type FleetOptions = CommonOptions & { stack: Stack; allowlist: string };
type SyncArguments = FleetOptions & { dryRun?: true; verify?: true; yesRemove?: number };

/** `mooring fleet` */
export function fleetCommand(): Command {
  return new Command('fleet')
    .description('who belongs to the fleet')
    .addCommand(syncCommand())
    .addCommand(allowCommand())
    .addCommand(removeCommand())
    .addCommand(pullCommand())
    .addCommand(listCommand());
}

function withAllowlist(command: Command): Command {
  return withStack(command).option(
    '--allowlist <file>',
    'serial numbers of the fleet, one a line',
    join(repositoryRoot, 'allowlist.txt'),
  );
}

/** `mooring fleet sync` */
function syncCommand(): Command {
  return withAllowlist(new Command('sync'))
    .description('make the fleet what the allowlist says: remove who is not on it, attach again who is')
    .option('--dry-run', 'only tell what would be done')
    .option('--verify', 'look through every device, also those that seem to be in order')
    .option(
      '--yes-remove <number>',
      'needed to remove more than a tenth of the fleet: how many devices that is',
      wholeNumber(1),
    )
    .action(async (options: SyncArguments) => {
      const { planFleet, syncFleet } = await import('../fleet-sync/sync.js');
      const { failOnOutcomes, planLines, resultLines } = await import('../fleet-sync/render.js');
      const { out, target, ownTarget } = contextOf(options);
      const allowlist = await readAllowlistFile(options.allowlist);
      const wish = { allowlist, verify: options.verify === true };
      if (options.dryRun) {
        const plan = await planFleet(target(), wish);
        for (const line of planLines(plan, out)) out.line(line);
        out.data({ plan });
        return;
      }
      const result = await syncFleet(await ownTarget(), {
        ...wish,
        ...(options.yesRemove !== undefined && { confirmed: options.yesRemove }),
        onPlan: (plan) => {
          for (const line of planLines(plan, out)) out.line(line);
        },
        onProgress: out.progress,
      });
      for (const line of resultLines(result)) out.line(line);
      out.data(result);
      failOnOutcomes(result);
    });
}

/** `mooring fleet allow SERIAL…` */
function allowCommand(): Command {
  return withAllowlist(new Command('allow'))
    .description('put serial numbers on the allowlist, in the file and in the cloud: their devices may join')
    .argument('<serials...>', 'serial numbers')
    .action(async (serials: string[], options: FleetOptions) => {
      const { withSerials } = await import('../fleet-sync/allowlist-file.js');
      const { overruleDashboard } = await import('../fleet-sync/dashboard-changes.js');
      const { out, ownTarget } = contextOf(options);
      const edit = (text: string) => withSerials(text, serials);
      const to = await ownTarget();
      const { changed: fileChanged } = await editFile(options.allowlist, edit);
      const cloudChanged = await overruleDashboard(to, serials, edit);
      out.line(
        cloudChanged
          ? `${serials.join(', ')} may join now`
          : `${serials.join(', ')} could join already; nothing changed in the cloud`,
      );
      if (fileChanged) out.line(`${options.allowlist} has changed: commit it`);
      out.data({ allowed: serials, fileChanged, cloudChanged });
    });
}

/** `mooring fleet remove SERIAL…` */
function removeCommand(): Command {
  return withAllowlist(new Command('remove'))
    .description('take devices off the allowlist, and their access, thing and certificate with it')
    .argument('<serials...>', 'serial numbers')
    .action(async (serials: string[], options: FleetOptions) => {
      const { withoutSerials } = await import('../fleet-sync/allowlist-file.js');
      const { removeFromFleet } = await import('../fleet-sync/sync.js');
      const { failOnOutcomes } = await import('../fleet-sync/render.js');
      const { out, ownTarget } = contextOf(options);
      const edit = (text: string) => withoutSerials(text, serials);
      const from = await ownTarget();
      const { changed: fileChanged } = await editFile(options.allowlist, edit);
      const result = await removeFromFleet(from, serials, edit, out.progress);
      for (const { thing, certificates = [], failed } of result.outcomes) {
        if (!failed) out.line(`${thing} removed, with ${certificates.length} certificates`);
      }
      const absent = serials.filter((serial) => !result.plan.remove.includes(serial));
      if (absent.length > 0) out.line(`${absent.join(', ')} had not joined`);
      if (fileChanged) out.line(`${options.allowlist} has changed: commit it`);
      out.data({ ...result, fileChanged });
      failOnOutcomes(result);
    });
}

/** `mooring fleet pull` */
function pullCommand(): Command {
  return withAllowlist(new Command('pull'))
    .description('write into the allowlist file what operators changed on the dashboard')
    .action(async (options: FleetOptions) => {
      const { withDashboardChanges } = await import('../fleet-sync/dashboard-changes.js');
      const { dashboardLine } = await import('../fleet-sync/render.js');
      const { out, target } = contextOf(options);
      const before = await readAllowlistFile(options.allowlist);
      const { text, changes } = await withDashboardChanges(target(), before);
      if (changes.length > 0) await writeFile(options.allowlist, text);
      for (const change of changes) out.line(dashboardLine(change));
      out.line(
        changes.length > 0
          ? `${options.allowlist} has changed: commit it`
          : `${options.allowlist} has all that was changed on the dashboard`,
      );
      out.data({ changes });
    });
}

/** `mooring fleet list` */
function listCommand(): Command {
  return withAllowlist(new Command('list'))
    .description('the devices of the fleet and of the allowlist, side by side')
    .action(async (options: FleetOptions) => {
      const { planFleet } = await import('../fleet-sync/sync.js');
      const { membershipTable } = await import('../fleet-sync/render.js');
      const { out, target } = contextOf(options);
      const plan = await planFleet(target(), { allowlist: await readAllowlistFile(options.allowlist) });
      out.line(membershipTable(plan, out));
      out.data(plan);
    });
}

async function editFile(file: string, edit: (text: string) => string): Promise<{ changed: boolean }> {
  const before = await readAllowlistFile(file);
  const after = edit(before);
  if (after !== before) await writeFile(file, after);
  return { changed: after !== before };
}
