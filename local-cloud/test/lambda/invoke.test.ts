import {
  AddPermissionCommand,
  InvokeCommand,
  UpdateFunctionConfigurationCommand,
} from '@aws-sdk/client-lambda';
import { describe, expect, test, vi } from 'vitest';
import { startLambda } from './support.js';

const cloud = await startLambda();
const decode = (base64 = '') => Buffer.from(base64, 'base64').toString('utf8');

describe('handlers', () => {
  test.each([
    ['asynchronous', { 'index.js': 'exports.handler = async (event) => ({ got: event.n });' }, {}],
    [
      'callback',
      { 'index.js': 'exports.handler = (event, _context, done) => done(null, { got: event.n });' },
      {},
    ],
    [
      'callback that waits for the event loop',
      {
        'index.js':
          'exports.handler = (event, c, done) => { setTimeout(() => done(null, { got: event.n }), 5); };',
      },
      {},
    ],
    ['ECMAScript module', { 'index.mjs': 'export const handler = async (event) => ({ got: event.n });' }, {}],
    [
      'ECMAScript module by package.json',
      {
        'index.js': 'export const handler = async (e) => ({ got: e.n });',
        'package.json': '{"type":"module"}',
      },
      {},
    ],
    [
      'nested directory and export',
      { 'src/deep/main.cjs': 'exports.handlers = { first: async (event) => ({ got: event.n }) };' },
      { Handler: 'src/deep/main.handlers.first' },
    ],
  ])('%s', async (name, files, more) => {
    const FunctionName = name.replaceAll(/[^a-zA-Z]/g, '-');
    await cloud.create(FunctionName, files, more);
    expect((await cloud.invoke(FunctionName, { n: 7 })).result).toEqual({ got: 7 });
  });

  test('without a payload get an empty object, and without a result give null', async () => {
    await cloud.create(
      'nothing',
      'exports.handler = async (event) => { console.log(JSON.stringify(event)); };',
    );
    const { result, StatusCode, ExecutedVersion } = await cloud.invoke('nothing');
    expect({ result, StatusCode, ExecutedVersion }).toEqual({
      result: null,
      StatusCode: 200,
      ExecutedVersion: '$LATEST',
    });
    expect(cloud.messages('nothing').join('\n')).toMatch(/INFO\t\{\}/);
  });

  test('that never settle give null when nothing of them is left to run', async () => {
    await cloud.create('stuck', 'exports.handler = () => new Promise(() => {});');
    expect((await cloud.invoke('stuck')).result).toBeNull();
  });
});

test('a function sees its context, its own environment and credentials of its role, and nothing of the host', async () => {
  process.env.HOST_SECRET = 'secret of the host';
  await cloud.create(
    'context',
    `exports.handler = async (event, context) => ({
      context, remaining: context.getRemainingTimeInMillis(), env: process.env, cwd: process.cwd(),
    });`,
    { Environment: { Variables: { MODE: 'test' } }, MemorySize: 256, Timeout: 30 },
  );
  const { result } = await cloud.invoke('context', {});
  expect(result.context).toMatchObject({
    functionName: 'context',
    functionVersion: '$LATEST',
    invokedFunctionArn: 'arn:aws:lambda:eu-central-1:000000000000:function:context',
    memoryLimitInMB: '256',
    awsRequestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
    logGroupName: '/aws/lambda/context',
    logStreamName: expect.stringMatching(/^\d{4}\/\d\d\/\d\d\/\[\$LATEST][0-9a-f]{32}$/),
  });
  expect(result.remaining).toBeGreaterThan(0);
  expect(result.remaining).toBeLessThanOrEqual(30_000);
  expect(result.env).toMatchObject({
    MODE: 'test',
    _HANDLER: 'index.handler',
    AWS_REGION: 'eu-central-1',
    AWS_ENDPOINT_URL: cloud.endpoint,
    AWS_LAMBDA_FUNCTION_NAME: 'context',
    AWS_ACCESS_KEY_ID: expect.stringMatching(/^ASIA/),
    AWS_SESSION_TOKEN: expect.any(String),
    LAMBDA_TASK_ROOT: result.cwd,
  });
  expect(JSON.stringify(result.env)).not.toContain('secret of the host');
  delete process.env.HOST_SECRET;
});

