import * as sdk from '@aws-sdk/client-cognito-identity-provider';
import { roleAuthorization } from '../../authorization.js';
import type { PathHandler } from '../../http/front.js';
import type { Base, Plugin } from '../../plugin.js';
import { readModel } from '../../protocol/model.js';
import { awsJson } from '../../protocol/protocols.js';
import { type Authorize, defineService } from '../../service.js';
import type { RoleAuthority } from '../iam/role-authority.js';
import { authentication } from './authentication.js';
import { clientOperations } from './client-operations.js';
import { groupOperations } from './group-operations.js';
import { poolOperations } from './pool-operations.js';
import { userPoolResourceTypes } from './resource-types.js';
import { selfOperations } from './self-operations.js';
import { openTables } from './tables.js';
import { type Tokens, tokenMaker } from './tokens.js';
import { userOperations } from './user-operations.js';
import { userStore } from './users.js';

/** What identity pools need of user pools. */
export type IdTokens = Pick<Tokens, 'readIdToken'>;

/** Calls of users, who have a password or a token instead of credentials of AWS (API reference, "unauthenticated"). */
const OF_USERS = new Set([
  'InitiateAuth',
  'RespondToAuthChallenge',
  'RevokeToken',
  'GetUser',
  'ChangePassword',
  'GlobalSignOut',
]);

/** Amazon Cognito user pools: users whom an administrator makes, groups, and signing in through the API. */
export function cognitoUserPools(
  base: Base,
  { roles }: { roles: RoleAuthority },
): Plugin & { readonly idTokens: IdTokens } {
  const tables = openTables(base.store);
  const pools = poolOperations(base, tables);
  const clients = clientOperations(base, tables, pools);
  const groups = groupOperations(base, tables, pools);
  const users = userStore(tables);
  const tokens = tokenMaker(base, tables, users);
  const administration = userOperations(base, { pools, users, groups, tokens });
  const forRoles = roleAuthorization({
    prefix: 'cognito-idp',
    roles,
    clock: base.clock,
    permission: (operation, { UserPoolId }) => [
      {
        action: `cognito-idp:${operation}`,
        resource: typeof UserPoolId === 'string' ? pools.arnOf(UserPoolId) : '*',
      },
    ],
  });
  const authorize: Authorize = (operation, input, call) => {
    if (!OF_USERS.has(operation)) forRoles(operation, input, call);
  };
  const model = readModel(sdk);
  const service = defineService<typeof sdk>({
    name: 'cognito-identity-provider',
    scopes: ['cognito-idp'],
    unsignedTarget: 'AWSCognitoIdentityProviderService',
    model,
    protocol: awsJson(model, '1.1'),
    validationError: { code: 'InvalidParameterException' },
    authorize,
    operations: {
      ...pools.operations,
      ...clients.operations,
      ...groups.operations,
      ...administration.operations,
      ...authentication(base, tables, { pools, users, tokens }).operations,
      ...selfOperations(base, { users, tokens }).operations,
    },
  });
  return {
    services: [service],
    resourceTypes: userPoolResourceTypes({
      ...{ tables, pools, clients, groups, users, administration },
      providerOf: (id) => tokens.issuerOf(id).slice('https://'.length),
    }),
    paths: [wellKnown(base.region, tables.pools, tokens)],
    idTokens: tokens,
  };
}

/** The issuer's documents (OpenID Connect Discovery 1.0, section 4; RFC 7517, section 5), as far as they are there. */
function wellKnown(
  region: string,
  pools: ReturnType<typeof openTables>['pools'],
  tokens: Tokens,
): PathHandler {
  return {
    prefix: `/${region}_`,
    async handle({ path, method }) {
      const [, poolId = '', document] =
        /^\/([^/]+)\/\.well-known\/(jwks\.json|openid-configuration)$/.exec(path) ?? [];
      const json = (status: number, body: object) => ({
        status,
        headers: { 'content-type': 'application/json', 'access-control-allow-origin': '*' },
        body: JSON.stringify(body),
      });
      if (method !== 'GET' || document === undefined || !pools.get(poolId)) {
        return json(400, { message: `User pool ${poolId} does not exist.` });
      }
      if (document === 'jwks.json') return json(200, { keys: [await tokens.publicKeyOf(poolId)] });
      const issuer = tokens.issuerOf(poolId);
      return json(200, {
        issuer,
        jwks_uri: `${issuer}/.well-known/jwks.json`,
        id_token_signing_alg_values_supported: ['RS256'],
        subject_types_supported: ['public'],
      });
    },
  };
}
