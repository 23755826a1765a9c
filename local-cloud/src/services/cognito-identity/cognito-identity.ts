import * as sdk from '@aws-sdk/client-cognito-identity';
import { roleAuthorization } from '../../authorization.js';
import type { Base, Plugin } from '../../plugin.js';
import { readModel } from '../../protocol/model.js';
import { awsJson } from '../../protocol/protocols.js';
import { type Authorize, defineService } from '../../service.js';
import type { IdTokens } from '../cognito-idp/cognito-idp.js';
import type { RoleDirectory } from '../iam/directory.js';
import type { RoleAuthority } from '../iam/role-authority.js';
import type { CredentialsIssuer } from '../sts/issuer.js';
import { identityCredentials } from './credentials.js';
import { type IdentityTables, identityPools } from './identity-pools.js';
import { identityPoolResourceTypes } from './resource-types.js';

/** Calls of visitors, who have no credentials yet (API reference: "You do not need any credentials"). */
const OF_VISITORS = new Set(['GetId', 'GetCredentialsForIdentity']);

export interface CognitoIdentityCapabilities {
  readonly roles: RoleAuthority & RoleDirectory;
  readonly issuer: CredentialsIssuer;
  readonly idTokens: IdTokens;
}

/** Amazon Cognito identity pools: credentials of AWS for users of user pools, and for guests. */
export function cognitoIdentityPools(
  base: Base,
  { roles, issuer, idTokens }: CognitoIdentityCapabilities,
): Plugin {
  const { store, accountId, region } = base;
  const tables: IdentityTables = {
    pools: store.table('cognito-identity.pools'),
    identities: store.table('cognito-identity.identities'),
    byLogin: store.table('cognito-identity.byLogin'),
  };
  const pools = identityPools(base, tables);
  const forRoles = roleAuthorization({
    prefix: 'cognito-identity',
    roles,
    clock: base.clock,
    permission: (operation, { IdentityPoolId: id }) => [
      {
        action: `cognito-identity:${operation}`,
        resource:
          typeof id === 'string' ? `arn:aws:cognito-identity:${region}:${accountId}:identitypool/${id}` : '*',
      },
    ],
  });
  const authorize: Authorize = (operation, input, call) => {
    if (!OF_VISITORS.has(operation)) forRoles(operation, input, call);
  };
  const model = readModel(sdk);
  const service = defineService<typeof sdk>({
    name: 'cognito-identity',
    scopes: ['cognito-identity'],
    unsignedTarget: 'AWSCognitoIdentityService',
    model,
    protocol: awsJson(model, '1.1'),
    validationError: { code: 'InvalidParameterException' },
    authorize,
    operations: {
      ...pools.operations,
      ...identityCredentials(base, tables, { pools, idTokens, roles, issuer }).operations,
    },
  });
  return { services: [service], resourceTypes: identityPoolResourceTypes(tables, pools) };
}