test('the credentials of a function are its role’s', async () => {
  await cloud.create(
    'who',
    `const { createHash, createHmac } = require('node:crypto');
     exports.handler = async () => {
       const body = 'Action=GetCallerIdentity&Version=2011-06-15';
       const url = new URL(process.env.AWS_ENDPOINT_URL);
       const date = new Date().toISOString().replace(/[-:]|\\.\\d{3}/g, '');
       const hash = (text) => createHash('sha256').update(text).digest('hex');
       const hmac = (key, text) => createHmac('sha256', key).update(text).digest();
       const headers = {
         'content-type': 'application/x-www-form-urlencoded', host: url.host, 'x-amz-date': date,
         'x-amz-security-token': process.env.AWS_SESSION_TOKEN,
       };
       const names = Object.keys(headers).sort();
       const canonical = ['POST', '/', '', ...names.map((name) => name + ':' + headers[name]), '', names.join(';'), hash(body)].join('\\n');
       const scope = date.slice(0, 8) + '/' + process.env.AWS_REGION + '/sts/aws4_request';
       const key = scope.split('/').reduce(hmac, 'AWS4' + process.env.AWS_SECRET_ACCESS_KEY);
       const signature = hmac(key, ['AWS4-HMAC-SHA256', date, scope, hash(canonical)].join('\\n')).toString('hex');
       headers.authorization = 'AWS4-HMAC-SHA256 Credential=' + process.env.AWS_ACCESS_KEY_ID + '/' + scope
         + ', SignedHeaders=' + names.join(';') + ', Signature=' + signature;
       return (await fetch(url, { method: 'POST', headers, body })).text();
     };`,
  );
  const { result } = await cloud.invoke('who');
  expect(result).toContain('arn:aws:sts::000000000000:assumed-role/function-role/who');
});

test('a process is kept warm until the function changes', async () => {
  await cloud.create('counter', 'let calls = 0; exports.handler = async () => [process.pid, ++calls];');
  const [pid, first] = (await cloud.invoke('counter')).result;
  expect(first).toBe(1);
  expect((await cloud.invoke('counter')).result).toEqual([pid, 2]);
  await cloud.client.send(
    new UpdateFunctionConfigurationCommand({ FunctionName: 'counter', Description: 'changed' }),
  );
  const [other, again] = (await cloud.invoke('counter')).result;
  expect(other).not.toBe(pid);
  expect(again).toBe(1);
});

test('several events at once are handled by several processes, up to a limit, and the others wait', async () => {
  await cloud.create('parallel', 'exports.handler = async () => process.pid;');
  const results = await Promise.all(Array.from({ length: 10 }, () => cloud.invoke('parallel')));
  const pids = new Set(results.map(({ result }) => result));
  expect(pids.size).toBeGreaterThan(0);
  expect(pids.size).toBeLessThanOrEqual(4);
});

