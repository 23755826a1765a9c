import { z } from 'zod';
import { generatedName, parseProperties, tagsSchema } from '../../resource-properties.js';
import { loadResourceSchema } from '../../resource-schema.js';
import type { ResourceType } from '../../resource-type.js';
import { tagList, tagsOf } from '../../tags.js';
import { groupExists, groupNotFound, invalidParameter } from './errors.js';
import type { LogGroup, LogStore } from './log-store.js';
import { checkGroupName, RETENTIONS } from './names.js';

const schema = z.strictObject({
  LogGroupName: z.string().optional(),
  LogGroupClass: z.enum(['STANDARD', 'INFREQUENT_ACCESS', 'DELIVERY']).optional(),
  RetentionInDays: z
    .number()
    .refine((days) => RETENTIONS.includes(days), `must be one of ${RETENTIONS.join(', ')}`)
    .optional(),
  Tags: tagsSchema.optional(),
  Arn: z.string().optional(),
});

/** `AWS::Logs::LogGroup`. */
export function logGroupType(logs: LogStore): ResourceType {
  const typeName = 'AWS::Logs::LogGroup';
  const existing = (name: string): LogGroup => {
    const group = logs.group(name);
    if (!group) throw groupNotFound();
    return group;
  };
  return {
    typeName,
    schema: loadResourceSchema(typeName),
    create(desired) {
      const wanted = parseProperties(typeName, schema, desired);
      const name = wanted.LogGroupName ?? generatedName('log-group');
      checkGroupName(name);
      if (logs.group(name)) throw groupExists();
      const group = logs.createGroup(name, {
        logGroupClass: wanted.LogGroupClass,
        tags: tagsOf(wanted.Tags),
      });
      if (wanted.RetentionInDays !== undefined) {
        logs.putGroup({ ...group, retentionInDays: wanted.RetentionInDays });
      }
      return name;
    },
    read(name) {
      const group = logs.group(name);
      if (!group) return undefined;
      const tags = tagList(group.tags);
      return {
        LogGroupName: name,
        Arn: `${group.arn}:*`,
        LogGroupClass: group.logGroupClass,
        ...(group.retentionInDays === undefined ? {} : { RetentionInDays: group.retentionInDays }),
        ...(tags.length > 0 ? { Tags: tags } : {}),
      };
    },
    update(name, desired) {
      const wanted = parseProperties(typeName, schema, desired);
      const { retentionInDays: _, ...group } = existing(name);
      if (wanted.LogGroupClass !== undefined && wanted.LogGroupClass !== group.logGroupClass) {
        throw invalidParameter('The class of a log group cannot be changed.');
      }
      logs.putGroup({
        ...group,
        tags: tagsOf(wanted.Tags),
        ...(wanted.RetentionInDays === undefined ? {} : { retentionInDays: wanted.RetentionInDays }),
      });
    },
    delete(name) {
      existing(name);
      logs.deleteGroup(name);
    },
    list: () => logs.groups().map(({ name }) => name),
  };
}
