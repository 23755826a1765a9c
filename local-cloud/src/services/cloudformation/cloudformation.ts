import * as sdk from '@aws-sdk/client-cloudformation';
import { roleAuthorization } from '../../authorization.js';
import { AwsError } from '../../errors.js';
import type { Base, Plugin } from '../../plugin.js';
import { readModel } from '../../protocol/model.js';
import { awsQuery } from '../../protocol/protocols.js';
import type { ResourceType } from '../../resource-type.js';
import { defineService } from '../../service.js';
import type { RoleAuthority } from '../iam/role-authority.js';

/**
 * AWS CloudFormation, of which only the registry is built: which resource types there are, and their schemas.
 * Stacks are not; the resources themselves are Cloud Control's.
 */
export function cloudFormation(
  { region, clock }: Base,
  resourceTypes: readonly ResourceType[],
  { roles }: { roles: RoleAuthority },
): Plugin {
  const types = new Map([...resourceTypes].sort(byName).map((type) => [type.typeName, type]));
  const arnOf = (typeName: string) =>
    `arn:aws:cloudformation:${region}::type/resource/${typeName.replaceAll('::', '-')}`;

  function typeOf({ Type, TypeName, Arn, VersionId }: sdk.DescribeTypeInput): ResourceType {
    if (TypeName === undefined && Arn === undefined) {
      throw new AwsError('ValidationError', 'Either TypeName and Type, or Arn, has to be given');
    }
    const type =
      TypeName === undefined
        ? [...types.values()].find(({ typeName }) => arnOf(typeName) === Arn)
        : types.get(TypeName);
    if (type && (Type ?? 'RESOURCE') === 'RESOURCE' && VersionId === undefined) return type;
    throw new sdk.TypeNotFoundException({
      message: `The type '${TypeName ?? Arn}' cannot be found${VersionId === undefined ? '' : ` in the version ${VersionId}`}.`,
      $metadata: {},
    });
  }

  const model = readModel(sdk);
  const service = defineService<typeof sdk>({
    name: 'cloudformation',
    scopes: ['cloudformation'],
    model,
    protocol: awsQuery(model, 'http://cloudformation.amazonaws.com/doc/2010-05-15/'),
    authorize: roleAuthorization({ prefix: 'cloudformation', roles, clock, deniedCode: 'AccessDenied' }),
    validationError: { code: 'ValidationError' },
    operations: {
      DescribeType(input) {
        const { typeName, schema } = typeOf(input);
        return {
          Arn: arnOf(typeName),
          Type: 'RESOURCE',
          TypeName: typeName,
          IsDefaultVersion: true,
          Description: text(schema.description),
          Schema: JSON.stringify(schema),
          ProvisioningType: provisioningType(schema.handlers),
          DeprecatedStatus: 'LIVE',
          Visibility: 'PUBLIC',
          SourceUrl: text(schema.sourceUrl),
          DocumentationUrl: text(schema.documentationUrl),
        };
      },
      ListTypes({ Visibility = 'PRIVATE', ProvisioningType, Type, Filters, MaxResults = 100, NextToken }) {
        const isWanted = ({ typeName, schema }: ResourceType) =>
          typeName.startsWith(Filters?.TypeNamePrefix ?? '') &&
          typeName > (NextToken ?? '') &&
          (ProvisioningType === undefined || provisioningType(schema.handlers) === ProvisioningType);
        // The types of this account's own, private ones and activated ones, are none.
        const isAwsOnly = Visibility === 'PUBLIC' && (Type ?? 'RESOURCE') === 'RESOURCE';
        const isOthers = Filters?.Category !== undefined && Filters.Category !== 'AWS_TYPES';
        const found = isAwsOnly && !isOthers ? [...types.values()].filter(isWanted) : [];
        const page = found.slice(0, Math.min(Math.max(MaxResults, 1), 100));
        return {
          TypeSummaries: page.map(({ typeName, schema }) => ({
            Type: 'RESOURCE' as const,
            TypeName: typeName,
            TypeArn: arnOf(typeName),
            Description: text(schema.description),
          })),
          NextToken: page.length < found.length ? page.at(-1)?.typeName : undefined,
        };
      },
    },
  });
  return { services: [service] };
}

function byName(a: ResourceType, b: ResourceType): number {
  return a.typeName < b.typeName ? -1 : 1;
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** What can be done with resources of a type whose schema has these handlers. */
function provisioningType(handlers: unknown): sdk.ProvisioningType {
  const has = (name: string) => Object.hasOwn(Object(handlers), name);
  if (!has('create') || !has('read') || !has('delete')) return 'NON_PROVISIONABLE';
  return has('update') ? 'FULLY_MUTABLE' : 'IMMUTABLE';
}