describe('errors of functions', () => {
  test.each([
    [
      'thrown',
      'exports.handler = async () => { throw new RangeError("too far"); };',
      {
        errorType: 'RangeError',
        errorMessage: 'too far',
        trace: expect.arrayContaining(['RangeError: too far']),
      },
    ],
    [
      'thrown at once',
      'exports.handler = () => { throw new TypeError("no"); };',
      { errorType: 'TypeError', errorMessage: 'no' },
    ],
    [
      'given to the callback',
      'exports.handler = (event, context, done) => done(new Error("late"));',
      { errorType: 'Error', errorMessage: 'late' },
    ],
    [
      'no Error',
      'exports.handler = async () => { throw "text"; };',
      { errorType: 'string', errorMessage: 'text' },
    ],
    [
      'unhandled rejection',
      'exports.handler = () => { Promise.reject(new Error("lost")); return new Promise((r) => setTimeout(r, 1000)); };',
      { errorType: 'Runtime.UnhandledPromiseRejection', errorMessage: 'Error: lost' },
    ],
    [
      'uncaught exception',
      'exports.handler = () => { setTimeout(() => { throw new Error("later"); }, 1); return new Promise((r) => setTimeout(r, 1000)); };',
      { errorType: 'Error', errorMessage: 'later' },
    ],
    [
      'exit',
      'exports.handler = async () => process.exit(3);',
      {
        errorType: 'Runtime.ExitError',
        errorMessage: expect.stringMatching(
          /^RequestId: \S+ Error: Runtime exited with error: exit status 3$/,
        ),
      },
    ],
    [
      'killed',
      'exports.handler = async () => process.kill(process.pid, "SIGKILL");',
      { errorType: 'Runtime.ExitError', errorMessage: expect.stringContaining('signal: killed') },
    ],
    [
      'no JSON',
      'exports.handler = async () => { const a = {}; a.a = a; return a; };',
      { errorType: 'Runtime.MarshalError' },
    ],
    [
      'too large',
      'exports.handler = async () => "x".repeat(7e6);',
      { errorType: 'Function.ResponseSizeTooLarge' },
    ],
    ['no such export', 'exports.other = 1;', { errorType: 'Runtime.HandlerNotFound' }],
    ['no function', 'exports.handler = 1;', { errorType: 'Runtime.HandlerNotFound' }],
    ['syntax', 'exports.handler = {', { errorType: 'Runtime.UserCodeSyntaxError' }],
    ['missing module', 'require("no-such-module");', { errorType: 'Runtime.ImportModuleError' }],
    [
      'thrown while loading',
      'throw new Error("not today");',
      { errorType: 'Error', errorMessage: 'not today' },
    ],
    ['exit while loading', 'process.exit(1);', { errorType: 'Runtime.ExitError' }],
  ])('%s', async (name, code, expected) => {
    const FunctionName = `error-${name.replaceAll(' ', '-')}`;
    await cloud.create(FunctionName, code);
    const { FunctionError, StatusCode, result } = await cloud.invoke(FunctionName);
    expect({ FunctionError, StatusCode }).toEqual({ FunctionError: 'Unhandled', StatusCode: 200 });
    expect(result).toMatchObject(expected);
  });

  test('no file', async () => {
    await cloud.create('error-no-file', { 'main.js': '' });
    expect((await cloud.invoke('error-no-file')).result.errorType).toBe('Runtime.ImportModuleError');
  });

  test('handler outside of the package', async () => {
    await cloud.create('error-outside', { 'main.js': '' }, { Handler: '../main.handler' });
    expect((await cloud.invoke('error-outside')).result.errorType).toBe('Runtime.MalformedHandlerName');
  });

  test('the next event finds a new process', async () => {
    await cloud.create(
      'fragile',
      'exports.handler = async (e) => { if (e.die) process.exit(1); return "alive"; };',
    );
    expect((await cloud.invoke('fragile', {})).result).toBe('alive');
    expect((await cloud.invoke('fragile', { die: true })).FunctionError).toBe('Unhandled');
    expect((await cloud.invoke('fragile', {})).result).toBe('alive');
  });
});

describe('logs', () => {
  test('have the start, each console call, each line of output, the end and a report', async () => {
    await cloud.create(
      'logger',
      `exports.handler = async () => {
        console.log('plain %d', 1, { a: [1] });
        console.error('several\\nlines');
        process.stdout.write('half ');
        process.stdout.write('line\\nwhole line\\nrest');
      };`,
    );
    const { LogResult, $metadata } = await cloud.invoke('logger', {}, { LogType: 'Tail' });
    const id = $metadata.requestId;
    const messages = cloud.messages('logger');
    const time = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/.source;
    expect(messages).toEqual([
      `START RequestId: ${id} Version: $LATEST`,
      expect.stringMatching(new RegExp(`^${time}\t${id}\tINFO\tplain 1 \\{ a: \\[ 1 ] }$`)),
      expect.stringMatching(new RegExp(`^${time}\t${id}\tERROR\tseveral\rlines$`)),
      'half line',
      'whole line',
      'rest',
      `END RequestId: ${id}`,
      expect.stringMatching(
        new RegExp(
          `^REPORT RequestId: ${id}\tDuration: [\\d.]+ ms\tBilled Duration: \\d+ ms\tMemory Size: 128 MB\tMax Memory Used: \\d+ MB\tInit Duration: [\\d.]+ ms`,
        ),
      ),
    ]);
    expect(decode(LogResult)).toContain('whole line\n');
  });

  test('go to the group that the function names', async () => {
    await cloud.create('elsewhere', 'exports.handler = async () => {};', {
      LoggingConfig: { LogGroup: '/my/group' },
    });
    await cloud.invoke('elsewhere');
    expect(cloud.logs.some(({ group }) => group === '/my/group')).toBe(true);
    expect(cloud.messages('elsewhere')).toEqual([]);
  });

  test('are bounded', async () => {
    await cloud.create(
      'chatty',
      'exports.handler = async () => { for (let i = 0; i < 40; i += 1) console.log("x".repeat(5e5)); };',
      { Timeout: 60 },
    );
    const { FunctionError, LogResult } = await cloud.invoke('chatty', {}, { LogType: 'Tail' });
    expect(FunctionError).toBeUndefined();
    expect(Buffer.from(LogResult ?? '', 'base64').length).toBeLessThanOrEqual(4096);
    const logged = cloud.messages('chatty');
    expect(logged.join('').length).toBeLessThan(9e6);
    expect(Math.max(...logged.map((message) => message.length))).toBeLessThanOrEqual(256 * 1024);
    expect(logged.some((message) => message.includes('drops'))).toBe(true);
    expect(logged.at(-1)).toMatch(/^REPORT/);
  });
});

