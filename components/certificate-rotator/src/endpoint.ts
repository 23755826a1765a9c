import { z } from 'zod';
import { ComponentError } from '../../runtime/src/errors.js';

/** Where the core device connects to AWS IoT Core. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** As far as it says where AWS IoT Core is; `mqtt.port` wins over a port in the endpoint's text. */
const NucleusConfiguration = z.object({
  iotDataEndpoint: z.string(),
  mqtt: z.object({ port: z.coerce.number().int().min(1).max(65_535).optional() }).optional(),
  networkProxy: z.object({ proxy: z.object({ url: z.string().optional() }).optional() }).optional(),
});

const DEFAULT_PORT = 8_883;

/**
 * Reads from the nucleus's configuration where AWS IoT Core is.
 *
 * @throws ComponentError `ENVIRONMENT` when it does not say, or names a proxy
 */
export function endpointOf(nucleus: unknown): Endpoint {
  const parsed = NucleusConfiguration.safeParse(nucleus);
  const match = parsed.data?.iotDataEndpoint.match(/^(?:\[([0-9a-fA-F:.]+)\]|([\w.-]+))(?::(\d{1,5}))?$/);
  const host = match?.[1] ?? match?.[2];
  if (!parsed.success || !host) {
    throw new ComponentError(
      'ENVIRONMENT',
      'The configuration of the nucleus does not say where AWS IoT Core is (iotDataEndpoint)',
    );
  }
  if (parsed.data.networkProxy?.proxy?.url) {
    throw new ComponentError(
      'ENVIRONMENT',
      'The core device uses a network proxy, through which a new certificate cannot be tried',
    );
  }
  return { host, port: parsed.data.mqtt?.port ?? Number(match?.[3] ?? DEFAULT_PORT) };
}
