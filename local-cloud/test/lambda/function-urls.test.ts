import { get } from 'node:http';
import { json } from 'node:stream/consumers';
import { Sha256 } from '@aws-crypto/sha256-js';
import { CreateRoleCommand, IAMClient } from '@aws-sdk/client-iam';
import {
  AddPermissionCommand,
  CreateFunctionCommand,
  CreateFunctionUrlConfigCommand,
  DeleteFunctionUrlConfigCommand,
  GetFunctionUrlConfigCommand,
  GetPolicyCommand,
  LambdaClient,
  ListFunctionUrlConfigsCommand,
  PutFunctionConcurrencyCommand,
  UpdateFunctionUrlConfigCommand,
} from '@aws-sdk/client-lambda';
import { SignatureV4 } from '@smithy/signature-v4';
import { beforeAll, describe, expect, test } from 'vitest';
import type { LocalCloud } from '../../src/local-cloud.js';
import { clientConfig, startCloud } from '../support/cloud.js';
import { resources } from '../support/resources.js';
import { roleSession } from '../support/role-session.js';
import { ROLE, TRUST, zip } from './support.js';

const ARN = 'arn:aws:lambda:eu-central-1:000000000000:function';
/** Answers with the event, or as the query says. */
const ECHO = `exports.handler = async (event) => {
  const { as } = event.queryStringParameters ?? {};
  if (as === 'failure') throw new Error('on purpose');
  if (as === 'nonsense') return { statusCode: 'none' };
  if (as === 'structured') return {
    statusCode: 201,
    headers: { 'Content-Type': 'image/png', 'X-Own': 7, 'Access-Control-Allow-Origin': 'https://own.test' },
    cookies: ['a=1; Secure', 'b=2'],
    body: Buffer.from([0, 255, 1]).toString('base64'),
    isBase64Encoded: true,
  };
  return event;
};`;

interface Echo {
  readonly rawPath: string;
  readonly rawQueryString: string;
  readonly headers: Record<string, string>;
  readonly cookies?: string[];
  readonly queryStringParameters?: Record<string, string>;
  readonly requestContext: Record<string, unknown>;
  readonly body?: string;
  readonly isBase64Encoded: boolean;
}

let cloud: LocalCloud;
let lambda: LambdaClient;

beforeAll(async () => {
  cloud = await startCloud();
  const config = { ...clientConfig(cloud), maxAttempts: 1 };
  lambda = new LambdaClient(config);
  await new IAMClient(config).send(
    new CreateRoleCommand({ RoleName: 'function-role', AssumeRolePolicyDocument: JSON.stringify(TRUST) }),
  );
});

async function createFunction(FunctionName: string) {
  await lambda.send(
    new CreateFunctionCommand({
      FunctionName,
      Runtime: 'nodejs22.x',
      Role: ROLE,
      Handler: 'index.handler',
      Code: { ZipFile: zip({ 'index.js': ECHO }) },
    }),
  );
}

async function createUrl(FunctionName: string, more: object = {}): Promise<string> {
  const { FunctionUrl = '' } = await lambda.send(
    new CreateFunctionUrlConfigCommand({ FunctionName, AuthType: 'NONE', ...more }),
  );
  return FunctionUrl;
}

/** Opens a URL without authentication to everybody, as the console does. */
async function openToAll(FunctionName: string) {
  await lambda.send(
    new AddPermissionCommand({
      ...{ FunctionName, StatementId: 'url', Principal: '*' },
      Action: 'lambda:InvokeFunctionUrl',
      FunctionUrlAuthType: 'NONE',
    }),
  );
  await lambda.send(
    new AddPermissionCommand({
      ...{ FunctionName, StatementId: 'invoke', Principal: '*' },
      Action: 'lambda:InvokeFunction',
      InvokedViaFunctionUrl: true,
    }),
  );
}

