import type * as sdk from '@aws-sdk/client-iam';
import type { Operations } from '../../service.js';
import { tagList } from '../../tags.js';
import { encoded, page, tagRecord } from './paging.js';
import type { Roles } from './roles.js';
import type { Role } from './tables.js';

/** CreateRole, GetRole, ListRoles, UpdateRole, UpdateRoleDescription, UpdateAssumeRolePolicy, DeleteRole, boundaries, tags. */
export function roleOperations(roles: Roles): Operations<typeof sdk> {
  return {
    CreateRole(input) {
      const role = roles.create({
        roleName: input.RoleName ?? '',
        path: input.Path ?? '/',
        description: input.Description,
        maxSessionDuration: input.MaxSessionDuration,
        trustPolicy: input.AssumeRolePolicyDocument ?? '',
        permissionsBoundary: input.PermissionsBoundary,
        tags: tagRecord(input.Tags),
      });
      const { Description: _, MaxSessionDuration: __, ...created } = describe(role);
      return { Role: created };
    },
    GetRole: ({ RoleName = '' }) => ({ Role: { ...describe(roles.get(RoleName)), RoleLastUsed: {} } }),
    ListRoles({ PathPrefix = '/', Marker, MaxItems }) {
      const all = roles
        .all()
        .filter(({ path }) => path.startsWith(PathPrefix))
        .sort((a, b) => (a.roleName < b.roleName ? -1 : 1));
      const { items, ...rest } = page(all, ({ roleName }) => roleName, { Marker, MaxItems });
      // Tags and permissions boundaries are not part of lists (IAM API reference, `ListRoles`).
      return {
        Roles: items.map((role) => {
          const { Tags: _, PermissionsBoundary: __, ...listed } = describe(role);
          return listed;
        }),
        ...rest,
      };
    },
    UpdateRole({ RoleName = '', Description, MaxSessionDuration }) {
      roles.update(RoleName, {
        ...(Description === undefined ? {} : { description: Description }),
        ...(MaxSessionDuration === undefined ? {} : { maxSessionDuration: MaxSessionDuration }),
      });
      return {};
    },
    UpdateRoleDescription({ RoleName = '', Description = '' }) {
      roles.update(RoleName, { description: Description });
      return { Role: describe(roles.get(RoleName)) };
    },
    UpdateAssumeRolePolicy({ RoleName = '', PolicyDocument = '' }) {
      roles.setTrustPolicy(RoleName, PolicyDocument);
      return {};
    },
    DeleteRole({ RoleName = '' }) {
      roles.delete(RoleName);
      return {};
    },
    PutRolePermissionsBoundary({ RoleName = '', PermissionsBoundary }) {
      roles.setBoundary(RoleName, PermissionsBoundary);
      return {};
    },
    DeleteRolePermissionsBoundary({ RoleName = '' }) {
      roles.setBoundary(RoleName, undefined);
      return {};
    },
    TagRole({ RoleName = '', Tags }) {
      roles.setTags(RoleName, { ...roles.get(RoleName).tags, ...tagRecord(Tags) });
      return {};
    },
    UntagRole({ RoleName = '', TagKeys = [] }) {
      const left = Object.entries(roles.get(RoleName).tags).filter(([name]) => !TagKeys.includes(name));
      roles.setTags(RoleName, Object.fromEntries(left));
      return {};
    },
    ListRoleTags({ RoleName = '', Marker, MaxItems }) {
      const { items, ...rest } = page(tagList(roles.get(RoleName).tags), ({ Key }) => Key, {
        Marker,
        MaxItems,
      });
      return { Tags: items, ...rest };
    },
  };
}

function describe(role: Role) {
  return {
    Path: role.path,
    RoleName: role.roleName,
    RoleId: role.roleId,
    Arn: role.arn,
    CreateDate: new Date(role.created),
    AssumeRolePolicyDocument: encoded(role.trustPolicy),
    Description: role.description,
    MaxSessionDuration: role.maxSessionDuration,
    Tags: Object.keys(role.tags).length > 0 ? tagList(role.tags) : undefined,
    PermissionsBoundary: role.permissionsBoundary
      ? {
          PermissionsBoundaryType: 'PermissionsBoundaryPolicy' as const,
          PermissionsBoundaryArn: role.permissionsBoundary,
        }
      : undefined,
  };
}
