import * as sdk from '@aws-sdk/client-sts';
import { HttpRequest as SmithyRequest } from '@smithy/core/transport';
import { beforeAll, expect, test } from 'vitest';
import { ManualClock } from '../../src/clock.js';
import { readModel } from '../../src/protocol/model.js';
import { awsQuery } from '../../src/protocol/protocols.js';
import { defineService } from '../../src/service.js';
import { serve } from '../support/service.js';

const clock = new ManualClock(Date.now());
const issued = {
  secretAccessKey: 'right',
  sessionToken: 'token/+=',
  expiration: clock.now() + 3_600_000,
  principal: { kind: 'role', arn: 'arn:aws:sts::0:assumed-role/r/s', roleName: 'r', sessionName: 's' },
} as const;
let config: Awaited<ReturnType<typeof serve>>;

beforeAll(async () => {
  const model = readModel(sdk);
  const service = defineService<typeof sdk>({
    name: 'sts',
    scopes: ['sts'],
    model,
    protocol: awsQuery(model, 'https://sts.amazonaws.com/doc/2011-06-15/'),
    operations: { GetCallerIdentity: (_input, { principal }) => ({ Arn: principal.arn }) },
  });
  config = await serve(service, { clock, credentials: (id) => (id === 'ASIAISSUED' ? issued : undefined) });
});

function whoAmI(credentials: { accessKeyId: string; secretAccessKey: string; sessionToken?: string }) {
  return new sdk.STSClient({ ...config, credentials }).send(new sdk.GetCallerIdentityCommand({}));
}

const good = { accessKeyId: 'ASIAISSUED', secretAccessKey: 'right', sessionToken: 'token/+=' };

test('keys that were issued here are who they were issued to', async () => {
  await expect(whoAmI(good)).resolves.toMatchObject({ Arn: issued.principal.arn });
});

test('any other long-term key is the account itself', async () => {
  await expect(whoAmI({ accessKeyId: 'AKIAANY', secretAccessKey: 'x' })).resolves.toMatchObject({
    Arn: 'arn:aws:iam::000000000000:root',
  });
});

test.each([
  ['a wrong secret', { ...good, secretAccessKey: 'wrong' }, 'SignatureDoesNotMatch'],
  ['a wrong session token', { ...good, sessionToken: 'other' }, 'InvalidClientTokenId'],
  ['no session token', { accessKeyId: 'ASIAISSUED', secretAccessKey: 'right' }, 'InvalidClientTokenId'],
  ['temporary keys from elsewhere', { ...good, accessKeyId: 'ASIAUNKNOWN' }, 'InvalidClientTokenId'],
])('%s is refused', async (_what, credentials, code) => {
  await expect(whoAmI(credentials)).rejects.toMatchObject({ name: code, $metadata: { httpStatusCode: 403 } });
});

test('an unsigned request and a malformed signature are refused in words', async () => {
  const unsigned = await fetch(config.endpoint, { method: 'POST', body: 'Action=GetCallerIdentity' });
  expect(unsigned.status).toBe(403);
  expect(await unsigned.text()).toContain('MissingAuthenticationToken');
  const malformed = await fetch(config.endpoint, {
    headers: { authorization: 'AWS4-HMAC-SHA256 Credential=nonsense' },
  });
  expect(malformed.status).toBe(400);
  expect(await malformed.text()).toContain('IncompleteSignature');
});

test('a changed body does not match its signature', async () => {
  const client = new sdk.STSClient({ ...config, credentials: good });
  client.middlewareStack.add(
    (next) => (args) => {
      if (!SmithyRequest.isInstance(args.request)) throw new TypeError('not a request');
      args.request.body = 'Action=GetCallerIdentity&Version=2011-06-15&Extra=1';
      args.request.headers['content-length'] = String(args.request.body.length);
      return next(args);
    },
    { step: 'finalizeRequest', priority: 'low', name: 'tamper' },
  );
  await expect(client.send(new sdk.GetCallerIdentityCommand({}))).rejects.toMatchObject({
    name: 'SignatureDoesNotMatch',
  });
});

test('expired credentials are refused', async () => {
  clock.advance(3_600_001);
  await expect(whoAmI(good)).rejects.toMatchObject({ name: 'ExpiredToken' });
});