describe('configurations', () => {
  test('are created, told, changed, listed and deleted', async () => {
    const FunctionName = 'configured';
    await createFunction(FunctionName);
    const missing = { name: 'ResourceNotFoundException', $metadata: { httpStatusCode: 404 } };
    await expect(lambda.send(new GetFunctionUrlConfigCommand({ FunctionName }))).rejects.toMatchObject(
      missing,
    );
    const created = await lambda.send(
      new CreateFunctionUrlConfigCommand({
        FunctionName,
        AuthType: 'AWS_IAM',
        Cors: { AllowOrigins: ['https://a.test'], AllowMethods: ['GET'], MaxAge: 60 },
      }),
    );
    expect(created).toMatchObject({
      $metadata: { httpStatusCode: 201 },
      FunctionArn: `${ARN}:configured`,
      AuthType: 'AWS_IAM',
      InvokeMode: 'BUFFERED',
      CreationTime: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
    });
    expect(created.FunctionUrl).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/_lambda-url\/[a-z0-9]{32}\/$/);
    await expect(createUrl(FunctionName)).rejects.toMatchObject({ name: 'ResourceConflictException' });
    const changed = await lambda.send(
      new UpdateFunctionUrlConfigCommand({ FunctionName, AuthType: 'NONE', Cors: {} }),
    );
    expect(changed).toMatchObject({ AuthType: 'NONE', FunctionUrl: created.FunctionUrl });
    expect(changed.Cors).toBeUndefined();
    const { FunctionUrlConfigs } = await lambda.send(new ListFunctionUrlConfigsCommand({ FunctionName }));
    expect(FunctionUrlConfigs).toMatchObject([{ AuthType: 'NONE', FunctionUrl: created.FunctionUrl }]);
    const gone = await lambda.send(new DeleteFunctionUrlConfigCommand({ FunctionName }));
    expect(gone.$metadata.httpStatusCode).toBe(204);
    await expect(lambda.send(new DeleteFunctionUrlConfigCommand({ FunctionName }))).rejects.toMatchObject(
      missing,
    );
    expect((await fetch(created.FunctionUrl ?? '')).status).toBe(403);
  });

  test('that are not valid, or not built, are refused', async () => {
    const FunctionName = 'refused';
    await createFunction(FunctionName);
    await expect(createUrl('nobody')).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
    await expect(createUrl(FunctionName, { InvokeMode: 'RESPONSE_STREAM' })).rejects.toMatchObject({
      name: 'InvalidParameterValueException',
      message: expect.stringContaining('RESPONSE_STREAM'),
    });
    for (const wrong of [
      { AuthType: 'OTHER' },
      { Cors: { AllowMethods: ['OPTIONS'] } },
      { Cors: { MaxAge: 86_401 } },
      { Cors: { AllowOrigins: ['https://a.test\nx'] } },
    ]) {
      await expect(createUrl(FunctionName, wrong)).rejects.toMatchObject({ name: 'ValidationException' });
    }
    const permission = { FunctionName, StatementId: 'x', Principal: '*' };
    for (const wrong of [
      { Action: 'lambda:InvokeFunction', FunctionUrlAuthType: 'NONE' as const },
      { Action: 'lambda:InvokeFunctionUrl', InvokedViaFunctionUrl: true },
    ]) {
      await expect(lambda.send(new AddPermissionCommand({ ...permission, ...wrong }))).rejects.toMatchObject({
        name: 'InvalidParameterValueException',
      });
    }
  });

  test('may be let only those be made that ask who calls', async () => {
    const FunctionName = 'governed';
    await createFunction(FunctionName);
    const role = await roleSession(cloud, 'governed', [
      {
        ...{ Effect: 'Allow', Action: 'lambda:CreateFunctionUrlConfig', Resource: `${ARN}:governed` },
        Condition: { StringEquals: { 'lambda:FunctionUrlAuthType': 'AWS_IAM' } },
      },
    ]);
    const create = (AuthType: 'NONE' | 'AWS_IAM') =>
      new LambdaClient(role).send(new CreateFunctionUrlConfigCommand({ FunctionName, AuthType }));
    await expect(create('NONE')).rejects.toMatchObject({ name: 'AccessDeniedException' });
    expect((await create('AWS_IAM')).AuthType).toBe('AWS_IAM');
  });

  test('are resources with their permissions', async () => {
    const manage = resources(cloud);
    await createFunction('managed');
    const url = await manage.create('AWS::Lambda::Url', {
      TargetFunctionArn: `${ARN}:managed`,
      AuthType: 'NONE',
      Cors: { AllowOrigins: ['*'], AllowMethods: ['GET'] },
    });
    expect(url).toBe(`${ARN}:managed`);
    const { FunctionUrl, ...read } = await manage.read('AWS::Lambda::Url', url);
    expect(read).toMatchObject({
      AuthType: 'NONE',
      InvokeMode: 'BUFFERED',
      Cors: { AllowOrigins: ['*'], AllowMethods: ['GET'] },
    });
    const ofUrl = {
      FunctionName: 'managed',
      Principal: '*',
      Action: 'lambda:InvokeFunctionUrl',
      FunctionUrlAuthType: 'NONE',
    };
    const permission = await manage.create('AWS::Lambda::Permission', ofUrl);
    expect(await manage.read('AWS::Lambda::Permission', permission)).toMatchObject(ofUrl);
    expect((await fetch(String(FunctionUrl))).status).toBe(403);
    const invoke = {
      FunctionName: 'managed',
      Principal: '*',
      Action: 'lambda:InvokeFunction',
      InvokedViaFunctionUrl: true,
    };
    const second = await manage.create('AWS::Lambda::Permission', invoke);
    expect(await manage.read('AWS::Lambda::Permission', second)).toMatchObject(invoke);
    expect((await fetch(String(FunctionUrl))).status).toBe(200);
    const { Policy = '' } = await lambda.send(new GetPolicyCommand({ FunctionName: 'managed' }));
    expect(JSON.parse(Policy).Statement.map(({ Condition }: { Condition: object }) => Condition)).toEqual([
      { StringEquals: { 'lambda:FunctionUrlAuthType': 'NONE' } },
      { Bool: { 'lambda:InvokedViaFunctionUrl': 'true' } },
    ]);
    await manage.update('AWS::Lambda::Url', url, [{ op: 'replace', path: '/AuthType', value: 'AWS_IAM' }]);
    expect((await fetch(String(FunctionUrl))).status).toBe(403);
    await manage.delete('AWS::Lambda::Url', url);
    await expect(manage.read('AWS::Lambda::Url', url)).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
    });
  });
});

