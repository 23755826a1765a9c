import { execFile } from 'node:child_process';
import { z } from 'zod';
import { explain } from '../errors.js';
import type { Finding, ScanReport } from './report.js';

const severities = ['info', 'low', 'moderate', 'high', 'critical'] as const;

/** The least severe advisories that are findings. */
const FAILS_AT = 'high' satisfies (typeof severities)[number];

const Advisory = z.object({ title: z.string(), url: z.string() });

/** As much of the report of `npm audit --json` (version 2) as is told. */
const AuditReport = z.object({
  auditReportVersion: z.literal(2),
  vulnerabilities: z.record(
    z.string(),
    z.object({
      severity: z.enum(severities),
      range: z.string(),
      // An advisory on the package itself, or the name of a dependency that has one.
      via: z.array(z.union([z.string(), Advisory])),
    }),
  ),
  metadata: z.object({ dependencies: z.object({ prod: z.number() }) }),
});

/** What `npm audit --json` writes when it has no report. */
const AuditError = z.object({
  message: z.string().optional(),
  error: z.object({ summary: z.string().optional(), detail: z.string().optional() }).optional(),
});

/**
 * Asks npm's registry for advisories on the packages that run in production.
 *
 * @param root of the repository, where the lock file is
 * @param env that npm takes its settings from, such as the registry's address
 */
export async function scanDependencies(
  root: string,
  env: NodeJS.ProcessEnv = process.env,
): Promise<ScanReport> {
  return reportOf(await audit(root, env));
}

/** What the output of `npm audit --json` comes to. */
export function reportOf(output: string): ScanReport {
  const json = parse(output);
  const report = AuditReport.safeParse(json);
  if (!report.success) {
    return { scan: 'dependencies', looked: '-', findings: [], unavailable: reasonOf(json, output) };
  }
  const { vulnerabilities, metadata } = report.data;
  const findings = Object.entries(vulnerabilities)
    .filter(([, { severity }]) => severities.indexOf(severity) >= severities.indexOf(FAILS_AT))
    .map(
      ([name, { severity, range, via }]): Finding => ({
        where: `${name} ${range}`,
        what: `${severity}: ${via.map((one) => (typeof one === 'string' ? `by ${one}` : `${one.title} (${one.url})`)).join('; ')}`,
      }),
    );
  return { scan: 'dependencies', looked: `${metadata.dependencies.prod} packages`, findings };
}

function parse(output: string): unknown {
  try {
    return JSON.parse(output);
  } catch {
    return undefined;
  }
}

function reasonOf(json: unknown, output: string): string {
  const { data } = AuditError.safeParse(json);
  const said = data?.message || data?.error?.summary || data?.error?.detail || output.trim().split('\n')[0];
  return said || 'npm audit said nothing';
}

/** The command's output, whatever its exit code is: it is 1 for findings, and for errors too. */
function audit(root: string, env: NodeJS.ProcessEnv): Promise<string> {
  return new Promise((resolve) => {
    execFile(
      'npm',
      ['audit', '--omit=dev', '--json'],
      { cwd: root, env, maxBuffer: 2 ** 28 },
      (error, stdout, stderr) => {
        resolve(stdout.trim() || stderr.trim() || (error ? JSON.stringify({ message: explain(error) }) : ''));
      },
    );
  });
}
