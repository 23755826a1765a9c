import { Command, InvalidArgumentError } from 'commander';
import { MooringError } from '../errors.js';
import { type Output, table } from '../output.js';
import { repositoryRoot } from '../repository.js';
import { type ScanName, type ScanReport, scans } from '../scan/report.js';
import { type CommonOptions, contextOf, withCommonOptions } from './context.js';

interface ScanOptions extends CommonOptions {
  only: readonly ScanName[];
  allowUnavailable?: true;
}

/** `mooring scan` */
export function scanCommand(): Command {
  return withCommonOptions(new Command('scan'))
    .description('look for insecure code, vulnerable dependencies and secrets; fails when something is found')
    .option('--only <scans>', `some of ${scans.join(',')}`, parseScans, scans)
    .option(
      '--allow-unavailable',
      'do not fail when the registry cannot be asked for vulnerable dependencies',
    )
    .action(async ({ only, allowUnavailable, ...options }: ScanOptions) => {
      const { out } = contextOf(options);
      const reports: ScanReport[] = [];
      for (const scan of scans.filter((name) => only.includes(name))) reports.push(await run(scan));
      out.line(
        table(
          ['SCAN', 'LOOKED AT', 'FINDINGS', ''],
          reports.map((report) => [
            report.scan,
            report.looked,
            report.unavailable === undefined ? String(report.findings.length) : '-',
            verdict(report, allowUnavailable === true, out),
          ]),
        ),
      );
      for (const { scan, findings } of reports) {
        for (const { where, what } of findings) out.line(`${scan}: ${where}: ${what}`);
      }
      out.data(reports);
      const failed = reports.filter(
        ({ findings, unavailable }) =>
          findings.length > 0 || (unavailable !== undefined && !allowUnavailable),
      );
      if (failed.length > 0) {
        const list = failed.map(({ scan }) => scan).join(', ');
        throw new MooringError('ScanFailed', `Scanned, and not let pass: ${list}; see above`);
      }
    });
}

function verdict({ findings, unavailable }: ScanReport, allowed: boolean, out: Output): string {
  if (unavailable !== undefined)
    return out.style(allowed ? 'yellow' : 'red', `could not be asked: ${unavailable}`);
  return findings.length === 0 ? out.style('green', 'ok') : out.style('red', 'failed');
}

/** The scanners are tools of the repository, loaded where they are needed only. */
async function run(scan: ScanName): Promise<ScanReport> {
  switch (scan) {
    case 'static':
      return (await import('../scan/static-security.js')).scanStatic(repositoryRoot);
    case 'dependencies':
      return (await import('../scan/dependencies.js')).scanDependencies(repositoryRoot);
    case 'secrets':
      return (await import('../scan/secrets.js')).scanSecrets(repositoryRoot);
  }
}

function parseScans(text: string): readonly ScanName[] {
  return text.split(',').map((name) => {
    const scan = scans.find((one) => one === name);
    if (!scan)
      throw new InvalidArgumentError(`Choose some of ${scans.join(', ')}, with commas between them.`);
    return scan;
  });
}
