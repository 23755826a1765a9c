import { type GreengrassV2Client, TagResourceCommand } from '@aws-sdk/client-greengrassv2';
import { componentTags } from '@mooring/contracts';
import type { BrokenVersion } from '@mooring/functions/devices';
import { type ComponentVersion, markText } from '../components/catalogue.js';

/** Marks a version so that no deployment takes it any more. */
export async function markBroken(
  greengrass: GreengrassV2Client,
  version: Pick<ComponentVersion, 'arn'>,
  { devices }: Pick<BrokenVersion, 'devices'>,
): Promise<void> {
  const [since = new Date().toISOString()] = devices.flatMap((device) => device.since ?? []).sort();
  await greengrass.send(
    new TagResourceCommand({
      resourceArn: version.arn,
      tags: { [componentTags.broken]: markText({ since, devices: devices.length }) },
    }),
  );
}
