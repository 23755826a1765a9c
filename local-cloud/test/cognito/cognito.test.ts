import { createPublicKey, verify } from 'node:crypto';
import * as identities from '@aws-sdk/client-cognito-identity';
import * as idp from '@aws-sdk/client-cognito-identity-provider';
import { CreateRoleCommand, IAMClient, PutRolePolicyCommand } from '@aws-sdk/client-iam';
import {
  AttachPolicyCommand,
  CreatePolicyCommand,
  IoTClient,
  ListAttachedPoliciesCommand,
} from '@aws-sdk/client-iot';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { AuthenticationDetails, CognitoUser, CognitoUserPool } from 'amazon-cognito-identity-js';
import mqtt from 'mqtt';
import { beforeAll, describe, expect, test } from 'vitest';
import { ManualClock } from '../../src/clock.js';
import type { LocalCloud } from '../../src/local-cloud.js';
import { clientConfig, startCloud } from '../support/cloud.js';
import { presigned } from '../support/mqtt-over-websocket.js';
import { resources } from '../support/resources.js';

// SDK clients sign with the time of day.
const clock = new ManualClock(Date.now());
let cloud: LocalCloud;
let users: idp.CognitoIdentityProviderClient;
/** Without credentials, as a browser. */
let visitor: idp.CognitoIdentityProviderClient;
let pools: identities.CognitoIdentityClient;
let iam: IAMClient;
let poolId: string;
let clientId: string;

const anonymous = { signer: { sign: async (request: unknown) => request } };
const failure = (name: string, message?: string) =>
  expect.objectContaining({ name, ...(message !== undefined && { message }) });

beforeAll(async () => {
  cloud = await startCloud({ clock });
  const config = { ...clientConfig(cloud), maxAttempts: 1 };
  users = new idp.CognitoIdentityProviderClient(config);
  visitor = new idp.CognitoIdentityProviderClient({ ...config, ...(anonymous as object) });
  pools = new identities.CognitoIdentityClient(config);
  iam = new IAMClient(config);
  const { UserPool } = await users.send(
    new idp.CreateUserPoolCommand({
      PoolName: 'people',
      AdminCreateUserConfig: { AllowAdminCreateUserOnly: true },
      Policies: { PasswordPolicy: { MinimumLength: 10, RequireSymbols: false } },
    }),
  );
  poolId = UserPool?.Id ?? '';
  const { UserPoolClient } = await users.send(
    new idp.CreateUserPoolClientCommand({
      UserPoolId: poolId,
      ClientName: 'page',
      ExplicitAuthFlows: ['ALLOW_USER_PASSWORD_AUTH', 'ALLOW_USER_SRP_AUTH', 'ALLOW_REFRESH_TOKEN_AUTH'],
    }),
  );
  clientId = UserPoolClient?.ClientId ?? '';
});

async function newUser(Username: string, Password = 'Correct1Horse'): Promise<void> {
  await users.send(
    new idp.AdminCreateUserCommand({ UserPoolId: poolId, Username, MessageAction: 'SUPPRESS' }),
  );
  await users.send(
    new idp.AdminSetUserPasswordCommand({ UserPoolId: poolId, Username, Password, Permanent: true }),
  );
}

function signIn(USERNAME: string, PASSWORD = 'Correct1Horse') {
  return visitor.send(
    new idp.InitiateAuthCommand({
      AuthFlow: 'USER_PASSWORD_AUTH',
      ClientId: clientId,
      AuthParameters: { USERNAME, PASSWORD },
    }),
  );
}

function claimsOf(token: string | undefined): Record<string, unknown> {
  return JSON.parse(Buffer.from(token?.split('.')[1] ?? '', 'base64url').toString()) as Record<
    string,
    unknown
  >;
}

