import { join } from 'node:path';
import { Command } from 'commander';
import { repositoryRoot } from '../repository.js';
import type { Stack } from '../target.js';
import { readAllowlistFile } from './allowlist.js';
import { type CommonOptions, contextOf, withStack } from './context.js';

/** `mooring provision` */
export function provisionCommand(): Command {
  return withStack(new Command('provision'))
    .description('prepare fleet provisioning: claim certificate, endpoints and allowlist in the bucket')
    .option(
      '--allowlist <file>',
      'serial numbers that may join, one a line',
      join(repositoryRoot, 'allowlist.txt'),
    )
    .action(async (options: CommonOptions & { stack: Stack; allowlist: string }) => {
      const { provision } = await import('../provisioning/provision.js');
      const { out, ownTarget } = contextOf(options);
      const result = await provision(await ownTarget(), await readAllowlistFile(options.allowlist));
      out.line(
        `Claim certificate ${result.claimCertificateCreated ? 'made' : 'kept'}: ${result.claimCertificateId}`,
      );
      out.line(`${result.allowed} serial numbers may join`);
      out.line(
        result.changed.length > 0
          ? `Written to ${result.bucket}: ${result.changed.join(', ')}`
          : `No changes in ${result.bucket}`,
      );
      out.data(result);
    });
}
