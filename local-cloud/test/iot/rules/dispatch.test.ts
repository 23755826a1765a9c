import { request } from 'node:https';
import {
  CreateThingCommand,
  CreateTopicRuleCommand,
  DeleteTopicRuleCommand,
  DisableTopicRuleCommand,
  EnableTopicRuleCommand,
  ReplaceTopicRuleCommand,
} from '@aws-sdk/client-iot';
import { IoTDataPlaneClient, PublishCommand, UpdateThingShadowCommand } from '@aws-sdk/client-iot-data-plane';
import { expect, test } from 'vitest';
import { newIdentity, policyText, rootCa } from '../fleet.js';
import { arn, republish, rulesCloud } from './support.js';

const { cloud, iot, rule, client, listen, identity, config, logged } = await rulesCloud();
const data = new IoTDataPlaneClient(config);
const device = await client('device-1');
const send = (topic: string, body: unknown, qos: 0 | 1 = 1) =>
  device.publishAsync(topic, typeof body === 'string' ? body : JSON.stringify(body), { qos });

test('a rule selects what is published to its topics, and knows who published it', async () => {
  const received = await listen('who', 'who/out/#');
  await rule(
    'who',
    "SELECT value, topic(2) AS second, clientid() AS client, principal() AS principal FROM 'who/in/+'",
    [republish('who/out/${topic(3)}', { qos: 1 })],
  );
  await send('who/in/a', { value: 1 });
  expect(await received.next()).toEqual({
    topic: 'who/out/a',
    body: { value: 1, second: 'in', client: 'device-1', principal: identity.certificateId },
  });
  await data.send(new PublishCommand({ topic: 'who/in/b', payload: JSON.stringify({ value: 2 }), qos: 1 }));
  expect(await received.next()).toEqual({
    topic: 'who/out/b',
    body: { value: 2, second: 'in', client: 'n/a', principal: '000000000000' },
  });
});

test('a device that publishes by HTTPS is known by its certificate', async () => {
  const received = await listen('https', 'https/out');
  await rule('https', "SELECT clientid() AS client, principal() AS principal FROM 'https/in'", [
    republish('https/out'),
  ]);
  const { cert, key } = identity;
  const options = { host: 'localhost', port: cloud.ports.https, ca: rootCa(cloud), cert, key, agent: false };
  const status = await new Promise((resolve, reject) => {
    request({ ...options, method: 'POST', path: '/topics/https/in?qos=1' }, (answer) => {
      answer.resume();
      resolve(answer.statusCode);
    })
      .on('error', reject)
      .end('{}');
  });
  expect(status).toBe(200);
  expect((await received.next()).body).toEqual({ client: 'n/a', principal: identity.certificateId });
});

test('a rule that is replaced, disabled or deleted no longer runs as it did', async () => {
  const received = await listen('changes', 'changes/out/#');
  const sql = "SELECT * FROM 'changes/in'";
  await rule('changes', sql, [republish('changes/out/first')]);
  await rule('changes_fence', sql, [republish('changes/out/fence')]);
  const seen = async () => {
    await send('changes/in', {});
    const topics: string[] = [];
    do topics.push((await received.next()).topic.slice('changes/out/'.length));
    while (!topics.includes('fence'));
    return topics.filter((topic) => topic !== 'fence');
  };
  // Rules run side by side, so what a message leads to is looked for behind that of the next one.
  const settled = async () => [...(await seen()), ...(await seen())];
  expect(await settled()).toContain('first');
  await iot.send(
    new ReplaceTopicRuleCommand({
      ruleName: 'changes',
      topicRulePayload: { sql, actions: [republish('changes/out/second')] },
    }),
  );
  await seen();
  expect(await settled()).toEqual(['second', 'second']);
  await iot.send(new DisableTopicRuleCommand({ ruleName: 'changes' }));
  await seen();
  expect(await settled()).toEqual([]);
  await iot.send(new EnableTopicRuleCommand({ ruleName: 'changes' }));
  await seen();
  expect(await settled()).toContain('second');
  await iot.send(new DeleteTopicRuleCommand({ ruleName: 'changes' }));
  await seen();
  expect(await settled()).toEqual([]);
});

test('rules select from lifecycle events, shadow documents and what other rules republish', async () => {
  const received = await listen('cloud', 'cloud/out/#');
  await rule('presence', "SELECT clientId, eventType FROM '$aws/events/presence/+/visitor'", [
    republish('cloud/out/${eventType}'),
  ]);
  const visitor = await client('visitor');
  expect(await received.next()).toEqual({
    topic: 'cloud/out/connected',
    body: { clientId: 'visitor', eventType: 'connected' },
  });
  await visitor.endAsync();
  expect((await received.next()).topic).toBe('cloud/out/disconnected');

  await iot.send(new CreateThingCommand({ thingName: 'lamp' }));
  await rule('documents', "SELECT current.version AS version FROM '$aws/things/+/shadow/update/documents'", [
    republish('cloud/hop/${topic(3)}'),
  ]);
  await rule('second_hop', "SELECT * FROM 'cloud/hop/+'", [republish('cloud/out/hopped')]);
  await data.send(
    new UpdateThingShadowCommand({
      thingName: 'lamp',
      payload: JSON.stringify({ state: { reported: { on: true } } }),
    }),
  );
  expect(await received.next()).toEqual({ topic: 'cloud/out/hopped', body: { version: 1 } });
});

