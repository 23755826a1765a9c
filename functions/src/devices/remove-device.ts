import { setTimeout as pause } from 'node:timers/promises';
import { DeleteCoreDeviceCommand, type GreengrassV2Client } from '@aws-sdk/client-greengrassv2';
import { DeleteThingCommand, type IoTClient } from '@aws-sdk/client-iot';
import {
  DeleteConnectionCommand,
  DeleteThingShadowCommand,
  type IoTDataPlaneClient,
  ListNamedShadowsForThingCommand,
} from '@aws-sdk/client-iot-data-plane';
import { iotCertificates } from '../rotation/certificates.js';
import type { Log } from '../rotation/log.js';
import { withdraw } from '../rotation/withdraw.js';
import { attachedCertificates } from './certificates.js';
import { unlessGone } from './unless-gone.js';

/** What removing a device works with. */
export interface RemovalClients {
  readonly iot: IoTClient;
  readonly data: IoTDataPlaneClient;
  readonly greengrass: GreengrassV2Client;
}

/**
 * Takes a device out of the fleet for good: its certificates are revoked and deleted, its connection ends, and its
 * core device, shadows and thing are deleted. The certificates come first, so that whatever interrupts this, the
 * device has lost its access; the thing comes last, so that the next run finds what is left. Safe to repeat.
 *
 * A certificate that another thing has too is only taken from this thing.
 *
 * @returns ids of the certificates that are gone.
 */
export async function removeDevice(
  { iot, data, greengrass }: RemovalClients,
  thing: string,
  log: Log = () => undefined,
): Promise<string[]> {
  const certificates = iotCertificates(iot, pause);
  const gone: string[] = [];
  for (const { arn, certificateId: id } of (await attachedCertificates(iot, thing)) ?? []) {
    if (await withdraw(certificates, thing, { id, arn }, log)) gone.push(id);
  }
  // A revoked certificate ends its connections within minutes on AWS; this does so now.
  await unlessGone(data.send(new DeleteConnectionCommand({ clientId: thing, cleanSession: true })));
  await unlessGone(greengrass.send(new DeleteCoreDeviceCommand({ coreDeviceThingName: thing })));
  for (const shadowName of (await unlessGone(namedShadows(data, thing))) ?? []) {
    await unlessGone(data.send(new DeleteThingShadowCommand({ thingName: thing, shadowName })));
  }
  await unlessGone(data.send(new DeleteThingShadowCommand({ thingName: thing })));
  await unlessGone(iot.send(new DeleteThingCommand({ thingName: thing })));
  return gone;
}

async function namedShadows(data: IoTDataPlaneClient, thingName: string): Promise<string[]> {
  const names: string[] = [];
  let nextToken: string | undefined;
  do {
    const page = await data.send(new ListNamedShadowsForThingCommand({ thingName, nextToken }));
    names.push(...(page.results ?? []));
    nextToken = page.nextToken;
  } while (nextToken !== undefined);
  return names;
}