describe('a URL without authentication', () => {
  let url: string;
  beforeAll(async () => {
    await createFunction('open');
    url = await createUrl('open', {
      Cors: {
        AllowOrigins: ['https://a.test'],
        AllowMethods: ['GET', 'POST'],
        AllowHeaders: ['content-type'],
        ExposeHeaders: ['x-own'],
        AllowCredentials: true,
        MaxAge: 60,
      },
    });
  });

  test('needs both permissions for everybody', async () => {
    const before = await fetch(url);
    expect(before.status).toBe(403);
    expect(before.headers.get('x-amzn-errortype')).toBe('AccessDeniedException');
    expect(await before.json()).toEqual({ Message: expect.stringMatching(/^Forbidden/) });
    await openToAll('open');
    expect((await fetch(url)).status).toBe(200);
  });

  test('gives the request as an event of version 2.0', async () => {
    const answer = await fetch(`${url}a%20b/c?x=1&x=2&y=%C3%BC`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json; charset=utf-8', Cookie: 'one=1; two=2', 'X-Own': 'yes' },
      body: '{"word":"ü"}',
    });
    const id = new URL(url).pathname.split('/')[2];
    const event = (await answer.json()) as Echo;
    expect(event).toMatchObject({
      version: '2.0',
      routeKey: '$default',
      rawPath: '/a%20b/c',
      rawQueryString: 'x=1&x=2&y=%C3%BC',
      cookies: ['one=1', 'two=2'],
      queryStringParameters: { x: '1,2', y: 'ü' },
      headers: { 'x-own': 'yes', 'x-forwarded-for': '127.0.0.1', host: new URL(url).host },
      requestContext: {
        accountId: 'anonymous',
        apiId: id,
        domainName: `${id}.lambda-url.eu-central-1.on.aws`,
        domainPrefix: id,
        http: { method: 'POST', path: '/a%20b/c', protocol: 'HTTP/1.1', sourceIp: '127.0.0.1' },
        routeKey: '$default',
        stage: '$default',
        time: expect.stringMatching(/^\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d \+0000$/),
      },
      body: '{"word":"ü"}',
      isBase64Encoded: false,
    });
    expect(event.requestContext.requestId).toBe(answer.headers.get('x-amzn-requestid'));
    expect(event.headers.cookie).toBeUndefined();
    const form = await fetch(url, { method: 'POST', body: new URLSearchParams({ a: '1' }) });
    expect(await form.json()).toMatchObject({ body: 'YT0x', isBase64Encoded: true });
  });

  test('has a host of its own too', async () => {
    const id = new URL(url).pathname.split('/')[2];
    const { port } = new URL(url);
    const event = await new Promise<Echo>((resolve, reject) => {
      // Unlike fetch it lets its caller say what the host is.
      get(
        {
          ...{ host: '127.0.0.1', port, path: '/deep?x=1' },
          headers: { host: `${id}.lambda-url.eu-central-1.localhost:${port}` },
        },
        (answer) => json(answer).then((value) => resolve(value as Echo), reject),
      ).on('error', reject);
    });
    expect([event.rawPath, event.rawQueryString]).toEqual(['/deep', 'x=1']);
  });

  test('answers as the function says', async () => {
    const answer = await fetch(`${url}?as=structured`);
    expect(answer.status).toBe(201);
    expect(answer.headers.get('content-type')).toBe('image/png');
    expect(answer.headers.get('x-own')).toBe('7');
    expect(answer.headers.getSetCookie()).toEqual(['a=1; Secure', 'b=2']);
    expect([...new Uint8Array(await answer.arrayBuffer())]).toEqual([0, 255, 1]);
    expect((await fetch(url, { method: 'HEAD' })).status).toBe(200);
  });

  test.each(['failure', 'nonsense'])('tells nothing of a %s but that it was one', async (as) => {
    const answer = await fetch(`${url}?as=${as}`);
    expect([answer.status, await answer.text()]).toEqual([502, 'Internal Server Error']);
  });

  test('lets pages of its origins, and no others, read what it answers', async () => {
    const asked = (origin: string, method: string, headers = 'Content-Type') =>
      fetch(url, {
        method: 'OPTIONS',
        headers: {
          Origin: origin,
          'Access-Control-Request-Method': method,
          'Access-Control-Request-Headers': headers,
        },
      });
    const allowed = await asked('https://a.test', 'POST');
    expect(allowed.status).toBe(200);
    expect(await allowed.text()).toBe('');
    expect(Object.fromEntries(allowed.headers)).toMatchObject({
      'access-control-allow-origin': 'https://a.test',
      'access-control-allow-methods': 'GET,POST',
      'access-control-allow-headers': 'content-type',
      'access-control-allow-credentials': 'true',
      'access-control-max-age': '60',
      vary: 'Origin',
    });
    for (const refused of [
      await asked('https://b.test', 'POST'),
      await asked('https://a.test', 'DELETE'),
      await asked('https://a.test', 'POST', 'x-other'),
    ]) {
      expect(refused.headers.get('access-control-allow-origin')).toBeNull();
      expect(refused.headers.get('access-control-allow-methods')).toBeNull();
    }
    const answer = await fetch(`${url}?as=structured`, { headers: { Origin: 'https://a.test' } });
    expect(answer.headers.get('access-control-allow-origin')).toBe('https://a.test');
    expect(answer.headers.get('access-control-expose-headers')).toBe('x-own');
    const other = await fetch(url, { headers: { Origin: 'https://b.test' } });
    expect([other.status, other.headers.get('access-control-allow-origin')]).toEqual([200, null]);
  });

  test('refuses requests that are too large, and those that a function has no place for', async () => {
    const large = await fetch(url, { method: 'POST', body: Buffer.alloc(6_291_457) });
    expect(large.status).toBe(413);
    await lambda.send(
      new PutFunctionConcurrencyCommand({ FunctionName: 'open', ReservedConcurrentExecutions: 0 }),
    );
    const throttled = await fetch(url);
    expect([throttled.status, throttled.headers.get('x-amzn-errortype')]).toEqual([
      429,
      'TooManyRequestsException',
    ]);
  });
});

