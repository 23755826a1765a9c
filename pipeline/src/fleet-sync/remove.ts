import { DeleteCoreDeviceCommand } from '@aws-sdk/client-greengrassv2';
import {
  DeleteCertificateCommand,
  DeleteThingCommand,
  DetachPolicyCommand,
  DetachThingPrincipalCommand,
  paginateListAttachedPolicies,
  paginateListPrincipalThings,
  UpdateCertificateCommand,
} from '@aws-sdk/client-iot';
import {
  DeleteConnectionCommand,
  DeleteThingShadowCommand,
  type IoTDataPlaneClient,
  ListNamedShadowsForThingCommand,
} from '@aws-sdk/client-iot-data-plane';
import { type AttachedCertificate, certificatesOf } from './certificates.js';
import type { FleetClients } from './clients.js';

/**
 * Takes a device out of the fleet for good: its certificates are revoked and deleted, its connection ends, and its
 * core device, shadows and thing are deleted. The certificates come first, so that whatever interrupts this, the
 * device has lost its access; the thing comes last, so that the next run finds what is left. Safe to repeat.
 *
 * @returns ids of the certificates that are gone.
 */
export async function removeDevice(clients: FleetClients, thing: string): Promise<string[]> {
  const { iot, data, greengrass } = clients;
  const certificates = await unlessGone(certificatesOf(iot, thing), []);
  const gone: string[] = [];
  for (const certificate of certificates) {
    if (await retireCertificate(clients, thing, certificate)) gone.push(certificate.certificateId);
  }
  // A revoked certificate ends its connections within minutes on AWS; this does so now.
  await unlessGone(data.send(new DeleteConnectionCommand({ clientId: thing, cleanSession: true })));
  await unlessGone(greengrass.send(new DeleteCoreDeviceCommand({ coreDeviceThingName: thing })));
  for (const shadowName of await unlessGone(namedShadows(data, thing), [])) {
    await unlessGone(data.send(new DeleteThingShadowCommand({ thingName: thing, shadowName })));
  }
  await unlessGone(data.send(new DeleteThingShadowCommand({ thingName: thing })));
  await unlessGone(iot.send(new DeleteThingCommand({ thingName: thing })));
  return gone;
}

/** @returns whether the certificate was deleted; one that another thing has too is only taken from this thing. */
async function retireCertificate(
  { iot }: FleetClients,
  thing: string,
  { arn, certificateId }: AttachedCertificate,
): Promise<boolean> {
  const others: string[] = [];
  for await (const page of paginateListPrincipalThings({ client: iot }, { principal: arn })) {
    others.push(...(page.things ?? []).filter((name) => name !== thing));
  }
  const detach = () =>
    unlessGone(iot.send(new DetachThingPrincipalCommand({ thingName: thing, principal: arn })));
  if (others.length > 0) {
    await detach();
    return false;
  }
  await unlessGone(iot.send(new UpdateCertificateCommand({ certificateId, newStatus: 'REVOKED' })));
  for await (const page of paginateListAttachedPolicies({ client: iot }, { target: arn })) {
    for (const { policyName } of page.policies ?? []) {
      await unlessGone(iot.send(new DetachPolicyCommand({ policyName, target: arn })));
    }
  }
  // Detached only now: an interrupted run finds the certificate through its thing.
  await detach();
  await unlessGone(iot.send(new DeleteCertificateCommand({ certificateId, forceDelete: true })));
  return true;
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

/** What is gone already needs no deleting. */
async function unlessGone<T>(call: Promise<T>): Promise<T | undefined>;
async function unlessGone<T>(call: Promise<T>, otherwise: T): Promise<T>;
async function unlessGone<T>(call: Promise<T>, otherwise?: T): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof Error && error.name === 'ResourceNotFoundException') return otherwise;
    throw error;
  }
}
