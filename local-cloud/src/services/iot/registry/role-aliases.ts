import type * as sdk from '@aws-sdk/client-iot';
import type { Clock } from '../../../clock.js';
import type { Operations } from '../../../service.js';
import { tagsOf } from '../../../tags.js';
import type { IotArns } from '../arns.js';
import type { Changes } from '../changes.js';
import { alreadyExists, checked, invalid, notFound } from '../errors.js';
import { pageOf } from '../paging.js';
import type { RoleAliasRecord, Tables } from '../tables.js';

const ALIAS_NAME = /^[\w=,@-]+$/;

/** The role aliases, under which devices assume roles. */
export function roleAliases(
  tables: Tables,
  changes: Changes,
  arns: IotArns,
  clock: Clock,
  accountId: string,
) {
  function existing(name: string | undefined): RoleAliasRecord {
    const record = tables.roleAliases.get(checked(name, 'roleAlias', ALIAS_NAME, 128));
    if (!record) throw notFound(`RoleAlias ${name} not found`);
    return record;
  }

  function duration(seconds: number | undefined): number {
    const value = seconds ?? 3600;
    if (value < 900 || value > 43_200) {
      throw invalid(`credentialDurationSeconds must be from 900 to 43200, not ${value}`);
    }
    return value;
  }

  const operations = {
    CreateRoleAlias(input: sdk.CreateRoleAliasCommandInput) {
      const roleAlias = checked(input.roleAlias, 'roleAlias', ALIAS_NAME, 128);
      const roleArn = checked(input.roleArn, 'roleArn', /^arn:[^:]+:iam::\d{12}:role\/.+$/, 2048);
      const credentialDurationSeconds = duration(input.credentialDurationSeconds);
      const roleAliasArn = arns.roleAlias(roleAlias);
      return changes.transaction(() => {
        if (tables.roleAliases.get(roleAlias)) {
          throw alreadyExists(
            `RoleAlias cannot be created - already exists (name=${roleAlias})`,
            roleAlias,
            roleAliasArn,
          );
        }
        const now = clock.now();
        const dates = { created: now, modified: now };
        tables.roleAliases.put(roleAlias, { roleAlias, roleArn, credentialDurationSeconds, ...dates });
        if (input.tags?.length) tables.tags.put(roleAliasArn, tagsOf(input.tags));
        return { roleAlias, roleAliasArn };
      });
    },

    DescribeRoleAlias({ roleAlias }: sdk.DescribeRoleAliasCommandInput) {
      const record = existing(roleAlias);
      return {
        roleAliasDescription: {
          roleAlias: record.roleAlias,
          roleAliasArn: arns.roleAlias(record.roleAlias),
          roleArn: record.roleArn,
          owner: accountId,
          credentialDurationSeconds: record.credentialDurationSeconds,
          creationDate: new Date(record.created),
          lastModifiedDate: new Date(record.modified),
        },
      };
    },

    UpdateRoleAlias(input: sdk.UpdateRoleAliasCommandInput) {
      return changes.transaction(() => {
        const record = existing(input.roleAlias);
        const { roleAlias } = record;
        tables.roleAliases.put(roleAlias, {
          ...record,
          roleArn: input.roleArn ?? record.roleArn,
          credentialDurationSeconds: duration(
            input.credentialDurationSeconds ?? record.credentialDurationSeconds,
          ),
          modified: clock.now(),
        });
        return { roleAlias, roleAliasArn: arns.roleAlias(roleAlias) };
      });
    },

    DeleteRoleAlias({ roleAlias }: sdk.DeleteRoleAliasCommandInput) {
      return changes.transaction(() => {
        const record = existing(roleAlias);
        tables.roleAliases.delete(record.roleAlias);
        tables.tags.delete(arns.roleAlias(record.roleAlias));
        return {};
      });
    },

    ListRoleAliases(input: sdk.ListRoleAliasesCommandInput) {
      const names = [...tables.roleAliases.entries()].map(([name]) => name);
      if (input.ascendingOrder === false) names.reverse();
      const { items, next } = pageOf(names, (name) => name, input.marker, input.pageSize);
      return { roleAliases: items, ...(next !== undefined && { nextMarker: next }) };
    },
  } satisfies Operations<typeof sdk>;

  return { operations };
}

export type RoleAliases = ReturnType<typeof roleAliases>;
