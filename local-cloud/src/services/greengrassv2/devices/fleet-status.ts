import { z } from 'zod';
import { deploymentInformationSchema } from '../deployments/device-results.js';

/**
 * A fleet status message of a core device, as the Greengrass nucleus publishes it to
 * `$aws/things/{thing}/greengrassv2/health/json`.
 */
const schema = z.object({
  ggcVersion: z.string(),
  platform: z.string(),
  architecture: z.string(),
  runtime: z.string().optional(),
  thing: z.string(),
  overallDeviceStatus: z.enum(['HEALTHY', 'UNHEALTHY']),
  sequenceNumber: z.number(),
  /** Milliseconds since 1970. */
  timestamp: z.number(),
  messageType: z.enum(['PARTIAL', 'COMPLETE']).default('PARTIAL'),
  trigger: z.string().optional(),
  chunkInfo: z.object({ chunkId: z.number(), totalChunks: z.number() }).nullish(),
  components: z
    .array(
      z.object({
        componentName: z.string(),
        version: z.string().nullish(),
        fleetConfigArns: z.array(z.string()).nullish(),
        componentStatusDetails: z
          .object({ statusCodes: z.array(z.string()).nullish(), statusReason: z.string().nullish() })
          .nullish(),
        isRoot: z.boolean().default(false),
        status: z.string(),
      }),
    )
    .nullish()
    .transform((components) => components ?? []),
  /** Of messages that a deployment is the reason of. */
  deploymentInformation: deploymentInformationSchema.optional().catch(undefined),
});

export type FleetStatus = z.output<typeof schema>;

/** @returns undefined when the payload is no fleet status message. */
export function parseFleetStatus(payload: Uint8Array): FleetStatus | undefined {
  let data: unknown;
  try {
    data = JSON.parse(Buffer.from(payload).toString('utf8'));
  } catch {
    return undefined;
  }
  return schema.safeParse(data).data;
}
