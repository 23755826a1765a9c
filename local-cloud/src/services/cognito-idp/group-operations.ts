import type * as sdk from '@aws-sdk/client-cognito-identity-provider';
import { GroupExistsException } from '@aws-sdk/client-cognito-identity-provider';
import type { Base } from '../../plugin.js';
import type { Operations } from '../../service.js';
import { key } from '../../store/store.js';
import { invalidParameter, notFound } from './errors.js';
import { type Pools, poolPage } from './pool-operations.js';
import type { GroupRecord, UserPoolTables } from './tables.js';

const GROUP_NAME = /^[\p{L}\p{M}\p{S}\p{N}\p{P}]{1,128}$/u;

/** Groups of user pools: what their members may do is a role. */
export function groupOperations({ store, clock }: Base, tables: UserPoolTables, pools: Pools) {
  const existing = (poolId: string, name: string | undefined): GroupRecord => {
    const group = name === undefined ? undefined : tables.groups.get(key(poolId, name));
    if (!group) throw notFound('Group not found.');
    return group;
  };

  function put(poolId: string, group: GroupRecord): sdk.GroupType {
    tables.groups.put(key(poolId, group.name), group);
    return describe(poolId, group);
  }

  const operations = {
    CreateGroup({ UserPoolId, GroupName = '', ...input }: sdk.CreateGroupCommandInput) {
      if (!GROUP_NAME.test(GroupName))
        throw invalidParameter(`Invalid GroupName ${JSON.stringify(GroupName)}`);
      return store.transaction(() => {
        const { id } = pools.existing(UserPoolId);
        if (tables.groups.get(key(id, GroupName))) {
          throw new GroupExistsException({
            message: 'A group with the name already exists.',
            $metadata: {},
          });
        }
        const now = clock.now();
        return { Group: put(id, { name: GroupName, created: now, modified: now, ...settings(input) }) };
      });
    },

    GetGroup({ UserPoolId, GroupName }: sdk.GetGroupCommandInput) {
      const { id } = pools.existing(UserPoolId);
      return { Group: describe(id, existing(id, GroupName)) };
    },

    UpdateGroup({ UserPoolId, GroupName, ...input }: sdk.UpdateGroupCommandInput) {
      return store.transaction(() => {
        const { id } = pools.existing(UserPoolId);
        const before = existing(id, GroupName);
        return { Group: put(id, { ...before, ...settings(input), modified: clock.now() }) };
      });
    },

    DeleteGroup({ UserPoolId, GroupName = '' }: sdk.DeleteGroupCommandInput) {
      store.transaction(() => {
        const { id } = pools.existing(UserPoolId);
        existing(id, GroupName);
        tables.groups.delete(key(id, GroupName));
        for (const [member] of [...tables.memberships.entries({ prefix: `${id}\u001f` })]) {
          if (member.endsWith(`\u001f${GroupName}`)) tables.memberships.delete(member);
        }
      });
      return {};
    },

    ListGroups({ UserPoolId, NextToken, Limit = 60 }: sdk.ListGroupsCommandInput) {
      const { id } = pools.existing(UserPoolId);
      const all = [...tables.groups.entries({ prefix: `${id}\u001f` })].map(([, group]) => group);
      const { items, next } = poolPage(all, ({ name }) => name, NextToken, Limit);
      return {
        Groups: items.map((group) => describe(id, group)),
        ...(next !== undefined && { NextToken: next }),
      };
    },
  } satisfies Operations<typeof sdk>;

  return { operations, existing };
}

export type Groups = ReturnType<typeof groupOperations>;

function settings(input: {
  Description?: string | undefined;
  RoleArn?: string | undefined;
  Precedence?: number | undefined;
}) {
  if (input.Precedence !== undefined && input.Precedence < 0)
    throw invalidParameter('Precedence must not be negative');
  return {
    ...(input.Description !== undefined && { description: input.Description }),
    ...(input.RoleArn !== undefined && { roleArn: input.RoleArn }),
    ...(input.Precedence !== undefined && { precedence: input.Precedence }),
  };
}

export function describe(poolId: string, group: GroupRecord): sdk.GroupType {
  return {
    GroupName: group.name,
    UserPoolId: poolId,
    ...(group.description !== undefined && { Description: group.description }),
    ...(group.roleArn !== undefined && { RoleArn: group.roleArn }),
    ...(group.precedence !== undefined && { Precedence: group.precedence }),
    CreationDate: new Date(group.created),
    LastModifiedDate: new Date(group.modified),
  };
}
