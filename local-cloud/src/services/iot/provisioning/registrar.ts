import { createHash } from 'node:crypto';
import { ResourceRegistrationFailureException } from '@aws-sdk/client-iot';
import type { IotArns } from '../arns.js';
import type { Changes } from '../changes.js';
import { type CertificateAuthority, type IssuedCertificate, readCertificate } from '../pki.js';
import type { Certificates } from '../registry/certificates.js';
import type { Policies } from '../registry/policies.js';
import type { PolicyAttachments } from '../registry/policy-attachments.js';
import type { ThingGroups } from '../registry/thing-groups.js';
import type { ThingPrincipals } from '../registry/thing-principals.js';
import type { Things } from '../registry/things.js';
import type { CertificateRecord, Tables } from '../tables.js';
import type { PlannedCertificate, PlannedPolicy, PlannedThing, ProvisioningPlan } from './plan.js';
import type { Override } from './template-body.js';

/** What was registered. */
export interface Registration {
  readonly thingName: string | undefined;
  readonly certificatePem: string | undefined;
  /** By logical name. */
  readonly resourceArns: Readonly<Record<string, string>>;
}

/** Carries out provisioning plans: all of a plan or none of it. */
export class Registrar {
  constructor(
    private readonly tables: Tables,
    private readonly changes: Changes,
    private readonly arns: IotArns,
    private readonly authority: CertificateAuthority,
    private readonly registry: {
      things: Things;
      groups: ThingGroups;
      certificates: Certificates;
      policies: Policies;
      attachments: PolicyAttachments;
      thingPrincipals: ThingPrincipals;
    },
  ) {}

  /** @throws the errors of the AWS IoT operations that the plan consists of. */
  async register(plan: ProvisioningPlan): Promise<Registration> {
    const { arns, registry } = this;
    const { source } = plan.certificate ?? {};
    // Signing takes its time, so it comes before the transaction.
    const issued = source && 'csr' in source ? await this.authority.signRequest(source.csr) : undefined;
    return this.changes.transaction(() => {
      const resourceArns: Record<string, string> = {};
      if (plan.thing) {
        this.#thing(plan.thing);
        resourceArns[plan.thing.logicalName] = arns.thing(plan.thing.thingName);
      }
      const certificate = plan.certificate && this.#certificate(plan.certificate, issued);
      const principal = certificate && arns.certificate(certificate.certificateId);
      if (plan.certificate && principal !== undefined) {
        resourceArns[plan.certificate.logicalName] = principal;
        if (plan.thing) {
          const type = plan.certificate.exclusive ? 'EXCLUSIVE_THING' : 'NON_EXCLUSIVE_THING';
          registry.thingPrincipals.attach(plan.thing.thingName, principal, type);
        }
      }
      for (const policy of plan.policies) {
        const name = this.#policy(policy);
        resourceArns[policy.logicalName] = arns.policy(name);
        if (principal !== undefined) registry.attachments.attach(name, principal);
      }
      return { thingName: plan.thing?.thingName, certificatePem: certificate?.pem, resourceArns };
    });
  }

  #thing(planned: PlannedThing): void {
    const { things, groups } = this.registry;
    const { thingName, thingTypeName, attributes, overrides } = planned;
    const existing = this.tables.things.get(thingName);
    const wantedGroups = planned.groups ?? [];
    if (!existing) {
      things.operations.CreateThing({
        thingName,
        thingTypeName,
        ...(attributes && { attributePayload: { attributes: { ...attributes } } }),
      });
      for (const group of wantedGroups)
        groups.operations.AddThingToThingGroup({ thingName, thingGroupName: group });
      return;
    }
    if (thingTypeName !== undefined && thingTypeName !== existing.thingTypeName) {
      if (replaces(overrides.thingTypeName, `thing type of ${thingName}`)) {
        things.operations.UpdateThing({ thingName, thingTypeName });
      }
    }
    if (attributes && replaces(overrides.attributes, `attributes of ${thingName}`)) {
      const merge = overrides.attributes === 'MERGE';
      things.operations.UpdateThing({
        thingName,
        attributePayload: { attributes: { ...attributes }, merge },
      });
    }
    if (planned.groups && replaces(overrides.groups, `thing groups of ${thingName}`)) {
      const current = groups.operations.ListThingGroupsForThing({ thingName }).thingGroups;
      const names = current.map(({ groupName }) => groupName);
      groups.operations.UpdateThingGroupsForThing({
        thingName,
        thingGroupsToAdd: [...wantedGroups],
        thingGroupsToRemove:
          overrides.groups === 'MERGE' ? [] : names.filter((name) => !wantedGroups.includes(name)),
      });
    }
  }

  #certificate(planned: PlannedCertificate, issued: IssuedCertificate | undefined): CertificateRecord {
    const { certificates } = this.registry;
    const { source, status } = planned;
    if (issued) return certificates.register(issued, status);
    let record: CertificateRecord | undefined;
    if ('pem' in source) {
      const certificate = readCertificate(source.pem);
      record = this.tables.certificates.get(certificate.certificateId);
      if (!record) return certificates.register(certificate, status, 'SNI_ONLY');
    } else record = certificates.existing('id' in source ? source.id : undefined);
    if (record.status === status) return record;
    // A pending certificate has no status of its own yet that could be overridden.
    if (
      record.status === 'PENDING_ACTIVATION' ||
      replaces(planned.statusOverride, 'status of the certificate')
    ) {
      certificates.setStatus(record, status);
    }
    return record;
  }

  #policy({ source }: PlannedPolicy): string {
    const { policies } = this.registry;
    if ('name' in source) return policies.existing(source.name).policyName;
    const policyName = createHash('sha256').update(source.document).digest('hex');
    if (!this.tables.policies.get(policyName)) {
      policies.operations.CreatePolicy({ policyName, policyDocument: source.document });
    }
    return policyName;
  }
}

/** Whether a resource that exists is to be changed. */
function replaces(override: Override, what: string): boolean {
  if (override !== 'FAIL') return override !== 'DO_NOTHING';
  throw new ResourceRegistrationFailureException({
    message: `The ${what} exists already and the template does not allow to change it`,
    $metadata: {},
  });
}