describe('requests', () => {
  test('that only ask whether they would work run nothing', async () => {
    await cloud.create('dry', 'exports.handler = async () => { console.log("ran"); };');
    const answer = await cloud.invoke('dry', {}, { InvocationType: 'DryRun' });
    expect(answer.StatusCode).toBe(204);
    expect(cloud.messages('dry')).toEqual([]);
  });

  test('whose payload is no JSON, or too large, are refused', async () => {
    await cloud.create('picky', 'exports.handler = async () => 1;');
    const send = (Payload: Uint8Array, more: object = {}) =>
      cloud.client.send(new InvokeCommand({ FunctionName: 'picky', Payload, ...more }));
    await expect(send(Buffer.from('{'))).rejects.toMatchObject({ name: 'InvalidRequestContentException' });
    await expect(send(Buffer.from([0xff]))).rejects.toMatchObject({ name: 'InvalidRequestContentException' });
    const large = Buffer.from(JSON.stringify('x'.repeat(6_291_456)));
    await expect(send(large)).rejects.toMatchObject({ name: 'RequestTooLargeException' });
    const medium = Buffer.from(JSON.stringify('x'.repeat(1_048_576)));
    await expect(send(medium, { InvocationType: 'Event' })).rejects.toMatchObject({
      name: 'RequestTooLargeException',
    });
    expect((await send(medium)).StatusCode).toBe(200);
  });

  test('name a function that exists, in a version that exists', async () => {
    await expect(cloud.invoke('missing')).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
      message: 'Function not found: arn:aws:lambda:eu-central-1:000000000000:function:missing',
    });
    await expect(cloud.invoke('picky', {}, { Qualifier: '7' })).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
    });
    for (const name of [
      'picky:$LATEST',
      '000000000000:function:picky',
      'arn:aws:lambda:eu-central-1:000000000000:function:picky',
    ]) {
      expect((await cloud.invoke(name)).result).toBe(1);
    }
    await expect(cloud.invoke('no name')).rejects.toMatchObject({ name: 'ValidationException' });
  });

  test('that do not wait are accepted, and run', async () => {
    await cloud.create('later', 'exports.handler = async (event) => { console.log("ran", event.n); };');
    const answer = await cloud.invoke('later', { n: 5 }, { InvocationType: 'Event' });
    expect(answer.StatusCode).toBe(202);
    await vi.waitFor(() => expect(cloud.messages('later').join('\n')).toContain('ran 5'));
  });
});

describe('other services', () => {
  const payload = Buffer.from('{"n":2}');
  const caller = { service: 'iot.amazonaws.com', sourceArn: 'arn:aws:iot:eu-central-1:000000000000:thing/x' };

  test('invoke a function when its resource policy allows it', async () => {
    await cloud.create('hook', 'exports.handler = async (event) => event.n * 2;');
    await expect(cloud.invoker.invoke('hook', payload, caller)).rejects.toMatchObject({
      code: 'AccessDeniedException',
    });
    await cloud.client.send(
      new AddPermissionCommand({
        FunctionName: 'hook',
        StatementId: 'iot',
        Action: 'lambda:InvokeFunction',
        Principal: 'iot.amazonaws.com',
        SourceArn: 'arn:aws:iot:eu-central-1:000000000000:thing/*',
      }),
    );
    const outcome = await cloud.invoker.invoke('hook', payload, caller);
    expect(Buffer.from(outcome.payload).toString('utf8')).toBe('4');
    await expect(
      cloud.invoker.invoke('hook', payload, { ...caller, sourceArn: 'arn:aws:iot:a:000000000000:rule/x' }),
    ).rejects.toMatchObject({ code: 'AccessDeniedException' });
    await expect(
      cloud.invoker.invoke('hook', payload, { ...caller, service: 's3.amazonaws.com' }),
    ).rejects.toMatchObject({ code: 'AccessDeniedException' });
    await expect(cloud.invoker.invoke('gone', payload, caller)).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
    });
  });
});
