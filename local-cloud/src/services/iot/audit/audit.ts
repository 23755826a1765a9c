import type * as sdk from '@aws-sdk/client-iot';
import type { Broker } from '../../../mqtt/index.js';
import type { Base } from '../../../plugin.js';
import type { Operations } from '../../../service.js';
import type { IotArns } from '../arns.js';
import type { Changes } from '../changes.js';
import type { Peer } from '../devices/peer.js';
import type { Certificates } from '../registry/certificates.js';
import type { ThingGroups } from '../registry/thing-groups.js';
import type { ResourceTags } from '../resources/property-values.js';
import type { Tables } from '../tables.js';
import { type CheckName, thresholdOf } from './catalog.js';
import { aged, expiring, keyQuality, revokedByIssuer } from './checks/certificates.js';
import { type Evaluation, whole } from './checks/check.js';
import { ConnectionWatch } from './checks/connections.js';
import { overlyPermissivePolicies } from './checks/policies.js';
import { overlyPermissiveRoleAliases } from './checks/role-aliases.js';
import { AccountConfiguration } from './configuration.js';
import { Findings } from './findings.js';
import { MitigationActions } from './mitigation/actions.js';
import { takeEffect } from './mitigation/effect.js';
import { MitigationTasks } from './mitigation/tasks.js';
import { Notices, type TopicPublisher } from './notices.js';
import { openAuditTables } from './records.js';
import { auditResourceTypes } from './resource-types.js';
import { type AuditRoles, ServiceRoles } from './roles.js';
import { AuditRunner } from './runner.js';
import { Schedules } from './schedules.js';
import { Suppressions } from './suppressions.js';
import { auditTasks } from './tasks.js';

/** What audits need of the rest of AWS IoT, of IAM and of SNS. */
export interface AuditParts {
  readonly registry: Tables;
  readonly changes: Changes;
  readonly arns: IotArns;
  readonly broker: Broker<Peer>;
  readonly certificates: Certificates;
  readonly groups: ThingGroups;
  /** Without it no role exists. */
  readonly roles: AuditRoles | undefined;
  /** Without it nothing can be published. */
  readonly topics: TopicPublisher | undefined;
  readonly failed: (error: unknown) => void;
}

/** AWS IoT Device Defender Audit. */
export function deviceDefenderAudit(base: Base, parts: AuditParts) {
  const { store, clock, log, accountId } = base;
  const { registry, changes, arns } = parts;
  const tables = openAuditTables(store);
  const roles = new ServiceRoles(parts.roles, arns);
  const configuration = new AccountConfiguration(tables, changes, roles);
  const suppressions = new Suppressions(tables, changes, clock);
  const watch = new ConnectionWatch(parts.broker, tables.sightings, clock);
  const notices = new Notices(tables, roles, parts.topics, clock, log);
  const threshold = (name: CheckName) => () => thresholdOf(name, configuration.setting(name).configuration);
  // No certificate of a CA can be registered here, so there is none to find fault with.
  const none: Evaluation = whole(() => ({ total: 0, faults: [] }));
  const runner = new AuditRunner({
    ...{ tables, changes, clock, accountId, roles, configuration, suppressions },
    evaluations: {
      CA_CERTIFICATE_EXPIRING_CHECK: none,
      CA_CERTIFICATE_KEY_QUALITY_CHECK: none,
      CONFLICTING_CLIENT_IDS_CHECK: watch.conflicting(),
      DEVICE_CERTIFICATE_AGE_CHECK: aged(registry, clock, threshold('DEVICE_CERTIFICATE_AGE_CHECK')),
      DEVICE_CERTIFICATE_EXPIRING_CHECK: expiring(
        registry,
        clock,
        threshold('DEVICE_CERTIFICATE_EXPIRING_CHECK'),
      ),
      DEVICE_CERTIFICATE_KEY_QUALITY_CHECK: keyQuality(registry),
      DEVICE_CERTIFICATE_SHARED_CHECK: watch.shared(registry),
      IOT_POLICY_OVERLY_PERMISSIVE_CHECK: overlyPermissivePolicies(registry, arns),
      IOT_ROLE_ALIAS_OVERLY_PERMISSIVE_CHECK: overlyPermissiveRoleAliases(registry, arns, parts.roles),
      LOGGING_DISABLED_CHECK: loggingDisabled(accountId),
      REVOKED_CA_CERTIFICATE_STILL_ACTIVE_CHECK: none,
      REVOKED_DEVICE_CERTIFICATE_STILL_ACTIVE_CHECK: revokedByIssuer(registry),
    },
    ended: () => notices.go(),
    failed: parts.failed,
  });
  const schedules = new Schedules({ tables, registry, changes, arns, clock, runner, configuration });
  const findings = new Findings(tables, runner);
  const actions = new MitigationActions({ tables, registry, changes, arns, clock, roles });
  const mitigations = new MitigationTasks({
    ...{ tables, changes, clock, actions, findings, failed: parts.failed },
    takeEffect: (action, finding) => takeEffect({ ...parts, roles, accountId }, action, finding),
  });

  const operations = {
    DeleteAccountAuditConfiguration({
      deleteScheduledAudits,
    }: sdk.DeleteAccountAuditConfigurationCommandInput) {
      changes.transaction(() => {
        configuration.delete();
        if (deleteScheduledAudits) schedules.deleteAll();
      });
      return {};
    },
  } satisfies Operations<typeof sdk>;

  return {
    operations: {
      ...operations,
      ...configuration.operations,
      ...auditTasks(runner, configuration, changes, clock).operations,
      ...findings.operations,
      ...schedules.operations,
      ...suppressions.operations,
      ...actions.operations,
      ...mitigations.operations,
    },
    /** What Cloud Control can manage. */
    resourceTypes: (tags: ResourceTags) =>
      auditResourceTypes({ accountId, arns, tags, configuration, schedules, actions }),
    /** What can be tagged, by the types in their ARNs. */
    taggable: { scheduledaudit: tables.schedules, mitigationaction: tables.actions },
    /** Goes on with what an earlier process left, and begins what fell due since. */
    start(): void {
      runner.resume();
      schedules.arm();
      notices.go();
      mitigations.go();
    },
    async close(): Promise<void> {
      watch.close();
      schedules.close();
      runner.close();
      await mitigations.close();
      await notices.close();
    },
  };
}

/** LOGGING_DISABLED_CHECK: the logs of AWS IoT are not built here, so they are off. */
function loggingDisabled(account: string): Evaluation {
  return whole(() => ({
    total: 1,
    faults: [
      [
        {
          resourceType: 'ACCOUNT_SETTINGS',
          identifier: { account },
          reasonCode: 'LOGGING_DISABLED',
          reason: 'AWS IoT logs are not enabled.',
        },
      ],
    ],
  }));
}
