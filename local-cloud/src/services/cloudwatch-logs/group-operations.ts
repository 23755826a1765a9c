import type * as sdk from '@aws-sdk/client-cloudwatch-logs';
import { violation } from '../../constraints.js';
import type { Operations } from '../../service.js';
import { groupExists, groupNotFound, invalidParameter } from './errors.js';
import type { LogGroup, LogStore } from './log-store.js';
import { checkGroupName, groupOf, RETENTIONS } from './names.js';
import { byName } from './paging.js';

/** Log groups: create, delete, describe, retention, tags. */
export function groupOperations(logs: LogStore): Operations<typeof sdk> {
  const setTags = (group: LogGroup, tags: Record<string, string>) => logs.putGroup({ ...group, tags });
  const withTags = (group: LogGroup, tags: Record<string, string> = {}) => {
    if (Object.keys(tags).some((name) => name === '')) throw invalidParameter('Tag keys must not be empty.');
    setTags(group, { ...group.tags, ...tags });
    return {};
  };
  const withoutTags = (group: LogGroup, names: readonly string[] = []) => {
    setTags(group, Object.fromEntries(Object.entries(group.tags).filter(([name]) => !names.includes(name))));
    return {};
  };

  return {
    CreateLogGroup({ logGroupName = '', logGroupClass, tags, kmsKeyId }) {
      checkGroupName(logGroupName);
      if (kmsKeyId !== undefined) throw invalidParameter('KMS keys are not built in the local cloud.');
      if (logs.group(logGroupName)) throw groupExists();
      logs.createGroup(logGroupName, { logGroupClass, tags });
      return {};
    },
    DeleteLogGroup({ logGroupName = '' }) {
      if (!logs.group(logGroupName)) throw groupNotFound();
      logs.deleteGroup(logGroupName);
      return {};
    },
    DescribeLogGroups({ logGroupNamePrefix, logGroupNamePattern, logGroupClass, nextToken, limit }) {
      if (logGroupNamePrefix !== undefined && logGroupNamePattern !== undefined) {
        throw invalidParameter(
          'logGroupNamePrefix and logGroupNamePattern are mutually exclusive parameters.',
        );
      }
      const pattern = logGroupNamePattern?.toLowerCase() ?? '';
      const found = logs
        .groups(logGroupNamePrefix)
        .filter(({ name }) => name.toLowerCase().includes(pattern))
        .filter((group) => logGroupClass === undefined || group.logGroupClass === logGroupClass);
      const { items, next } = byName(found, ({ name }) => name, nextToken, limit);
      return { logGroups: items.map(describe), nextToken: next };
    },
    PutRetentionPolicy({ logGroupName = '', retentionInDays }) {
      const group = groupOf(logs, logGroupName);
      if (retentionInDays === undefined || !RETENTIONS.includes(retentionInDays)) {
        throw invalidParameter(
          violation(
            retentionInDays,
            'retentionInDays',
            `Member must satisfy enum value set: [${RETENTIONS.join(', ')}]`,
          ),
        );
      }
      logs.putGroup({ ...group, retentionInDays });
      return {};
    },
    DeleteRetentionPolicy({ logGroupName = '' }) {
      const { retentionInDays: _, ...group } = groupOf(logs, logGroupName);
      logs.putGroup(group);
      return {};
    },
    TagResource: ({ resourceArn, tags }) => withTags(groupOf(logs, undefined, resourceArn), tags),
    UntagResource: ({ resourceArn, tagKeys }) => withoutTags(groupOf(logs, undefined, resourceArn), tagKeys),
    ListTagsForResource: ({ resourceArn }) => ({ tags: { ...groupOf(logs, undefined, resourceArn).tags } }),
    TagLogGroup: ({ logGroupName, tags }) => withTags(groupOf(logs, logGroupName), tags),
    UntagLogGroup: ({ logGroupName, tags }) => withoutTags(groupOf(logs, logGroupName), tags),
    ListTagsLogGroup: ({ logGroupName }) => ({ tags: { ...groupOf(logs, logGroupName).tags } }),
  };
}

function describe(group: LogGroup) {
  return {
    logGroupName: group.name,
    creationTime: group.created,
    retentionInDays: group.retentionInDays,
    metricFilterCount: 0,
    arn: `${group.arn}:*`,
    logGroupArn: group.arn,
    logGroupClass: group.logGroupClass,
    storedBytes: group.storedBytes,
  };
}
