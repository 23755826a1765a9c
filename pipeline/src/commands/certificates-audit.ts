import { names } from '@mooring/contracts';
import { Command } from 'commander';
import type { FleetRotation } from '../certificates/fleet-rotation.js';
import { longWork, type Output, table } from '../output.js';
import type { Stack } from '../target.js';
import { type CommonOptions, contextOf, wholeNumber, withStack } from './context.js';

interface AuditArguments extends CommonOptions {
  stack: Stack;
  wait?: true;
  timeout: number;
}

const HELP = `
What the audit finds is rotated by itself, as after the daily audit: the devices are asked one after the other, so
that a large fleet does not answer at once. With --wait the exit status is 1 when a device was refused, or was not
through in time.`;

/** Certificates that people are shown; machines get all. */
const SHOWN = 20;

/** `mooring certificates audit` */
export function auditCertificatesCommand(): Command {
  return withStack(new Command('audit'))
    .description('look for certificates that expire within 30 days now, and have their devices rotate them')
    .option('--wait', 'follow the rotations until all are through')
    .option('--timeout <seconds>', 'wait no longer than this', wholeNumber(1), 3600)
    .addHelpText('after', HELP)
    .action(async (options: AuditArguments) => {
      const { rotateFleet } = await import('../certificates/fleet-rotation.js');
      const { out, ownTarget } = contextOf(options);
      const fleet = await rotateFleet(await ownTarget(), {
        wait: options.wait === true,
        timeout: options.timeout,
        onProgress: out.progress,
        onLookUp: longWork(out, (done, of) => `Looked up the devices of ${done} of ${of} certificates`),
      });
      for (const line of auditLines(fleet, options.timeout, out)) out.line(line);
      out.data(auditData(fleet));
      const { rotation } = fleet;
      if (rotation && !rotation.things.every(({ stage }) => stage === 'completed')) process.exitCode = 1;
    });
}

function auditLines({ audit, rotation }: FleetRotation, timeout: number, out: Output): string[] {
  const { expiring, checked } = audit;
  if (expiring.length === 0) return [`None of ${checked} certificates expires within 30 days`];
  const lines = [
    table(
      ['CERTIFICATE', 'DEVICE', 'SEVERITY', 'FINDING'],
      expiring
        .slice(0, SHOWN)
        .map(({ certificateId, thing, severity, reason }) => [
          certificateId.slice(0, 8),
          thing ?? 'attached to none',
          severity,
          reason,
        ]),
    ),
  ];
  if (expiring.length > SHOWN) lines.push(`… and ${expiring.length - SHOWN} more; --json lists them all`);
  lines.push('', `${expiring.length} of ${checked} certificates expire within 30 days, or have expired`);
  if (!rotation) return lines;
  lines.push(`${rotation.text}, in ${rotation.seconds.toFixed(0)} s`);
  const some = (stage: string) => rotation.things.filter((one) => one.stage === stage).slice(0, 5);
  for (const { thing, reason } of some('refused')) {
    lines.push(out.style('red', `${thing} was refused`) + (reason === undefined ? '' : `: ${reason}`));
  }
  if (rotation.done) return lines;
  const names5 = (['waiting', 'requested', 'issued'] as const).flatMap(some).slice(0, 5);
  lines.push(
    `Not through within ${timeout} s: ${names5.map(({ thing }) => thing).join(', ')}, …: see with \`mooring status\` whether they are connected; what the functions could not handle is in the queue ${names.rotationDeadLetters}`,
  );
  return lines;
}

/** The audit for machines. */
function auditData({ audit, rotation }: FleetRotation) {
  return {
    ...audit,
    started: new Date(audit.started).toISOString(),
    ...(rotation && { rotation }),
  };
}