test('Basic Ingest runs one rule, by MQTT and by HTTP, and reaches no subscriber', async () => {
  const received = await listen('ingest', 'ingest/out', 'building/#', '$aws/rules/#');
  await rule('ingest', "SELECT *, topic() AS topic, topic(1) AS first FROM 'building/+'", [
    republish('ingest/out'),
  ]);
  await rule('ingest_other', "SELECT * FROM 'building/+'", [republish('ingest/out')]);
  await send('$aws/rules/ingest/building/5', { n: 1 });
  expect(await received.next()).toEqual({
    topic: 'ingest/out',
    body: { n: 1, topic: 'building/5', first: 'building' },
  });
  await data.send(
    new PublishCommand({ topic: '$aws/rules/ingest/elsewhere/x', payload: JSON.stringify({ n: 2 }), qos: 1 }),
  );
  expect(await received.next()).toMatchObject({ body: { n: 2, topic: 'elsewhere/x' } });

  await rule('ingest_failing', 'SELECT *', [republish('$aws/no')], { errorAction: republish('ingest/out') });
  await send('$aws/rules/ingest_failing/a', {});
  expect((await received.next()).body).toMatchObject({ topic: '$aws/rules/ingest_failing/a' });

  logged.length = 0;
  await send('$aws/rules/nobody/x', {});
  await iot.send(new DisableTopicRuleCommand({ ruleName: 'ingest' }));
  await send('$aws/rules/ingest/x', {});
  expect(logged.map(({ message, fields }) => [message, fields.rule])).toEqual([
    ['The rule of a message is not found', 'nobody'],
    ['The rule of a message is disabled', 'ingest'],
  ]);
  await expect(
    data.send(new PublishCommand({ topic: '$aws/rules/ingest/x', payload: '{}', retain: true })),
  ).rejects.toMatchObject({ name: 'InvalidRequestException' });
});

test('policies are asked for the whole topic of Basic Ingest', async () => {
  const narrow = await newIdentity(
    iot,
    'narrow',
    policyText(
      { Effect: 'Allow', Action: 'iot:Connect', Resource: '*' },
      { Effect: 'Allow', Action: 'iot:Publish', Resource: arn('topic/$aws/rules/narrow/*') },
    ),
  );
  const received = await listen('narrow-out', 'narrow/out/#');
  await rule('narrow', 'SELECT *', [republish('narrow/out/${topic()}')]);
  const restricted = await client('narrow', narrow);
  await restricted.publishAsync('$aws/rules/narrow/x', '{}', { qos: 1 });
  expect((await received.next()).topic).toBe('narrow/out/x');
  await expect(restricted.publishAsync('$aws/rules/ingest/x', '{}', { qos: 1 })).rejects.toThrow(
    'Not authorized',
  );
});

test('rules that republish to each other without end are stopped, and it is said why', async () => {
  const received = await listen('loop', 'loop/error');
  const loop = new CreateTopicRuleCommand({
    ruleName: 'loop',
    topicRulePayload: {
      sql: "SELECT * FROM 'loop/topic'",
      actions: [republish('loop/topic', { qos: 1 })],
      errorAction: republish('loop/error'),
    },
  });
  await iot.send(loop);
  await send('loop/topic', { n: 1 });
  // The error action would be one hop too many as well.
  await expect.poll(() => logged.filter(({ fields }) => fields.rule === 'loop').length).toBe(2);
  expect(logged.find(({ fields }) => fields.rule === 'loop')?.fields.error).toContain('looks like a loop');
  await iot.send(new DeleteTopicRuleCommand({ ruleName: 'loop' }));
  received.client.end(true);
});

test('SQL that fails, and results that no action can use, disturb nobody else', async () => {
  const received = await listen('hostile', 'hostile/out/#', 'hostile/errors');
  const errorAction = { errorAction: republish('hostile/errors') };
  await rule(
    'hostile_topic',
    "SELECT * FROM 'hostile/in'",
    [republish('hostile/out/${name}/x')],
    errorAction,
  );
  for (const name of ['+', '#', 'a\u0000b', 'x'.repeat(300), 'a/b/c/d/e/f/g/h/i']) {
    await send('hostile/in', { name });
    const { topic, body } = await received.next();
    expect(topic).toBe('hostile/errors');
    expect(body).toMatchObject({
      ruleName: 'hostile_topic',
      failures: [{ failedAction: 'RepublishAction' }],
    });
  }
  await rule(
    'hostile_headers',
    "SELECT * FROM 'hostile/headers'",
    [
      republish('hostile/out/headers', {
        headers: {
          contentType: '${contentType}',
          responseTopic: '${responseTopic}',
          correlationData: '${correlationData}',
          messageExpiry: '${messageExpiry}',
          userProperties: [{ key: 'k', value: '${value}' }],
        },
      }),
    ],
    errorAction,
  );
  const harmless = {
    contentType: 'text/plain',
    responseTopic: 'answer',
    correlationData: 'AA==',
    messageExpiry: '5',
    value: 'v',
  };
  for (const wrong of [
    { contentType: 'x'.repeat(70_000) },
    { contentType: 'a\u0000' },
    { responseTopic: '#' },
    { responseTopic: 'a/'.repeat(20) },
    { correlationData: 'no base64' },
    { correlationData: 'A'.repeat(90_000) },
    { messageExpiry: '-1' },
    { messageExpiry: '1e99' },
    { value: 'x'.repeat(70_000) },
    { value: '\u0000' },
  ]) {
    await send('hostile/headers', { ...harmless, ...wrong });
    const { topic, body } = await received.next();
    expect([topic, body]).toEqual([
      'hostile/errors',
      expect.objectContaining({ ruleName: 'hostile_headers' }),
    ]);
  }
  await send('hostile/headers', harmless);
  expect(await received.next()).toEqual({ topic: 'hostile/out/headers', body: harmless });
  await send('hostile/in', Buffer.from([0xff, 0x00]).toString('latin1'));
  await received.next();
  await send('hostile/in', { name: 'fine' });
  expect(await received.next()).toEqual({ topic: 'hostile/out/fine/x', body: { name: 'fine' } });
});
