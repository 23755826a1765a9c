import { z } from 'zod';

/**
 * What a device needs besides the claim certificate, as `provisioning.json` in the provisioning bucket.
 * Endpoints are hosts as DescribeEndpoint returns them; a port follows a colon where it is not AWS's own.
 */
export const ProvisioningConfig = z.object({
  awsRegion: z.string().min(1),
  iotDataEndpoint: z.string().min(1),
  iotCredEndpoint: z.string().min(1),
  iotRoleAlias: z.string().min(1),
  provisioningTemplate: z.string().min(1),
  /** Where the Greengrass data plane is when it is not at AWS: `iotdata`, the host of `iotDataEndpoint`. */
  greengrassDataPlaneEndpoint: z.literal('iotdata').optional(),
  greengrassDataPlanePort: z.number().int().min(1).max(65_535).optional(),
});
export type ProvisioningConfig = z.infer<typeof ProvisioningConfig>;
