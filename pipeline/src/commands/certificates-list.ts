import { Command } from 'commander';
import { longWork } from '../output.js';
import type { Stack } from '../target.js';
import { type CommonOptions, contextOf, withStack } from './context.js';

interface ListArguments extends CommonOptions {
  stack: Stack;
  expiring?: true;
}

/** `mooring certificates list` */
export function listCertificatesCommand(): Command {
  return withStack(new Command('list'))
    .description("every device's certificates: when they expire, and how far their rotation is")
    .option('--expiring', 'only devices whose certificate expires within 30 days, or is being rotated')
    .action(async (options: ListArguments) => {
      const { fleetCertificates } = await import('../certificates/fleet-certificates.js');
      const { certificatesData, certificatesSummary, certificatesTable, rotationCounts } = await import(
        '../certificates/certificates-table.js'
      );
      const { isUnderWay } = await import('../certificates/rotation.js');
      const { out, target } = contextOf(options);
      const now = Date.now();
      const onProgress = longWork(out, (done, of) => `Read the certificates of ${done} of ${of} devices`);
      const all = await fleetCertificates(target(), onProgress, now);
      const shown = options.expiring ? all.filter(({ rotation }) => isUnderWay(rotation)) : all;
      if (shown.length > 0) out.line(`${certificatesTable(shown, out, now)}\n`);
      out.line(certificatesSummary(all));
      out.data({
        devices: shown.map((device) => certificatesData(device, now)),
        counts: rotationCounts(all),
      });
    });
}
