import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { CreateOpenIDConnectProviderCommand, CreateRoleCommand, IAMClient } from '@aws-sdk/client-iam';
import { AssumeRoleWithWebIdentityCommand, GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ManualClock } from '../../src/clock.js';
import type { LocalCloud } from '../../src/local-cloud.js';
import { clientConfig, startCloud } from '../support/cloud.js';
import { sessionCredentials } from '../support/role-session.js';

const AUDIENCE = 'sts.amazonaws.com';
const SUBJECT = 'repo:owner/name:environment:dev';
// The SDK signs with the time of day, so the cloud's clock begins there.
const NOW = Math.floor(Date.now() / 1000);
const clock = new ManualClock(NOW * 1000);
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const foreign = generateKeyPairSync('ec', { namedCurve: 'P-256' });

let cloud: LocalCloud;
let server: Server;
let issuer: string;
let sts: STSClient;
let iam: IAMClient;

beforeAll(async () => {
  const jwk = (key: KeyObject, kid: string) => ({ ...key.export({ format: 'jwk' }), kid, use: 'sig' });
  const keys = [jwk(rsa.publicKey, 'rsa'), jwk(ec.publicKey, 'ec')];
  server = createServer((request, response) => {
    const answers: Record<string, object> = {
      '/.well-known/openid-configuration': { issuer, jwks_uri: `${issuer}/keys` },
      '/keys': { keys },
      '/other/.well-known/openid-configuration': {
        issuer: 'https://example.org',
        jwks_uri: `${issuer}/keys`,
      },
    };
    const answer = answers[request.url ?? ''];
    response.writeHead(answer ? 200 : 404).end(JSON.stringify(answer ?? {}));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  issuer = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  cloud = await startCloud({ clock });
  iam = new IAMClient({ ...clientConfig(cloud), maxAttempts: 1 });
  sts = new STSClient({ ...clientConfig(cloud), maxAttempts: 1 });
  const provider = await register(issuer);
  await iam.send(
    new CreateRoleCommand({
      RoleName: 'pipeline',
      AssumeRolePolicyDocument: JSON.stringify({
        Version: '2012-10-17',
        Statement: [
          {
            Effect: 'Allow',
            Principal: { Federated: provider },
            Action: 'sts:AssumeRoleWithWebIdentity',
            Condition: { StringEquals: { [`${host()}:aud`]: AUDIENCE, [`${host()}:sub`]: SUBJECT } },
          },
        ],
      }),
    }),
  );
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const host = () => issuer.replace('http://', '');

async function register(Url: string): Promise<string> {
  const { OpenIDConnectProviderArn = '' } = await iam.send(
    new CreateOpenIDConnectProviderCommand({ Url, ClientIDList: [AUDIENCE] }),
  );
  return OpenIDConnectProviderArn;
}

interface Make {
  claims?: object;
  header?: object;
  key?: KeyObject;
}

/** A token as GitHub's issuer makes them, with changes. */
function token({ claims = {}, header = {}, key = ec.privateKey }: Make = {}): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const body = { iss: issuer, sub: SUBJECT, aud: AUDIENCE, iat: NOW, exp: NOW + 300, ...claims };
  const signed = `${part({ alg: 'ES256', kid: 'ec', ...header })}.${part(body)}`;
  const signature = sign('sha256', Buffer.from(signed), { key, dsaEncoding: 'ieee-p1363' });
  return `${signed}.${signature.toString('base64url')}`;
}

const assume = (WebIdentityToken: string, extra: object = {}) =>
  sts.send(
    new AssumeRoleWithWebIdentityCommand({
      RoleArn: 'arn:aws:iam::000000000000:role/pipeline',
      RoleSessionName: 'ci',
      WebIdentityToken,
      ...extra,
    }),
  );

test.each([
  ['ES256', {}],
  ['RS256', { header: { alg: 'RS256', kid: 'rsa' }, key: rsa.privateKey }],
  ['RS256 without a key id', { header: { alg: 'RS256', kid: undefined }, key: rsa.privateKey }],
  ['ES256 for several parties', { claims: { aud: [AUDIENCE, 'x'], azp: AUDIENCE } }],
])('a token signed with %s of a registered issuer is worth a session', async (_name, make: Make) => {
  const answer = await assume(token(make));
  expect(answer).toMatchObject({
    Audience: AUDIENCE,
    SubjectFromWebIdentityToken: SUBJECT,
    Provider: `arn:aws:iam::000000000000:oidc-provider/${host()}`,
    AssumedRoleUser: { Arn: 'arn:aws:sts::000000000000:assumed-role/pipeline/ci' },
  });
  const session = new STSClient({
    ...clientConfig(cloud),
    credentials: sessionCredentials(answer.Credentials),
  });
  await expect(session.send(new GetCallerIdentityCommand({}))).resolves.toMatchObject({
    Arn: answer.AssumedRoleUser?.Arn,
  });
});

test.each<[string, Make, string]>([
  ['another subject', { claims: { sub: 'repo:owner/name:ref:refs/heads/main' } }, 'AccessDenied'],
  ['another subject that begins the same', { claims: { sub: `${SUBJECT}2` } }, 'AccessDenied'],
  ['another audience', { claims: { aud: 'x' } }, 'InvalidIdentityTokenException'],
  ['several audiences and no party', { claims: { aud: [AUDIENCE, 'x'] } }, 'InvalidIdentityTokenException'],
  ['another issuer', { claims: { iss: 'http://127.0.0.1:1' } }, 'InvalidIdentityTokenException'],
  ['the key of somebody else', { key: foreign.privateKey }, 'InvalidIdentityTokenException'],
  ['no signature', { header: { alg: 'none' } }, 'InvalidIdentityTokenException'],
  ['the public key as a secret', { header: { alg: 'HS256' } }, 'InvalidIdentityTokenException'],
  ['an algorithm of another key', { header: { alg: 'RS256', kid: 'ec' } }, 'InvalidIdentityTokenException'],
  ['a time that has passed', { claims: { iat: NOW - 900, exp: NOW - 600 } }, 'ExpiredTokenException'],
  [
    'a time that is to come',
    { claims: { iat: NOW + 900, exp: NOW + 1200 } },
    'InvalidIdentityTokenException',
  ],
  ['no end', { claims: { exp: undefined } }, 'InvalidIdentityTokenException'],
])('a token with %s is worth nothing', async (_name, make, name) => {
  await expect(assume(token(make))).rejects.toMatchObject({ name });
});

test('a token whose content was changed is worth nothing', async () => {
  const [header, , signature] = token({ claims: { sub: 'somebody' } }).split('.');
  const [, payload] = token().split('.');
  await expect(assume([header, payload, signature].join('.'))).rejects.toMatchObject({
    name: 'InvalidIdentityTokenException',
  });
  await expect(assume('a.b.c')).rejects.toMatchObject({ name: 'InvalidIdentityTokenException' });
});

test('an issuer that is not on this machine, that says it is another, or does not answer is not believed', async () => {
  await register('https://token.actions.githubusercontent.com');
  await expect(
    assume(token({ claims: { iss: 'https://token.actions.githubusercontent.com' } })),
  ).rejects.toMatchObject({
    name: 'NotImplementedException',
    message: expect.stringContaining('https://token.actions.githubusercontent.com'),
  });
  for (const path of ['/other', '/missing']) {
    await register(`${issuer}${path}`);
    await expect(assume(token({ claims: { iss: `${issuer}${path}` } }))).rejects.toMatchObject({
      name: 'IDPCommunicationErrorException',
    });
  }
});

test('what is not built is refused by name', async () => {
  await expect(assume(token(), { Policy: '{}' })).rejects.toMatchObject({
    name: 'NotImplementedException',
    message: expect.stringContaining('Policy'),
  });
});
