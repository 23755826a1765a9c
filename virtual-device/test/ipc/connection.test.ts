import { execFile } from 'node:child_process';
import { connect, type Socket } from 'node:net';
import { promisify } from 'node:util';
import { makeServiceModel } from 'aws-iot-device-sdk-v2/dist/greengrasscoreipc/model_utils.js';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { EventStreamDecoder, type HeaderValue } from '../../src/ipc/event-stream.js';
import {
  encodeRpcMessage,
  parseRpcMessage,
  type RpcMessage,
  stringHeader,
} from '../../src/ipc/rpc-message.js';
import { connectClient, createClient, startDevice, tokenOf } from './device.js';

/** A client that can also do what the vendor's cannot: break the rules. */
class RawClient {
  readonly #received: RpcMessage[] = [];
  readonly #waiting: ((message: RpcMessage) => void)[] = [];
  readonly #closed: Promise<void>;

  private constructor(readonly socket: Socket) {
    const decoder = new EventStreamDecoder(1_000_000);
    socket.on('data', (chunk) => {
      for (const encoded of decoder.feed(chunk)) {
        const message = parseRpcMessage(encoded);
        const waiting = this.#waiting.shift();
        if (waiting === undefined) this.#received.push(message);
        else waiting(message);
      }
    });
    socket.on('error', () => undefined);
    this.#closed = new Promise((resolve) => socket.on('close', () => resolve()));
  }

  static async open(path: string): Promise<RawClient> {
    const socket = connect(path);
    onTestFinished(() => {
      socket.destroy();
    });
    await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    return new RawClient(socket);
  }

  send(message: Partial<RpcMessage> & { json?: unknown }): void {
    const { json, ...rest } = message;
    const payload = json === undefined ? new Uint8Array() : Buffer.from(JSON.stringify(json));
    this.socket.write(
      encodeRpcMessage({ type: 0, flags: 0, streamId: 0, headers: new Map(), payload, ...rest }),
    );
  }

  handshake(token: string, version = '0.1.0'): void {
    this.send({ type: 4, headers: header(':version', version), json: { authToken: token } });
  }

  call(streamId: number, operation: string, json: unknown = {}): void {
    this.send({ streamId, headers: header('operation', `aws.greengrass#${operation}`), json });
  }

