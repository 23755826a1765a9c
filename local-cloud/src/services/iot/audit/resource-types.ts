import type * as sdk from '@aws-sdk/client-iot';
import { z } from 'zod';
import { AwsError } from '../../../errors.js';
import { generatedName, parseProperties, tagsSchema } from '../../../resource-properties.js';
import { loadResourceSchema } from '../../../resource-schema.js';
import type { ResourceProperties, ResourceType } from '../../../resource-type.js';
import type { IotArns } from '../arns.js';
import { alreadyExists } from '../errors.js';
import type { ResourceTags } from '../resources/property-values.js';
import { CHECK_NAMES, type CheckName, checkOf } from './catalog.js';
import type { AccountConfiguration } from './configuration.js';
import type { MitigationActions } from './mitigation/actions.js';
import type { Schedules } from './schedules.js';

export interface AuditResourceParts {
  readonly accountId: string;
  readonly arns: IotArns;
  readonly tags: ResourceTags;
  readonly configuration: AccountConfiguration;
  readonly schedules: Schedules;
  readonly actions: MitigationActions;
}

/** AWS::IoT::AccountAuditConfiguration, AWS::IoT::ScheduledAudit and AWS::IoT::MitigationAction. */
export function auditResourceTypes(parts: AuditResourceParts): ResourceType[] {
  return [accountAuditConfiguration(parts), scheduledAudit(parts), mitigationAction(parts)];
}

const checkSchema = z.strictObject({
  Enabled: z.boolean().optional(),
  Configuration: z.record(z.string(), z.string()).optional(),
});
const accountSchema = z.strictObject({
  AccountId: z.string(),
  RoleArn: z.string(),
  AuditCheckConfigurations: z.record(z.string(), checkSchema),
  AuditNotificationTargetConfigurations: z
    .strictObject({
      Sns: z
        .strictObject({
          TargetArn: z.string().optional(),
          RoleArn: z.string().optional(),
          Enabled: z.boolean().optional(),
        })
        .optional(),
    })
    .optional(),
});

/** CloudFormation's names of checks; the others are their words in PascalCase. */
const PROPERTY_NAMES: Readonly<Partial<Record<CheckName, string>>> = {
  IOT_POLICY_POTENTIAL_MISCONFIGURATION_CHECK: 'IoTPolicyPotentialMisConfigurationCheck',
};
const propertyOf = (name: CheckName) => PROPERTY_NAMES[name] ?? pascal(name);
const pascal = (name: string) =>
  name
    .split('_')
    .map((word) => word.slice(0, 1) + word.slice(1).toLowerCase())
    .join('');

function accountAuditConfiguration({ accountId, arns, configuration }: AuditResourceParts): ResourceType {
  const typeName = 'AWS::IoT::AccountAuditConfiguration';

  function write(desired: ResourceProperties): void {
    const found = parseProperties(typeName, accountSchema, desired);
    if (found.AccountId !== accountId) {
      throw new AwsError('InvalidRequest', `The AccountId ${found.AccountId} is not the account's own.`);
    }
    const checks = Object.entries(found.AuditCheckConfigurations).map(([property, check]) => {
      const name = CHECK_NAMES.find((one) => propertyOf(one) === property);
      if (!name) throw new AwsError('InvalidRequest', `There is no audit check ${property}.`);
      return [name, apiCheck(name, check)] as const;
    });
    const sns = found.AuditNotificationTargetConfigurations?.Sns;
    configuration.update(
      {
        roleArn: found.RoleArn,
        auditCheckConfigurations: Object.fromEntries(checks),
        auditNotificationTargetConfigurations: sns
          ? { SNS: { targetArn: sns.TargetArn, roleArn: sns.RoleArn, enabled: sns.Enabled } }
          : {},
      },
      { replace: true },
    );
  }

  return {
    typeName,
    schema: loadResourceSchema(typeName),
    create(desired) {
      if (configuration.get()) {
        const arn = arns.of('audit/configuration');
        throw alreadyExists('The account has an audit configuration already.', accountId, arn);
      }
      write(desired);
      return accountId;
    },
    read(identifier) {
      const found = identifier === accountId ? configuration.get() : undefined;
      if (!found) return undefined;
      const { roleArn, target } = found;
      const named = CHECK_NAMES.flatMap((name) => {
        const setting = found.checks[name];
        return setting ? [[propertyOf(name), checkProperty(name, setting)] as const] : [];
      });
      return {
        AccountId: accountId,
        RoleArn: roleArn,
        AuditCheckConfigurations: Object.fromEntries(named),
        ...(target && {
          AuditNotificationTargetConfigurations: {
            Sns: {
              ...(target.targetArn !== undefined && { TargetArn: target.targetArn }),
              ...(target.roleArn !== undefined && { RoleArn: target.roleArn }),
              Enabled: target.enabled,
            },
          },
        }),
      };
    },
    update: (_identifier, desired) => write(desired),
    delete: () => configuration.delete(),
    list: () => (configuration.get() ? [accountId] : []),
  };
}

