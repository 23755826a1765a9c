import { AddThingToThingGroupCommand, AttachPolicyCommand, UpdateThingCommand } from '@aws-sdk/client-iot';
import { names } from '@mooring/contracts';
import { attachedCertificates } from '@mooring/functions/devices';
import type { FleetClients } from './clients.js';

/** What attaching a device came to. */
export interface Attached {
  readonly thing: string;
  /** False when it has no certificate, and so can connect only after it provisions itself anew. */
  readonly hasCertificate: boolean;
}

/**
 * Gives an existing device back what a destroyed infrastructure took: the policy of its certificates, the fleet's
 * mark, its place in the group. The group comes last: a device that is in it has all. Safe to repeat.
 */
export async function attachDevice({ iot }: FleetClients, thing: string): Promise<Attached> {
  const certificates = (await attachedCertificates(iot, thing)) ?? [];
  for (const { arn } of certificates) {
    await iot.send(new AttachPolicyCommand({ policyName: names.devicePolicy, target: arn }));
  }
  await iot.send(
    new UpdateThingCommand({
      thingName: thing,
      attributePayload: { attributes: { [names.fleetAttribute]: names.thingGroup }, merge: true },
    }),
  );
  await iot.send(new AddThingToThingGroupCommand({ thingGroupName: names.thingGroup, thingName: thing }));
  return { thing, hasCertificate: certificates.length > 0 };
}
