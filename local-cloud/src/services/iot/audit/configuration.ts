import type * as sdk from '@aws-sdk/client-iot';
import type { Operations } from '../../../service.js';
import type { Changes } from '../changes.js';
import { checkEnum, invalid, notFound } from '../errors.js';
import { CHECK_NAMES, type CheckName, checkConfiguration, checkName } from './catalog.js';
import type { AuditConfiguration, AuditTables, CheckSetting, NotificationTarget } from './records.js';
import type { ServiceRoles } from './roles.js';

const KEY = 'configuration';
const TOPIC_ARN = /^arn:[^:]+:sns:[^:]+:\d{12}:[A-Za-z0-9_-]{1,256}$/;

/** What the account has audited, on whose behalf, and who is told. */
export class AccountConfiguration {
  constructor(
    private readonly tables: AuditTables,
    private readonly changes: Changes,
    private readonly roles: ServiceRoles,
  ) {}

  get(): AuditConfiguration | undefined {
    return this.tables.settings.get(KEY);
  }

  setting(name: CheckName): CheckSetting {
    return this.get()?.checks[name] ?? { enabled: false };
  }

  /** @throws InvalidRequestException unless there are names and each is a check that the account has enabled. */
  enabled(names: readonly string[] | undefined): CheckName[] {
    if (!names || names.length === 0) throw invalid('targetCheckNames must name at least one audit check.');
    const known = [...new Set(names)].map(checkName);
    const disabled = known.filter((name) => !this.setting(name).enabled);
    if (disabled.length === 0) return known;
    throw invalid(`These audit checks are not enabled for the account: ${disabled.join(', ')}.`);
  }

  /**
   * Merges settings into the account's; with `replace` checks that are not named lose theirs.
   *
   * @throws InvalidRequestException
   */
  update(input: sdk.UpdateAccountAuditConfigurationCommandInput, { replace = false } = {}): void {
    this.changes.transaction(() => {
      const before = this.get();
      if (input.roleArn === undefined && !before) {
        throw invalid('roleArn is required when audits are configured for the first time.');
      }
      const roleArn =
        input.roleArn === undefined ? (before?.roleArn ?? '') : this.roles.check(input.roleArn, 'roleArn');
      const checks = this.#checks(
        replace ? {} : (before?.checks ?? {}),
        input.auditCheckConfigurations ?? {},
      );
      if (!before && !Object.values(checks).some(({ enabled }) => enabled)) {
        throw invalid('At least one audit check must be enabled when audits are configured the first time.');
      }
      this.#checkSchedules(checks);
      const given = input.auditNotificationTargetConfigurations;
      const target =
        given || replace ? this.#target(given ?? {}, replace ? undefined : before?.target) : before?.target;
      this.tables.settings.put(KEY, { roleArn, checks, ...(target && { target }) });
    });
  }

  /** Forgets all settings. @throws ResourceNotFoundException when there are none. */
  delete(): void {
    if (!this.tables.settings.delete(KEY)) throw notFound('The account has no audit configuration.');
  }

  readonly operations = {
    UpdateAccountAuditConfiguration: (input: sdk.UpdateAccountAuditConfigurationCommandInput) => {
      this.update(input);
      return {};
    },

    DescribeAccountAuditConfiguration: () => {
      const { roleArn, target } = this.get() ?? {};
      return {
        ...(roleArn !== undefined && { roleArn }),
        auditNotificationTargetConfigurations: target ? { SNS: target } : {},
        auditCheckConfigurations: Object.fromEntries(CHECK_NAMES.map((name) => [name, this.setting(name)])),
      };
    },
  } satisfies Operations<typeof sdk>;

  #checks(
    before: Readonly<Record<string, CheckSetting>>,
    given: Readonly<Record<string, sdk.AuditCheckConfiguration>>,
  ): Record<string, CheckSetting> {
    const checks: Record<string, CheckSetting> = { ...before };
    for (const [name, { enabled, configuration }] of Object.entries(given)) {
      const known = checkName(name);
      if (configuration) checkConfiguration(known, configuration);
      checks[known] = {
        ...before[known],
        enabled: enabled ?? before[known]?.enabled ?? false,
        ...(configuration && { configuration: { ...before[known]?.configuration, ...configuration } }),
      };
    }
    return checks;
  }

  #checkSchedules(checks: Readonly<Record<string, CheckSetting>>): void {
    for (const [, schedule] of this.tables.schedules.entries()) {
      const lost = schedule.checks.find((name) => this.setting(name).enabled && !checks[name]?.enabled);
      if (lost === undefined) continue;
      throw invalid(`The audit check ${lost} is used by the scheduled audit ${schedule.name}.`);
    }
  }

  #target(
    given: Readonly<Record<string, sdk.AuditNotificationTarget>>,
    before: NotificationTarget | undefined,
  ): NotificationTarget | undefined {
    for (const type of Object.keys(given)) {
      checkEnum(type, 'auditNotificationTargetConfigurations', ['SNS']);
    }
    const { SNS: sns } = given;
    if (!sns) return before;
    const target = {
      ...before,
      ...(sns.targetArn !== undefined && { targetArn: sns.targetArn }),
      ...(sns.roleArn !== undefined && { roleArn: sns.roleArn }),
      enabled: sns.enabled ?? before?.enabled ?? false,
    };
    if (target.targetArn !== undefined && !TOPIC_ARN.test(target.targetArn)) {
      throw invalid(`Invalid targetArn ${target.targetArn}: it is not the ARN of an SNS topic.`);
    }
    if (sns.roleArn !== undefined) this.roles.check(sns.roleArn, 'roleArn');
    if (target.enabled && (target.targetArn === undefined || target.roleArn === undefined)) {
      throw invalid('targetArn and roleArn are required to enable notifications.');
    }
    return target;
  }
}
