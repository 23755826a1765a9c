import * as sdk from '@aws-sdk/client-cloudwatch-logs';
import { type Permission, roleAuthorization } from '../../authorization.js';
import type { Base, Plugin } from '../../plugin.js';
import { readModel } from '../../protocol/model.js';
import { awsJson } from '../../protocol/protocols.js';
import { defineService } from '../../service.js';
import type { RoleAuthority } from '../iam/role-authority.js';
import { filterOperations } from './filter-operations.js';
import { groupOperations } from './group-operations.js';
import { logGroupType } from './log-group-type.js';
import { logStore } from './log-store.js';
import { logWriter } from './log-writer.js';
import { streamOperations } from './stream-operations.js';
import type { LogGroups, LogWriter } from './writer.js';

/** Amazon CloudWatch Logs: groups, streams and events; other services write through its `writer`. */
export function cloudWatchLogs(
  base: Base,
  capabilities: { roles: RoleAuthority },
): Plugin & { readonly writer: LogWriter & LogGroups } {
  const { store, clock, accountId, region } = base;
  const now = () => clock.now();
  const logs = logStore(store, { accountId, region, now });
  const model = readModel(sdk);
  const service = defineService<typeof sdk>({
    name: 'cloudwatch-logs',
    scopes: ['logs'],
    model,
    protocol: awsJson(model, '1.1'),
    authorize: roleAuthorization({
      prefix: 'logs',
      roles: capabilities.roles,
      clock,
      permission: (operation, input) =>
        permission(operation, input, `arn:aws:logs:${region}:${accountId}:log-group:`),
    }),
    validationError: { code: 'InvalidParameterException' },
    operations: { ...groupOperations(logs), ...streamOperations(logs, now), ...filterOperations(logs) },
  });
  return { services: [service], resourceTypes: [logGroupType(logs)], writer: logWriter(logs) };
}

/** Operations on events need permission for the stream, all others for the group (service authorization reference). */
const ON_STREAMS = new Set(['PutLogEvents', 'GetLogEvents', 'DeleteLogStream']);

function permission(
  operation: string,
  input: Readonly<Record<string, unknown>>,
  prefix: string,
): Permission[] {
  const { logGroupName, logGroupIdentifier, resourceArn, logStreamName } = input;
  const given = [logGroupName, logGroupIdentifier, resourceArn].find((name) => typeof name === 'string');
  // Without a group the operation is on all of them.
  const group = typeof given === 'string' ? given.replace(prefix, '').replace(/:\*$/, '') : '';
  const stream = ON_STREAMS.has(operation) ? `:log-stream:${String(logStreamName)}` : ':*';
  const resource = operation === 'DescribeLogGroups' ? `${prefix}:log-stream:` : `${prefix}${group}${stream}`;
  return [{ action: `logs:${operation}`, resource }];
}
