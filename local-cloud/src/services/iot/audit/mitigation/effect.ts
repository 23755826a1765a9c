import type { IotArns } from '../../arns.js';
import type { Certificates } from '../../registry/certificates.js';
import type { ThingGroups } from '../../registry/thing-groups.js';
import { secondParts, type Tables } from '../../tables.js';
import { describedFinding } from '../findings.js';
import type { TopicPublisher } from '../notices.js';
import type { Action, Finding } from '../records.js';
import type { ServiceRoles } from '../roles.js';

/** Why an action was not carried out on a finding. */
export interface EffectFailure {
  readonly errorCode: string;
  readonly message: string;
}

export interface EffectParts {
  readonly registry: Tables;
  readonly arns: IotArns;
  readonly certificates: Certificates;
  readonly groups: ThingGroups;
  readonly roles: ServiceRoles;
  readonly topics: TopicPublisher | undefined;
  readonly accountId: string;
}

/** Carries out an action on a finding, with the permissions of the action's role. */
export async function takeEffect(
  parts: EffectParts,
  { params, roleArn }: Action,
  finding: Finding,
): Promise<EffectFailure | undefined> {
  const { registry, arns, roles } = parts;
  const { updateDeviceCertificateParams, addThingsToThingGroupParams, publishFindingToSnsParams } = params;
  const denied = (actions: readonly string[], resource: string) => {
    const missing = roles.missing(roleArn, actions, resource);
    return missing === undefined ? undefined : { errorCode: 'INSUFFICIENT_PERMISSIONS', message: missing };
  };
  try {
    if (publishFindingToSnsParams) {
      const topicArn = publishFindingToSnsParams.topicArn ?? '';
      const failure = denied(['sns:Publish'], topicArn);
      if (failure) return failure;
      if (!parts.topics) return { errorCode: 'RESOURCE_NOT_FOUND', message: 'Amazon SNS is not there' };
      await parts.topics.publish(topicArn, { message: findingMessage(finding, parts.accountId) });
      return undefined;
    }
    const { deviceCertificateId } = finding.identifier;
    const certificate = registry.certificates.get(deviceCertificateId ?? '');
    if (!certificate) {
      return { errorCode: 'RESOURCE_NOT_FOUND', message: `There is no certificate ${deviceCertificateId}` };
    }
    const certificateArn = arns.certificate(certificate.certificateId);
    if (updateDeviceCertificateParams) {
      const failure = denied(['iot:UpdateCertificate'], certificateArn);
      if (failure) return failure;
      const { certificateId } = certificate;
      parts.certificates.operations.UpdateCertificate({ certificateId, newStatus: 'INACTIVE' });
      return undefined;
    }
    const { thingGroupNames = [] } = addThingsToThingGroupParams ?? {};
    const listing = denied(['iot:ListPrincipalThings'], '*');
    if (listing) return listing;
    for (const [thingName] of [...secondParts(registry.principalThings, certificateArn)]) {
      for (const thingGroupName of thingGroupNames) {
        const failure =
          denied(['iot:AddThingToThingGroup'], arns.thingGroup(thingGroupName)) ??
          denied(['iot:AddThingToThingGroup'], arns.thing(thingName));
        if (failure) return failure;
        parts.groups.operations.AddThingToThingGroup({ thingName, thingGroupName });
      }
    }
    return undefined;
  } catch (error) {
    const { name, message } =
      error instanceof Error ? error : { name: 'InternalFailure', message: String(error) };
    return { errorCode: name, message };
  }
}

/** A finding as it is published: as the API tells it, with times in milliseconds since 1970, and the account. */
function findingMessage(finding: Finding, accountId: string): string {
  const { taskStarted: taskStartTime, found: findingTime } = finding;
  return JSON.stringify({ accountId, ...describedFinding(finding), taskStartTime, findingTime });
}
