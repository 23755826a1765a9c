import { randomInt } from 'node:crypto';
import type * as sdk from '@aws-sdk/client-cognito-identity-provider';
import type { Base } from '../../plugin.js';
import type { Operations } from '../../service.js';
import { invalidParameter, notFound, refuseOthers } from './errors.js';
import { type Pools, poolPage } from './pool-operations.js';
import type { ClientRecord, UserPoolTables } from './tables.js';

const SETTINGS = [
  'ClientName',
  'ExplicitAuthFlows',
  'PreventUserExistenceErrors',
  'EnableTokenRevocation',
  'IdTokenValidity',
  'AccessTokenValidity',
  'RefreshTokenValidity',
  'TokenValidityUnits',
] as const;

const FLOWS = [
  'ALLOW_USER_PASSWORD_AUTH',
  'ALLOW_USER_SRP_AUTH',
  'ALLOW_REFRESH_TOKEN_AUTH',
  'ALLOW_ADMIN_USER_PASSWORD_AUTH',
];

const SECONDS: Readonly<Record<string, number>> = { seconds: 1, minutes: 60, hours: 3600, days: 86_400 };

/** App clients of user pools: public ones, that sign in by the API. */
export function clientOperations({ store, clock }: Base, tables: UserPoolTables, pools: Pools) {
  const existing = (poolId: string | undefined, clientId: string | undefined): ClientRecord => {
    const pool = pools.existing(poolId);
    const client = clientId === undefined ? undefined : tables.clients.get(clientId);
    if (client?.poolId !== pool.id) throw notFound(`User pool client ${clientId} does not exist.`);
    return client;
  };

  const operations = {
    CreateUserPoolClient(input: sdk.CreateUserPoolClientCommandInput) {
      refuseOthers('CreateUserPoolClient', input, ['UserPoolId', 'GenerateSecret', ...SETTINGS]);
      if (input.GenerateSecret) throw invalidParameter('Client secrets are not built in the local cloud');
      const pool = pools.existing(input.UserPoolId);
      const now = clock.now();
      const clientId = Array.from({ length: 26 }, () => randomInt(36).toString(36)).join('');
      const client: ClientRecord = {
        clientId,
        poolId: pool.id,
        created: now,
        modified: now,
        ...settings(input),
      };
      store.transaction(() => tables.clients.put(clientId, client));
      return { UserPoolClient: describe(client) };
    },

    DescribeUserPoolClient({ UserPoolId, ClientId }: sdk.DescribeUserPoolClientCommandInput) {
      return { UserPoolClient: describe(existing(UserPoolId, ClientId)) };
    },

    UpdateUserPoolClient(input: sdk.UpdateUserPoolClientCommandInput) {
      refuseOthers('UpdateUserPoolClient', input, ['UserPoolId', 'ClientId', ...SETTINGS]);
      const client = store.transaction(() => {
        const before = existing(input.UserPoolId, input.ClientId);
        const after: ClientRecord = {
          ...before,
          ...settings({ ClientName: before.name, ...input }),
          modified: clock.now(),
        };
        tables.clients.put(after.clientId, after);
        return after;
      });
      return { UserPoolClient: describe(client) };
    },

    DeleteUserPoolClient({ UserPoolId, ClientId }: sdk.DeleteUserPoolClientCommandInput) {
      store.transaction(() => tables.clients.delete(existing(UserPoolId, ClientId).clientId));
      return {};
    },

    ListUserPoolClients({ UserPoolId, NextToken, MaxResults = 60 }: sdk.ListUserPoolClientsCommandInput) {
      const { id } = pools.existing(UserPoolId);
      const all = [...tables.clients.entries()].flatMap(([, client]) =>
        client.poolId === id ? [client] : [],
      );
      const { items, next } = poolPage(all, ({ clientId }) => clientId, NextToken, MaxResults);
      return {
        UserPoolClients: items.map(({ clientId, name }) => ({
          ClientId: clientId,
          UserPoolId: id,
          ClientName: name,
        })),
        ...(next !== undefined && { NextToken: next }),
      };
    },
  } satisfies Operations<typeof sdk>;

  return { operations, existing };
}

export type Clients = ReturnType<typeof clientOperations>;

function settings(input: Pick<sdk.CreateUserPoolClientRequest, (typeof SETTINGS)[number]>) {
  const flows = input.ExplicitAuthFlows ?? ['ALLOW_REFRESH_TOKEN_AUTH', 'ALLOW_USER_SRP_AUTH'];
  const unbuilt = flows.find((flow) => !FLOWS.includes(flow));
  if (unbuilt !== undefined) {
    throw invalidParameter(`The flow ${unbuilt} of ExplicitAuthFlows is not built in the local cloud`);
  }
  const { IdTokenValidity, AccessTokenValidity, RefreshTokenValidity, TokenValidityUnits } = input;
  const units = TokenValidityUnits ?? {};
  const id = seconds('IdTokenValidity', IdTokenValidity, units.IdToken, 'hours', 3600);
  const access = seconds('AccessTokenValidity', AccessTokenValidity, units.AccessToken, 'hours', 3600);
  const month = 30 * 86_400;
  const refresh = seconds('RefreshTokenValidity', RefreshTokenValidity, units.RefreshToken, 'days', month);
  for (const [name, value] of [
    ['IdTokenValidity', id],
    ['AccessTokenValidity', access],
  ] as const) {
    if (value < 300 || value > 86_400) throw invalidParameter(`${name} must be from 5 minutes to 1 day`);
  }
  if (refresh < 3600 || refresh > 3650 * 86_400) {
    throw invalidParameter('RefreshTokenValidity must be from 1 hour to 10 years');
  }
  return {
    name: input.ClientName ?? '',
    flows: [...flows],
    hideUsers: input.PreventUserExistenceErrors !== 'LEGACY',
    tokenRevocation: input.EnableTokenRevocation !== false,
    validity: { id, access, refresh },
    given: {
      ...(IdTokenValidity !== undefined && { IdTokenValidity }),
      ...(AccessTokenValidity !== undefined && { AccessTokenValidity }),
      ...(RefreshTokenValidity !== undefined && { RefreshTokenValidity }),
      ...(TokenValidityUnits !== undefined && { TokenValidityUnits }),
    },
  };
}

function seconds(
  name: string,
  value: number | undefined,
  unit: string | undefined,
  unitByDefault: string,
  otherwise: number,
): number {
  if (value === undefined || value === 0) return otherwise;
  const length = SECONDS[unit ?? unitByDefault];
  if (length === undefined) throw invalidParameter(`Invalid unit ${unit} of ${name}`);
  return value * length;
}

function describe(client: ClientRecord): sdk.UserPoolClientType {
  return {
    UserPoolId: client.poolId,
    ClientName: client.name,
    ClientId: client.clientId,
    ExplicitAuthFlows: client.flows as sdk.ExplicitAuthFlowsType[],
    PreventUserExistenceErrors: client.hideUsers ? 'ENABLED' : 'LEGACY',
    EnableTokenRevocation: client.tokenRevocation,
    RefreshTokenValidity: client.validity.refresh / 86_400,
    ...client.given,
    AllowedOAuthFlowsUserPoolClient: false,
    AuthSessionValidity: 3,
    CreationDate: new Date(client.created),
    LastModifiedDate: new Date(client.modified),
  };
}
