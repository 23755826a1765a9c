import { objectKeys } from '@mooring/contracts';
import { Command } from 'commander';
import { table } from '../output.js';
import type { Stack } from '../target.js';
import { type CommonOptions, contextOf, withStack } from './context.js';

type ClaimOptions = CommonOptions & { stack: Stack };

/** `mooring claim` */
export function claimCommand(): Command {
  return new Command('claim')
    .description('the certificate that all images share, which a device trades for its own at first boot')
    .addCommand(listCommand())
    .addCommand(rotateCommand())
    .addCommand(withdrawCommand());
}

/** `mooring claim list` */
function listCommand(): Command {
  return withStack(new Command('list'))
    .description('the claim certificates that are not withdrawn')
    .action(async (options: ClaimOptions) => {
      const { withClaims } = await import('../provisioning/provision.js');
      const { out, target } = contextOf(options);
      const claims = await withClaims(target(), ({ claims }) => claims.list());
      out.line(
        claims.length === 0
          ? 'There is no claim certificate: run `mooring provision`'
          : table(
              ['CERTIFICATE', 'CREATED', 'STATUS', 'FOR'],
              claims.map(({ certificateId, created, status, current }) => [
                certificateId,
                created,
                status,
                current ? 'new images' : 'images of before',
              ]),
            ),
      );
      out.data(claims);
    });
}

/** `mooring claim rotate` */
function rotateCommand(): Command {
  return withStack(new Command('rotate'))
    .description('make a new claim certificate for new images; those of before stay valid until withdrawn')
    .action(async (options: ClaimOptions) => {
      const { handOut, withClaims } = await import('../provisioning/provision.js');
      const { out, ownTarget } = contextOf(options);
      const { before, claim } = await withClaims(await ownTarget(), async ({ claims, bucket }) => {
        // Without the infrastructure there is nobody to hand it out to, and no policy for it.
        await bucket.get(objectKeys.claimCertificate);
        const before = await claims.list();
        const claim = await claims.rotate();
        await handOut(bucket, claim);
        return { before, claim };
      });
      out.line(`New images get the claim certificate ${claim.certificateId}: build them again`);
      for (const { certificateId } of before) {
        out.line(
          `Still valid: ${certificateId}; end it with \`mooring claim withdraw ${certificateId.slice(0, 8)}\``,
        );
      }
      out.data({
        certificateId: claim.certificateId,
        stillValid: before.map(({ certificateId }) => certificateId),
      });
    });
}

/** `mooring claim withdraw CERTIFICATE` */
function withdrawCommand(): Command {
  return withStack(new Command('withdraw'))
    .description('end a claim certificate: devices whose image has it cannot join any more')
    .argument('<certificate>', 'its id, or the beginning of it')
    .action(async (wanted: string, options: ClaimOptions) => {
      const { withClaims } = await import('../provisioning/provision.js');
      const { out, ownTarget } = contextOf(options);
      const certificateId = await withClaims(await ownTarget(), ({ claims }) => claims.withdraw(wanted));
      out.line(`Withdrawn: ${certificateId}. Devices that have joined keep their own certificates`);
      out.data({ withdrawn: certificateId });
    });
}