describe('a URL with AWS_IAM', () => {
  let url: string;
  const both = ['lambda:InvokeFunctionUrl', 'lambda:InvokeFunction'];
  beforeAll(async () => {
    await createFunction('signed');
    url = await createUrl('signed', { AuthType: 'AWS_IAM' });
  });

  type Credentials = ReturnType<typeof clientConfig>['credentials'];

  async function signed(
    credentials: Credentials,
    { body, path = 'some//path%20x', presign = false, service = 'lambda' }: SignedOptions = {},
  ) {
    const target = new URL(`${url}${path}?b=2&a=1`);
    const signer = new SignatureV4({ credentials, region: cloud.region, service, sha256: Sha256 });
    const request = {
      method: body === undefined ? 'GET' : 'POST',
      protocol: 'http:',
      hostname: target.hostname,
      port: Number(target.port),
      path: target.pathname,
      query: { b: '2', a: '1' },
      headers: { host: target.host },
      body,
    };
    const {
      headers,
      query = {},
      method,
    } = presign ? await signer.presign(request) : await signer.sign(request);
    const pairs = Object.entries(query).map(([name, value]): [string, string] => [name, String(value)]);
    target.search = new URLSearchParams(pairs).toString();
    return fetch(target, { method, headers, body });
  }
  interface SignedOptions {
    body?: string;
    path?: string;
    presign?: boolean;
    service?: string;
  }

  test('refuses who does not sign, signs for another service, or changes what was signed', async () => {
    const account = clientConfig(cloud).credentials;
    const unsigned = await fetch(url);
    expect([unsigned.status, await unsigned.json()]).toEqual([
      403,
      { Message: expect.stringMatching(/^Forbidden/) },
    ]);
    expect((await signed(account, { service: 's3' })).status).toBe(403);
    const { credentials } = await roleSession(cloud, 'invoker', [
      { Effect: 'Allow', Action: both, Resource: `${ARN}:signed` },
    ]);
    const wrong = await signed({ ...credentials, secretAccessKey: 'other' });
    expect([wrong.status, wrong.headers.get('x-amzn-errortype')]).toEqual([403, 'SignatureDoesNotMatch']);
    const response = await signed(credentials, { body: 'text' });
    expect(response.status).toBe(200);
    const event = (await response.json()) as Echo;
    expect(event.rawPath).toBe('/some//path%20x');
    expect(event.requestContext).toMatchObject({
      accountId: '000000000000',
      authorizer: {
        iam: {
          accessKey: credentials.accessKeyId,
          accountId: '000000000000',
          callerId: expect.stringMatching(/^AROA[A-Z0-9]+:test$/),
          cognitoIdentity: null,
          principalOrgId: null,
          userArn: 'arn:aws:sts::000000000000:assumed-role/invoker/test',
          userId: expect.stringMatching(/^AROA[A-Z0-9]+:test$/),
        },
      },
    });
    expect((await signed(credentials, { presign: true })).status).toBe(200);
    expect((await signed(account)).status).toBe(200);
  });

  test('needs both permissions, each by the role or by the function', async () => {
    const conditional = { StringEquals: { 'lambda:FunctionUrlAuthType': 'AWS_IAM' } };
    const { credentials } = await roleSession(cloud, 'half', [
      { Effect: 'Allow', Action: both[0], Resource: `${ARN}:signed`, Condition: conditional },
    ]);
    expect((await signed(credentials)).status).toBe(403);
    await lambda.send(
      new AddPermissionCommand({
        ...{ FunctionName: 'signed', StatementId: 'half', InvokedViaFunctionUrl: true },
        Action: 'lambda:InvokeFunction',
        Principal: 'arn:aws:iam::000000000000:role/half',
      }),
    );
    expect((await signed(credentials)).status).toBe(200);
    const denied = await roleSession(cloud, 'denied', [
      { Effect: 'Allow', Action: 'lambda:*', Resource: '*' },
      { Effect: 'Deny', Action: both[0], Resource: '*' },
    ]);
    expect((await signed(denied.credentials)).status).toBe(403);
  });
});
