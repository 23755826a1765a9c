import { GetThingConnectivityDataCommand, type IoTClient } from '@aws-sdk/client-iot';
import type { CallOptions } from './call-options.js';

/** A device's connection, as the fleet index keeps it. */
export interface Connectivity {
  readonly connected: boolean | undefined;
  /** Since when, in milliseconds since 1970. */
  readonly at: number | undefined;
}

/** Whether a device is connected; undefined when the cloud keeps no connectivity of it. */
export async function connectivity(
  iot: IoTClient,
  thingName: string,
  options: CallOptions = {},
): Promise<Connectivity> {
  try {
    const { connected, timestamp } = await iot.send(
      new GetThingConnectivityDataCommand({ thingName }),
      options,
    );
    return { connected, at: timestamp?.getTime() };
  } catch (error) {
    if (isWithoutIndex(error)) return { connected: undefined, at: undefined };
    throw error;
  }
}

/** An index that is off, or has not seen the device yet, is no failure. */
export function isWithoutIndex(error: unknown): boolean {
  return (
    error instanceof Error && ['ResourceNotFoundException', 'IndexNotReadyException'].includes(error.name)
  );
}