describe('a user', () => {
  test('chooses a password at the first sign-in, and gets tokens that the pool’s keys verify', async () => {
    await users.send(
      new idp.AdminCreateUserCommand({
        UserPoolId: poolId,
        Username: 'Anna',
        TemporaryPassword: 'Temporary1',
        MessageAction: 'SUPPRESS',
        UserAttributes: [{ Name: 'email', Value: 'anna@example.org' }],
      }),
    );
    await expect(signIn('anna', 'wrong')).rejects.toEqual(
      failure('NotAuthorizedException', 'Incorrect username or password.'),
    );
    const { ChallengeName, Session } = await signIn('anna', 'Temporary1');
    expect(ChallengeName).toBe('NEW_PASSWORD_REQUIRED');
    const respond = (NEW_PASSWORD: string) =>
      visitor.send(
        new idp.RespondToAuthChallengeCommand({
          ...{ ChallengeName, Session, ClientId: clientId },
          ChallengeResponses: { USERNAME: 'anna', NEW_PASSWORD },
        }),
      );
    await expect(respond('short1A')).rejects.toEqual(
      failure('InvalidPasswordException', 'Password did not conform with policy: Password not long enough'),
    );
    const { AuthenticationResult } = await respond('Chosen2Myself');
    const { IdToken = '', AccessToken, RefreshToken, ExpiresIn } = AuthenticationResult ?? {};
    expect(ExpiresIn).toBe(3600);
    expect(claimsOf(IdToken)).toMatchObject({
      iss: `https://cognito-idp.${cloud.region}.amazonaws.com/${poolId}`,
      aud: clientId,
      token_use: 'id',
      'cognito:username': 'anna',
      email: 'anna@example.org',
    });
    expect(claimsOf(AccessToken)).toMatchObject({
      client_id: clientId,
      token_use: 'access',
      username: 'anna',
    });
    const answer = await fetch(`${cloud.endpointUrl}/${poolId}/.well-known/jwks.json`);
    const { keys } = (await answer.json()) as { keys: import('node:crypto').JsonWebKey[] };
    const [header, payload, signature = ''] = IdToken.split('.');
    const [jwk = {}] = keys;
    const key = createPublicKey({ key: jwk, format: 'jwk' });
    const signed = Buffer.from(`${header}.${payload}`);
    expect(verify('sha256', signed, key, Buffer.from(signature, 'base64url'))).toBe(true);

    await expect(visitor.send(new idp.GetUserCommand({ AccessToken }))).resolves.toMatchObject({
      Username: 'anna',
    });
    const refresh = () =>
      visitor.send(
        new idp.InitiateAuthCommand({
          AuthFlow: 'REFRESH_TOKEN_AUTH',
          ClientId: clientId,
          AuthParameters: { REFRESH_TOKEN: RefreshToken ?? '' },
        }),
      );
    expect((await refresh()).AuthenticationResult?.IdToken).toEqual(expect.any(String));
    await visitor.send(new idp.RevokeTokenCommand({ Token: RefreshToken, ClientId: clientId }));
    await expect(refresh()).rejects.toEqual(failure('NotAuthorizedException', 'Invalid Refresh Token'));
    await expect(visitor.send(new idp.GetUserCommand({ AccessToken }))).rejects.toEqual(
      failure('NotAuthorizedException', 'Access Token has been revoked'),
    );
  });

  test('proves the password by SRP, as Amplify’s library does', async () => {
    await newUser('berta');
    const pool = new CognitoUserPool({ UserPoolId: poolId, ClientId: clientId, endpoint: cloud.endpointUrl });
    const authenticate = (Password: string) =>
      new Promise<string>((resolve, reject) => {
        new CognitoUser({ Username: 'berta', Pool: pool }).authenticateUser(
          new AuthenticationDetails({ Username: 'berta', Password }),
          { onSuccess: (session) => resolve(session.getIdToken().getJwtToken()), onFailure: reject },
        );
      });
    expect(claimsOf(await authenticate('Correct1Horse'))).toMatchObject({ 'cognito:username': 'berta' });
    await expect(authenticate('Correct1Horsf')).rejects.toMatchObject({ code: 'NotAuthorizedException' });
  });

  test('waits after five wrong passwords, and is not told apart from nobody', async () => {
    await newUser('carl');
    for (let attempt = 0; attempt < 5; attempt += 1) {
      const wrong = failure('NotAuthorizedException', 'Incorrect username or password.');
      await expect(signIn('carl', 'wrong')).rejects.toEqual(wrong);
      await expect(signIn('nobody', 'wrong')).rejects.toEqual(wrong);
    }
    const wait = failure('NotAuthorizedException', 'Password attempts exceeded');
    await expect(signIn('carl')).rejects.toEqual(wait);
    await expect(signIn('nobody')).rejects.toEqual(wait);
    clock.advance(1_001);
    await expect(signIn('carl')).resolves.toMatchObject({ AuthenticationResult: expect.anything() });
  });

  test('is found by filter, disabled, and deleted', async () => {
    await newUser('dora');
    const list = (Filter: string) => users.send(new idp.ListUsersCommand({ UserPoolId: poolId, Filter }));
    expect((await list('username ^= "dor"')).Users).toMatchObject([
      { Username: 'dora', UserStatus: 'CONFIRMED' },
    ]);
    await expect(list('username like "d"')).rejects.toEqual(failure('InvalidParameterException'));
    await users.send(new idp.AdminDisableUserCommand({ UserPoolId: poolId, Username: 'dora' }));
    await expect(signIn('dora')).rejects.toEqual(failure('NotAuthorizedException', 'User is disabled.'));
    await users.send(new idp.AdminDeleteUserCommand({ UserPoolId: poolId, Username: 'dora' }));
    await expect(
      users.send(new idp.AdminGetUserCommand({ UserPoolId: poolId, Username: 'dora' })),
    ).rejects.toEqual(failure('UserNotFoundException', 'User does not exist.'));
  });

  test('may not administer, and what is not built is refused by name', async () => {
    await expect(visitor.send(new idp.ListUsersCommand({ UserPoolId: poolId }))).rejects.toEqual(
      failure('AccessDeniedException'),
    );
    await expect(
      users.send(new idp.CreateUserPoolCommand({ PoolName: 'x', LambdaConfig: { PreSignUp: 'arn' } })),
    ).rejects.toMatchObject({
      message: expect.stringContaining('LambdaConfig of CreateUserPool is not built'),
    });
    await expect(
      users.send(new idp.AdminCreateUserCommand({ UserPoolId: poolId, Username: 'x' })),
    ).rejects.toMatchObject({ message: expect.stringContaining('MessageAction') });
  });
});