/** A check as the API has it: the threshold's name is in capitals there. */
function apiCheck(name: CheckName, { Enabled, Configuration }: z.infer<typeof checkSchema>) {
  const configuration = Object.entries(Configuration ?? {}).map(([property, value]) => {
    const threshold = checkOf(name).threshold?.name;
    return [threshold !== undefined && pascal(threshold) === property ? threshold : property, value];
  });
  return {
    ...(Enabled !== undefined && { enabled: Enabled }),
    ...(Configuration && { configuration: Object.fromEntries(configuration) as Record<string, string> }),
  };
}

function checkProperty(
  name: CheckName,
  { enabled, configuration }: { enabled: boolean; configuration?: Readonly<Record<string, string>> },
) {
  const { threshold } = checkOf(name);
  const value = threshold && configuration?.[threshold.name];
  return {
    Enabled: enabled,
    ...(threshold && value !== undefined && { Configuration: { [pascal(threshold.name)]: value } }),
  };
}

const scheduleSchema = z.strictObject({
  ScheduledAuditName: z.string().optional(),
  Frequency: z.enum(['DAILY', 'WEEKLY', 'BIWEEKLY', 'MONTHLY']),
  DayOfMonth: z.string().optional(),
  DayOfWeek: z.enum(['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT', 'UNSET_VALUE']).optional(),
  TargetCheckNames: z.array(z.string()),
  Tags: tagsSchema.optional(),
});

function scheduledAudit({ arns, tags, schedules }: AuditResourceParts): ResourceType {
  const typeName = 'AWS::IoT::ScheduledAudit';
  const { operations } = schedules;
  const arnOf = (name: string) => arns.of(`scheduledaudit/${name}`);
  // CloudFormation's way to say that there is none.
  const given = <T extends string>(value: T | undefined) =>
    value === 'UNSET_VALUE' ? undefined : (value as Exclude<T, 'UNSET_VALUE'> | undefined);
  const input = (desired: ResourceProperties) => {
    const found = parseProperties(typeName, scheduleSchema, desired);
    return {
      name: found.ScheduledAuditName,
      tags: found.Tags,
      rest: {
        frequency: found.Frequency,
        dayOfMonth: given(found.DayOfMonth),
        dayOfWeek: given(found.DayOfWeek),
        targetCheckNames: found.TargetCheckNames,
      },
    };
  };
  return {
    typeName,
    schema: loadResourceSchema(typeName),
    create(desired) {
      const { name = generatedName('ScheduledAudit'), tags: tagged, rest } = input(desired);
      operations.CreateScheduledAudit({ scheduledAuditName: name, ...rest, tags: tagged });
      return name;
    },
    read(name) {
      if (!schedules.names().includes(name)) return undefined;
      const found = operations.DescribeScheduledAudit({ scheduledAuditName: name });
      return {
        ScheduledAuditName: name,
        ScheduledAuditArn: arnOf(name),
        Frequency: found.frequency,
        ...(found.dayOfMonth !== undefined && { DayOfMonth: found.dayOfMonth }),
        ...(found.dayOfWeek && { DayOfWeek: found.dayOfWeek }),
        TargetCheckNames: found.targetCheckNames,
        ...tags.read(arnOf(name)),
      };
    },
    update(name, desired) {
      const { tags: tagged, rest } = input(desired);
      operations.UpdateScheduledAudit({ scheduledAuditName: name, ...rest });
      tags.write(arnOf(name), tagged);
    },
    delete(name) {
      operations.DeleteScheduledAudit({ scheduledAuditName: name });
    },
    list: () => schedules.names(),
  };
}

