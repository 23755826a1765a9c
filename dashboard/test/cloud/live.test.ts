import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { effect } from '@preact/signals';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { Live, type LiveMessage } from '../../src/cloud/live.js';
import { takes } from '../../src/cloud/topic-filter.js';
import { browserClock } from '../../src/model/clock.js';
import { TestBroker } from '../support/test-broker.js';

const server = createServer();
const broker = new TestBroker(server);
const lives: Live[] = [];
let count = 0;

beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)));
afterEach(() => {
  for (const live of lives.splice(0)) live.stop();
  broker.mayPublish = () => true;
});
afterAll(() => new Promise((resolve) => server.close(resolve)));

function connect(): Live {
  const { port } = server.address() as AddressInfo;
  const address = async () => {
    count += 1;
    return `ws://127.0.0.1:${port}/mqtt?signature=${count}`;
  };
  const live = new Live(address, browserClock);
  lives.push(live);
  live.start();
  return live;
}

function until(live: Live, state: Live['state']['value']): Promise<void> {
  return new Promise((resolve) => {
    effect(() => {
      if (live.state.value === state) resolve();
    });
  });
}

function next(live: Live, filter: string): Promise<LiveMessage> {
  return new Promise((resolve) => {
    const end = live.subscribe([filter], (message) => {
      end();
      resolve(message);
    });
  });
}

test('connects anew with another address, and subscribes again', async () => {
  const live = connect();
  const first = next(live, 'lambda/+/button');
  await until(live, 'connected');
  await live.publish('lambda/t/button', { state: true });
  expect((await first).topic).toBe('lambda/t/button');
  const second = next(live, 'lambda/+/frequency');
  broker.drop();
  await until(live, 'lost');
  await until(live, 'connected');
  await live.publish('lambda/t/frequency', { frequency: 1 });
  expect(JSON.parse(new TextDecoder().decode((await second).payload))).toEqual({ frequency: 1 });
  const [one, other] = broker.addresses.slice(-2);
  expect(one).not.toBe(other);
});

test('says that publishing was refused, and that there is no connection', async () => {
  const live = connect();
  await expect(live.publish('device/t/button', {})).rejects.toThrow('no connection');
  await until(live, 'connected');
  broker.mayPublish = () => false;
  await expect(live.publish('device/t/button', {})).rejects.toMatchObject({
    code: 'Forbidden',
    refused: true,
  });
});

test('hands each message to those alone who asked for it', async () => {
  const live = connect();
  const heard: string[] = [];
  live.subscribe(['lambda/a/+'], ({ topic }) => heard.push(topic));
  const end = live.subscribe(['lambda/#'], ({ topic }) => heard.push(`all ${topic}`));
  await until(live, 'connected');
  await live.publish('lambda/a/x', {});
  await expect.poll(() => heard).toEqual(['lambda/a/x', 'all lambda/a/x']);
  end();
  await live.publish('lambda/a/y', {});
  await expect.poll(() => heard.at(-1)).toBe('lambda/a/y');
});

test.each([
  ['a/+/c', 'a/b/c', true],
  ['a/+', 'a/b/c', false],
  ['a/#', 'a', true],
  ['a/#', 'a/b/c', true],
  ['#', '$aws/events', false],
  ['+/events', '$aws/events', false],
  ['$aws/#', '$aws/events', true],
  ['a/+', 'a', false],
])('%s takes %s: %s', (filter, topic, expected) => {
  expect(takes(filter, topic)).toBe(expected);
});