test('browsers of any origin may sign in, and send no signatures', async () => {
  const preflight = await fetch(cloud.endpointUrl, {
    method: 'OPTIONS',
    headers: {
      origin: 'https://example.org',
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'content-type,x-amz-target,authorization',
    },
  });
  expect(preflight.headers.get('access-control-allow-origin')).toBe('*');
  expect(preflight.headers.get('access-control-allow-headers')).toBe('content-type,x-amz-target');
  const answer = await fetch(cloud.endpointUrl, {
    method: 'POST',
    headers: {
      origin: 'https://example.org',
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': 'AWSCognitoIdentityProviderService.InitiateAuth',
    },
    body: '{}',
  });
  expect(answer.status).toBe(400);
  expect(answer.headers.get('access-control-allow-origin')).toBe('*');
});

describe('an identity pool', () => {
  const role = async (RoleName: string, pool: string, amr: string, ...actions: string[]) => {
    const { Role } = await iam.send(
      new CreateRoleCommand({
        RoleName,
        AssumeRolePolicyDocument: JSON.stringify({
          Version: '2012-10-17',
          Statement: [
            {
              Effect: 'Allow',
              Principal: { Federated: 'cognito-identity.amazonaws.com' },
              Action: 'sts:AssumeRoleWithWebIdentity',
              Condition: {
                StringEquals: { 'cognito-identity.amazonaws.com:aud': pool },
                'ForAnyValue:StringLike': { 'cognito-identity.amazonaws.com:amr': amr },
              },
            },
          ],
        }),
      }),
    );
    await iam.send(
      new PutRolePolicyCommand({
        RoleName,
        PolicyName: 'all',
        PolicyDocument: JSON.stringify({
          Version: '2012-10-17',
          Statement: [{ Effect: 'Allow', Action: actions, Resource: '*' }],
        }),
      }),
    );
    return Role?.Arn ?? '';
  };

  test('gives guests and users credentials, by the groups of the token', async () => {
    const provider = `cognito-idp.${cloud.region}.amazonaws.com/${poolId}`;
    const made = await pools.send(
      new identities.CreateIdentityPoolCommand({
        IdentityPoolName: 'visitors',
        AllowUnauthenticatedIdentities: true,
        CognitoIdentityProviders: [
          { ProviderName: provider, ClientId: clientId, ServerSideTokenCheck: true },
        ],
      }),
    );
    const pool = made.IdentityPoolId ?? '';
    const guests = await role('guests', pool, 'unauthenticated', '*');
    const viewers = await role('viewers', pool, 'authenticated', 'iot:*');
    const operators = await role('operators', pool, 'authenticated', 'iot:*', 'sts:*');
    await pools.send(
      new identities.SetIdentityPoolRolesCommand({
        IdentityPoolId: pool,
        Roles: { authenticated: viewers, unauthenticated: guests },
        RoleMappings: {
          [`${provider}:${clientId}`]: { Type: 'Token', AmbiguousRoleResolution: 'AuthenticatedRole' },
        },
      }),
    );
    await users.send(
      new idp.CreateGroupCommand({
        UserPoolId: poolId,
        GroupName: 'operators',
        RoleArn: operators,
        Precedence: 1,
      }),
    );
    await newUser('olga');
    await users.send(
      new idp.AdminAddUserToGroupCommand({ UserPoolId: poolId, Username: 'olga', GroupName: 'operators' }),
    );
    const { AuthenticationResult } = await signIn('olga');
    expect(claimsOf(AuthenticationResult?.IdToken)).toMatchObject({
      'cognito:groups': ['operators'],
      'cognito:preferred_role': operators,
    });
    const Logins = { [provider]: AuthenticationResult?.IdToken ?? '' };
    const open = new identities.CognitoIdentityClient({
      ...clientConfig(cloud),
      ...(anonymous as object),
      maxAttempts: 1,
    });
    const getId = (logins?: Record<string, string>) =>
      open.send(new identities.GetIdCommand({ IdentityPoolId: pool, Logins: logins }));
    const credentials = (IdentityId: string | undefined, logins?: Record<string, string>) =>
      open.send(new identities.GetCredentialsForIdentityCommand({ IdentityId, Logins: logins }));
    const olga = (await getId(Logins)).IdentityId;
    expect((await getId(Logins)).IdentityId).toBe(olga);
    await expect(credentials(olga)).rejects.toEqual(failure('NotAuthorizedException'));
    await expect(getId({ [provider]: `${Logins[provider]}x` })).rejects.toEqual(
      failure('NotAuthorizedException'),
    );
    await expect(getId({ 'accounts.google.com': 'x' })).rejects.toEqual(
      failure('NotAuthorizedException', 'Token is not from a supported provider of this identity pool.'),
    );
    const { Credentials } = await credentials(olga, Logins);
    const asSdk = (given: identities.Credentials | undefined) => ({
      accessKeyId: given?.AccessKeyId ?? '',
      secretAccessKey: given?.SecretKey ?? '',
      sessionToken: given?.SessionToken ?? '',
    });
    const who = (given: identities.Credentials | undefined) =>
      new STSClient({ ...clientConfig(cloud), credentials: asSdk(given), maxAttempts: 1 }).send(
        new GetCallerIdentityCommand({}),
      );
    expect((await who(Credentials)).Arn).toBe(
      `arn:aws:sts::${cloud.accountId}:assumed-role/operators/CognitoIdentityCredentials`,
    );

    // AWS IoT asks users for a policy of their own; guests' role is enough.
    const iot = new IoTClient(clientConfig(cloud));
    const connection = async (given: identities.Credentials | undefined) =>
      mqtt.connectAsync(
        await presigned(cloud, asSdk(given)),
        { clientId: `page-${given?.AccessKeyId}`, reconnectPeriod: 0 },
        false,
      );
    await expect(connection(Credentials)).rejects.toThrow();
    await iot.send(
      new CreatePolicyCommand({
        policyName: 'page',
        policyDocument: JSON.stringify({
          Version: '2012-10-17',
          Statement: [{ Effect: 'Allow', Action: 'iot:*', Resource: '*' }],
        }),
      }),
    );
    await iot.send(new AttachPolicyCommand({ policyName: 'page', target: olga }));
    expect((await iot.send(new ListAttachedPoliciesCommand({ target: olga }))).policies).toMatchObject([
      { policyName: 'page' },
    ]);
    await (await connection(Credentials)).endAsync();
    const guest = await credentials((await getId()).IdentityId);
    await (await connection(guest.Credentials)).endAsync();
    // The session policy that Amazon Cognito puts on guests knows no IAM, whatever the role allows.
    await expect(
      new IAMClient({ ...clientConfig(cloud), credentials: asSdk(guest.Credentials), maxAttempts: 1 }).send(
        new CreateRoleCommand({ RoleName: 'x', AssumeRolePolicyDocument: '{}' }),
      ),
    ).rejects.toMatchObject({ message: expect.stringContaining('session policy') });

    await users.send(new idp.AdminUserGlobalSignOutCommand({ UserPoolId: poolId, Username: 'olga' }));
    await expect(getId(Logins)).rejects.toEqual(failure('NotAuthorizedException'));
    open.destroy();
    iot.destroy();
  });
});