const actionSchema = z.strictObject({
  ActionName: z.string().optional(),
  RoleArn: z.string(),
  ActionParams: z.strictObject({
    UpdateDeviceCertificateParams: z.strictObject({ Action: z.enum(['DEACTIVATE']) }).optional(),
    UpdateCACertificateParams: z.strictObject({ Action: z.enum(['DEACTIVATE']) }).optional(),
    AddThingsToThingGroupParams: z
      .strictObject({
        ThingGroupNames: z.array(z.string()),
        OverrideDynamicGroups: z.boolean().optional(),
      })
      .optional(),
    ReplaceDefaultPolicyVersionParams: z.strictObject({ TemplateName: z.enum(['BLANK_POLICY']) }).optional(),
    EnableIoTLoggingParams: z
      .strictObject({
        LogLevel: z.enum(['DEBUG', 'INFO', 'ERROR', 'WARN']),
        RoleArnForLogging: z.string(),
      })
      .optional(),
    PublishFindingToSnsParams: z.strictObject({ TopicArn: z.string() }).optional(),
  }),
  Tags: tagsSchema.optional(),
});

function mitigationAction({ tags, actions }: AuditResourceParts): ResourceType {
  const typeName = 'AWS::IoT::MitigationAction';
  const { operations } = actions;
  return {
    typeName,
    schema: loadResourceSchema(typeName),
    create(desired) {
      const found = parseProperties(typeName, actionSchema, desired);
      const { ActionName: actionName = generatedName('MitigationAction'), RoleArn: roleArn } = found;
      const actionParams = apiParams(found.ActionParams);
      operations.CreateMitigationAction({ actionName, roleArn, actionParams, tags: found.Tags });
      return actionName;
    },
    read(name) {
      const found = actions.get(name);
      if (!found) return undefined;
      return {
        ActionName: name,
        RoleArn: found.roleArn,
        ActionParams: paramsProperty(found.params),
        MitigationActionArn: actions.arnOf(name),
        MitigationActionId: found.id,
        ...tags.read(actions.arnOf(name)),
      };
    },
    update(actionName, desired) {
      const found = parseProperties(typeName, actionSchema, desired);
      const { RoleArn: roleArn } = found;
      operations.UpdateMitigationAction({ actionName, roleArn, actionParams: apiParams(found.ActionParams) });
      tags.write(actions.arnOf(actionName), found.Tags);
    },
    delete(actionName) {
      actions.existing(actionName);
      operations.DeleteMitigationAction({ actionName });
    },
    list: () => actions.names(),
  };
}

function apiParams(params: z.infer<typeof actionSchema>['ActionParams']): sdk.MitigationActionParams {
  const {
    UpdateDeviceCertificateParams: device,
    UpdateCACertificateParams: ca,
    AddThingsToThingGroupParams: group,
    ReplaceDefaultPolicyVersionParams: policy,
    EnableIoTLoggingParams: logging,
    PublishFindingToSnsParams: sns,
  } = params;
  return {
    ...(device && { updateDeviceCertificateParams: { action: device.Action } }),
    ...(ca && { updateCACertificateParams: { action: ca.Action } }),
    ...(group && {
      addThingsToThingGroupParams: {
        thingGroupNames: group.ThingGroupNames,
        ...(group.OverrideDynamicGroups !== undefined && {
          overrideDynamicGroups: group.OverrideDynamicGroups,
        }),
      },
    }),
    ...(policy && { replaceDefaultPolicyVersionParams: { templateName: policy.TemplateName } }),
    ...(logging && {
      enableIoTLoggingParams: { logLevel: logging.LogLevel, roleArnForLogging: logging.RoleArnForLogging },
    }),
    ...(sns && { publishFindingToSnsParams: { topicArn: sns.TopicArn } }),
  };
}

/** Of the actions that can be made here. */
function paramsProperty(params: sdk.MitigationActionParams): object {
  const {
    updateDeviceCertificateParams: device,
    addThingsToThingGroupParams: group,
    publishFindingToSnsParams: sns,
  } = params;
  return {
    ...(device && { UpdateDeviceCertificateParams: { Action: device.action } }),
    ...(group && {
      AddThingsToThingGroupParams: {
        ThingGroupNames: group.thingGroupNames,
        ...(group.overrideDynamicGroups !== undefined && {
          OverrideDynamicGroups: group.overrideDynamicGroups,
        }),
      },
    }),
    ...(sns && { PublishFindingToSnsParams: { TopicArn: sns.topicArn } }),
  };
}
