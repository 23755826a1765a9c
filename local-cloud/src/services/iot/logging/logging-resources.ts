import { z } from 'zod';
import { AwsError } from '../../../errors.js';
import { parseProperties } from '../../../resource-properties.js';
import { loadResourceSchema } from '../../../resource-schema.js';
import type { ResourceProperties, ResourceType } from '../../../resource-type.js';
import { alreadyExists, notFound } from '../errors.js';
import { LEVELS, type LoggingLevels, TARGET_TYPES, targetId } from './levels.js';

const loggingSchema = z.strictObject({
  AccountId: z.string(),
  RoleArn: z.string(),
  DefaultLogLevel: z.enum(LEVELS),
  EventConfigurations: z
    .array(z.unknown())
    .max(0, 'levels of single events are not built in the local cloud')
    .optional(),
});
const levelSchema = z.strictObject({
  TargetType: z.enum(TARGET_TYPES),
  TargetName: z.string(),
  LogLevel: z.enum(LEVELS),
  TargetId: z.string().optional(),
});

/** AWS::IoT::Logging and AWS::IoT::ResourceSpecificLogging. */
export function loggingResourceTypes(levels: LoggingLevels, accountId: string): ResourceType[] {
  return [loggingType(levels, accountId), resourceSpecificType(levels)];
}

/** The account's one configuration of logging; deleted, nothing is logged any more. */
function loggingType(levels: LoggingLevels, accountId: string): ResourceType {
  const typeName = 'AWS::IoT::Logging';
  const inForce = () => (levels.options?.disableAllLogs === false ? levels.options : undefined);

  function write(desired: ResourceProperties): void {
    const found = parseProperties(typeName, loggingSchema, desired);
    if (found.AccountId !== accountId) {
      throw new AwsError('InvalidRequest', `The AccountId ${found.AccountId} is not the account's own.`);
    }
    levels.setOptions({ roleArn: found.RoleArn, defaultLogLevel: found.DefaultLogLevel });
  }

  return {
    typeName,
    schema: loadResourceSchema(typeName),
    create(desired) {
      if (inForce()) throw alreadyExists('The account has logging options already.', accountId, accountId);
      write(desired);
      return accountId;
    },
    read(identifier) {
      const options = identifier === accountId ? inForce() : undefined;
      return (
        options && {
          AccountId: accountId,
          RoleArn: options.roleArn,
          DefaultLogLevel: options.defaultLogLevel,
        }
      );
    },
    update: (_identifier, desired) => write(desired),
    delete: () => levels.disable(),
    list: () => (inForce() ? [accountId] : []),
  };
}

function resourceSpecificType(levels: LoggingLevels): ResourceType {
  const typeName = 'AWS::IoT::ResourceSpecificLogging';
  const existing = (id: string) => levels.targets.find((target) => targetId(target) === id);

  function write(desired: ResourceProperties): string {
    const { TargetType, TargetName, LogLevel } = parseProperties(typeName, levelSchema, desired);
    return targetId(levels.setLevel({ targetType: TargetType, targetName: TargetName }, LogLevel));
  }

  return {
    typeName,
    schema: loadResourceSchema(typeName),
    create(desired) {
      const { TargetType: targetType, TargetName: targetName } = parseProperties(
        typeName,
        levelSchema,
        desired,
      );
      const id = targetId({ targetType, targetName });
      if (existing(id)) throw alreadyExists(`The target ${id} has a level already.`, id, id);
      return write(desired);
    },
    read(id) {
      const target = existing(id);
      return (
        target && {
          TargetId: id,
          TargetType: target.targetType,
          TargetName: target.targetName,
          LogLevel: target.logLevel,
        }
      );
    },
    update(id, desired) {
      if (!existing(id)) throw notFound(`The target ${id} has no level.`);
      write(desired);
    },
    delete(id) {
      const target = existing(id);
      if (target) levels.deleteLevel(target);
    },
    list: () => levels.targets.map(targetId),
  };
}