  next(): Promise<RpcMessage> {
    const message = this.#received.shift();
    return message === undefined
      ? new Promise((resolve) => this.#waiting.push(resolve))
      : Promise.resolve(message);
  }

  waitUntilClosed(): Promise<void> {
    return this.#closed;
  }
}

const header = (name: string, value: string): ReadonlyMap<string, HeaderValue> =>
  new Map([[name, { type: 'string', value }]]);
const json = (message: RpcMessage): unknown => JSON.parse(Buffer.from(message.payload).toString());
const modelType = (message: RpcMessage) => stringHeader(message.headers, 'service-model-type');

async function connected(components: readonly string[] = ['led'], limits = {}) {
  const { device, server } = await startDevice(components, limits);
  const raw = await RawClient.open(server.socketPath);
  raw.handshake(tokenOf('led'));
  expect(await raw.next()).toMatchObject({ type: 5, flags: 1, streamId: 0 });
  return { device, server, raw };
}

describe('the handshake', () => {
  it('admits a process that has nothing but the environment of a component', async () => {
    const { server } = await startDevice(['led']);
    const component = `
      const { greengrasscoreipc } = require('aws-iot-device-sdk-v2');
      const client = greengrasscoreipc.createClient();
      client.connect()
        .then(() => client.getConfiguration({ keyPath: [] }))
        .then((response) => console.log(JSON.stringify(response)))
        .then(() => client.close());`;
    const { stdout } = await promisify(execFile)(process.execPath, ['-e', component], {
      cwd: import.meta.dirname,
      env: {
        ...process.env,
        AWS_GG_NUCLEUS_DOMAIN_SOCKET_FILEPATH_FOR_COMPONENT: server.socketPath,
        SVCUID: tokenOf('led'),
      },
    });
    expect(JSON.parse(stdout)).toEqual({ componentName: 'led', value: {} });
  });

  it('refuses a wrong token', async () => {
    const { device, server } = await startDevice(['led']);
    const client = createClient(server.socketPath, 'WRONG');
    await expect(client.connect()).rejects.toThrow(/connack|closed/);
    expect(device.logged).toContain('warn: Refused an IPC connection: its token is not known.');
  });

  it.each([
    ['no token', { type: 4, headers: header(':version', '0.1.0'), json: {} }],
    ['text that is no JSON', { type: 4, headers: header(':version', '0.1.0'), payload: Buffer.from('LED') }],
    ['another version', { type: 4, headers: header(':version', '0.2.0'), json: { authToken: 'LED' } }],
    ['no version', { type: 4, json: { authToken: 'LED' } }],
  ])('refuses %s', async (_what, message) => {
    const { server } = await startDevice(['led']);
    const raw = await RawClient.open(server.socketPath);
    raw.send(message);
    expect(await raw.next()).toMatchObject({ type: 5, flags: 0 });
    await raw.waitUntilClosed();
  });

  it('comes first', async () => {
    const { server } = await startDevice(['led']);
    const raw = await RawClient.open(server.socketPath);
    raw.call(1, 'ListComponents');
    expect(await raw.next()).toMatchObject({ type: 6 });
    await raw.waitUntilClosed();
  });

  it('is not waited for without end', async () => {
    const { device, server } = await startDevice(['led', 'button'], { maxConnections: 2 });
    const raw = await RawClient.open(server.socketPath);
    await connectClient(server, 'button');
    raw.socket.write(Buffer.alloc(3));
    device.clock.advance(30_000);
    await raw.waitUntilClosed();
    expect(device.logged).toContain('warn: Closed an IPC connection: the client did not say who it is.');
    expect(device.clock.pending).toEqual([]);
    const led = await connectClient(server, 'led');
    expect(await led.getConfiguration({ keyPath: [] })).toMatchObject({ componentName: 'led' });
  });

  it('takes no large message from a stranger', async () => {
    const { server } = await startDevice(['led']);
    const raw = await RawClient.open(server.socketPath);
    raw.send({ type: 4, payload: new Uint8Array(100_000) });
    expect(json(await raw.next())).toEqual({ message: expect.stringMatching(/exceeds the limit/) });
    await raw.waitUntilClosed();
  });
});

describe('a connection', () => {
  it('answers pings with their own headers and payload', async () => {
    const { raw } = await connected();
    raw.send({
      type: 2,
      headers: new Map([...header('a', 'b'), ...header(':c', 'd')]),
      payload: Buffer.from('x'),
    });
    const response = await raw.next();
    expect(response).toMatchObject({ type: 3, streamId: 0, headers: header('a', 'b') });
    expect(Buffer.from(response.payload).toString()).toBe('x');
  });

  it('answers an operation it does not know as the nucleus does, and goes on', async () => {
    const { raw } = await connected();
    raw.call(1, 'NoSuchOperation');
    const unknown = await raw.next();
    expect(unknown).toMatchObject({ type: 1, flags: 2, streamId: 1 });
    expect(modelType(unknown)).toBeUndefined();
    expect(json(unknown)).toEqual({
      error: 'Unsupported Operation',
      message: 'aws.greengrass#NoSuchOperation is an unsupported operation.',
    });
    raw.call(2, 'GetConfiguration', { keyPath: [] });
    expect(await raw.next()).toMatchObject({ type: 0, flags: 2, streamId: 2 });
  });

  it('answers every operation of the vendor’s model, those not built as not supported', async () => {
    const { raw } = await connected();
    const unsupported: string[] = [];
    for (const [index, operation] of [...makeServiceModel().operations.keys()].entries()) {
      raw.send({ streamId: index + 1, headers: header('operation', operation), json: {} });
      const answer = await raw.next();
      expect(modelType(answer), operation).toMatch(/^aws\.greengrass#/);
      const body = json(answer) as { _message?: string };
      if (body._message === `Operation ${operation} is not supported by Greengrass`)
        unsupported.push(operation);
    }
    expect(unsupported.map((name) => name.replace('aws.greengrass#', '')).sort()).toEqual([
      'AuthorizeClientDeviceAction',
      'CancelLocalDeployment',
      'CreateDebugPassword',
      'DeleteThingShadow',
      'GetClientDeviceAuthToken',
      'GetSecretValue',
      'GetThingShadow',
      'ListNamedShadowsForThing',
      'PauseComponent',
      'ResumeComponent',
      'SubscribeToCertificateUpdates',
      'UpdateThingShadow',
      'VerifyClientDeviceIdentity',
    ]);
  });

  const members = fc.constantFrom(
    ...[
      'topic',
      'topicName',
      'qos',
      'payload',
      'publishMessage',
      'jsonMessage',
      'message',
      'keyPath',
      'timestamp',
    ],
    ...[
      'valueToMerge',
      'componentName',
      'state',
      'deploymentId',
      'recheckAfterMs',
      'configurationValidityReport',
    ],
    ...[
      'metrics',
      'token',
      'thingName',
      'shadowName',
      'secretId',
      'options',
      'certificateOptions',
      'receiveMode',
    ],
  );
  const anyRequest = fc.oneof(
    fc.constant(Buffer.alloc(0)),
    fc.uint8Array({ minLength: 1, maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
    fc.jsonValue().map((value) => Buffer.from(JSON.stringify(value))),
    fc.dictionary(members, fc.jsonValue()).map((value) => Buffer.from(JSON.stringify(value))),
    fc
      .dictionary(members, fc.constantFrom('x', '0', [], {}, null, 1, 1e308, -1))
      .map((value) => Buffer.from(JSON.stringify(value))),
  );

  it('answers whatever is asked of any operation, once, with an error the operation has, and goes on', async () => {
    const { device, raw } = await connected(['led'], { maxStreams: 10_000 });
    const common = ['ServiceError', 'InvalidArgumentsError', 'UnauthorizedError'];
    let streamId = 0;
    for (const [operation, model] of makeServiceModel().operations) {
      const declared = new Set([...model.errorShapes, ...common.map((code) => `aws.greengrass#${code}`)]);
      for (const payload of fc.sample(anyRequest, 12)) {
        raw.send({ streamId: ++streamId, headers: header('operation', operation), payload });
        const answer = await raw.next();
        const what = `${operation} ${payload}`;
        expect(answer.streamId, what).toBe(streamId);
        if (answer.type === 1) expect(declared, what).toContain(modelType(answer));
        else expect(modelType(answer), what).toBe(`${operation}Response`);
        if (answer.flags === 0) raw.send({ streamId, flags: 2 });
      }
    }
    expect(device.logged.filter((line) => line.startsWith('error'))).toEqual([]);
    raw.send({ type: 2 });
    expect(await raw.next()).toMatchObject({ type: 3 });
  });

  it('answers a request of the wrong shape with what is wrong', async () => {
    const { raw } = await connected();
    raw.call(1, 'PublishToTopic', { topic: 5 });
    const answer = await raw.next();
    expect(modelType(answer)).toBe('aws.greengrass#InvalidArgumentsError');
    expect(json(answer)).toMatchObject({
      _message: expect.stringMatching(/^Invalid PublishToTopicRequest: topic: /),
    });
    raw.send({
      streamId: 2,
      headers: header('operation', 'aws.greengrass#PublishToTopic'),
      payload: Buffer.from('{'),
    });
    expect(json(await raw.next())).toMatchObject({ _errorCode: 'InvalidArgumentsError' });
  });

  it('hides an unexpected failure behind a ServiceError and logs it', async () => {
    const { device, raw } = await connected();
    device.components.get = () => {
      throw new Error('secret detail');
    };
    raw.call(1, 'UpdateState', { state: 'RUNNING' });
    const answer = await raw.next();
    expect(modelType(answer)).toBe('aws.greengrass#ServiceError');
    expect(JSON.stringify(json(answer))).not.toContain('secret detail');
    expect(device.logged.some((line) => line.includes('secret detail'))).toBe(true);
  });

  it('lets a client end a stream, even one that has ended', async () => {
    const { device, raw } = await connected();
    raw.call(1, 'SubscribeToConfigurationUpdate', { keyPath: [] });
    await raw.next();
    expect(device.watches.size).toBe(1);
    raw.send({ streamId: 1, flags: 2 });
    raw.send({ streamId: 1, flags: 2 });
    raw.send({ type: 2 });
    expect(await raw.next()).toMatchObject({ type: 3 });
    expect(device.watches.size).toBe(0);
  });

  it('frees what a client held when it goes', async () => {
    const { device, raw } = await connected();
    raw.call(1, 'SubscribeToConfigurationUpdate', { keyPath: [] });
    raw.call(2, 'SubscribeToIoTCore', { topicName: 't', qos: '1' });
    await raw.next();
    await raw.next();
    raw.socket.destroy();
    await vi.waitFor(() => expect(device.watches.size + device.subscriptions.size).toBe(0));
  });

  it.each<[string, Partial<RpcMessage>]>([
    ['a second handshake', { type: 4 }],
    ['a type it does not know', { type: 99 }],
    ['a protocol message on a stream', { type: 2, streamId: 1 }],
    ['a stream id left out', { streamId: 2, headers: header('operation', 'x') }],
    ['a stream without operation', { streamId: 1 }],
    ['a negative stream id', { streamId: -1 }],
  ])('ends after %s, and says why', async (_what, message) => {
    const { device, raw } = await connected();
    raw.send(message);
    const answer = await raw.next();
    expect(answer).toMatchObject({ type: 6, streamId: 0 });
    expect(json(answer)).toEqual({ message: expect.any(String) });
    await raw.waitUntilClosed();
    expect(device.logged.at(-1)).toMatch(/^warn: Closed the IPC connection of led, which broke the protocol/);
  });

  it('has a limit of open streams', async () => {
    const { raw } = await connected(['led'], { maxStreams: 2 });
    for (const streamId of [1, 2, 3]) raw.call(streamId, 'SubscribeToTopic', { topic: 't' });
    const answers = [await raw.next(), await raw.next(), await raw.next()];
    expect(new Map(answers.map((answer) => [answer.streamId, modelType(answer)]))).toEqual(
      new Map([
        [1, 'aws.greengrass#SubscribeToTopicResponse'],
        [2, 'aws.greengrass#SubscribeToTopicResponse'],
        [3, 'aws.greengrass#ServiceError'],
      ]),
    );
    raw.send({ streamId: 1, flags: 2 });
    raw.call(4, 'SubscribeToTopic', { topic: 't' });
    expect(modelType(await raw.next())).toBe('aws.greengrass#SubscribeToTopicResponse');
  });
});

describe('one client and the others', () => {
  it('is not disturbed by any garbage', async () => {
    const { device, server } = await startDevice(['led', 'button']);
    const led = await connectClient(server, 'led');
    const received: unknown[] = [];
    const subscription = led.subscribeToTopic({ topic: 't' });
    subscription.on('message', (message) => received.push(message.jsonMessage?.message));
    await subscription.activate();
    const garbage = fc.sample(
      fc.oneof(
        fc.uint8Array({ minLength: 1, maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
        fc
          .record({
            type: fc.integer({ min: -1, max: 9 }),
            flags: fc.integer({ min: 0, max: 3 }),
            streamId: fc.integer({ min: -1, max: 3 }),
            payload: fc.uint8Array({ maxLength: 50 }),
          })
          .map((message) =>
            encodeRpcMessage({ ...message, headers: header('operation', 'aws.greengrass#SubscribeToTopic') }),
          ),
      ),
      60,
    );
    for (const [index, bytes] of garbage.entries()) {
      const raw = await RawClient.open(server.socketPath);
      if (index % 2 === 0) raw.handshake(tokenOf('button'));
      raw.socket.end(bytes);
      await raw.waitUntilClosed();
    }
    await led.publishToTopic({ topic: 't', publishMessage: { jsonMessage: { message: 'still here' } } });
    await vi.waitFor(() => expect(received).toEqual(['still here']));
    expect(device.logged.filter((line) => line.startsWith('error'))).toEqual([]);
  });

  it('is cut off when it does not read what it is sent', async () => {
    const { device, server, raw } = await connected(['led', 'button'], { maxOutgoingBytes: 1_000_000 });
    raw.call(1, 'SubscribeToTopic', { topic: 't' });
    await raw.next();
    raw.socket.pause();
    const button = await connectClient(server, 'button');
    const payload = 'x'.repeat(100_000);
    // The kernel's own buffers take some; no more than this many can be needed.
    for (let count = 0; count < 200 && !device.logged.some((line) => line.includes('unread')); count += 1) {
      await button.publishToTopic({ topic: 't', publishMessage: { jsonMessage: { message: payload } } });
    }
    const line = device.logged.find((each) => each.includes('unread'));
    expect(line).toMatch(/^warn: Closed the IPC connection of led: it left \d+ bytes unread\.$/);
    expect(Number(/left (\d+)/.exec(line ?? '')?.[1])).toBeLessThan(1_200_000);
    raw.socket.resume();
    await raw.waitUntilClosed();
    await button.publishToTopic({ topic: 't', publishMessage: { jsonMessage: { message: 'goes on' } } });
  });

  it('finds no more connections than the limit', async () => {
    const { device, server } = await startDevice(['led'], { maxConnections: 1 });
    const first = await connectClient(server, 'led');
    await expect(createClient(server.socketPath, tokenOf('led')).connect()).rejects.toThrow();
    expect(device.logged).toContain('warn: Refused an IPC connection: 1 are open already.');
    await first.publishToTopic({ topic: 't', publishMessage: { jsonMessage: { message: 1 } } });
  });
});