test('Cloud Control makes pools, clients, groups and roles', async () => {
  const control = resources(cloud);
  const create = async (type: string, properties: object) =>
    control.read(type, await control.create(type, properties));
  const pool = await create('AWS::Cognito::UserPool', {
    UserPoolName: 'made',
    AdminCreateUserConfig: { AllowAdminCreateUserOnly: true },
  });
  expect(pool.ProviderName).toBe(`cognito-idp.${cloud.region}.amazonaws.com/${pool.UserPoolId}`);
  const client = await create('AWS::Cognito::UserPoolClient', {
    UserPoolId: pool.UserPoolId,
    ExplicitAuthFlows: ['ALLOW_USER_SRP_AUTH', 'ALLOW_REFRESH_TOKEN_AUTH'],
  });
  const RoleArn = `arn:aws:iam::${cloud.accountId}:role/x`;
  const UserPoolId = pool.UserPoolId;
  await expect(
    create('AWS::Cognito::UserPoolGroup', { UserPoolId, GroupName: 'g', RoleArn, Precedence: 1 }),
  ).resolves.toMatchObject({ GroupName: 'g', RoleArn });
  const visitors = await create('AWS::Cognito::IdentityPool', {
    AllowUnauthenticatedIdentities: false,
    CognitoIdentityProviders: [{ ClientId: client.ClientId, ProviderName: pool.ProviderName }],
  });
  await expect(
    create('AWS::Cognito::IdentityPoolRoleAttachment', {
      IdentityPoolId: visitors.Id,
      Roles: { authenticated: RoleArn },
      RoleMappings: {
        users: {
          IdentityProvider: `${pool.ProviderName}:${client.ClientId}`,
          Type: 'Token',
          AmbiguousRoleResolution: 'Deny',
        },
      },
    }),
  ).resolves.toMatchObject({ Roles: { authenticated: RoleArn } });
});
