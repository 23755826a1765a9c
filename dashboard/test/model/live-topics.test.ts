import fc from 'fast-check';
import { expect, test } from 'vitest';
import { changeOf } from '../../src/model/live-topics.js';

const bytes = (message: unknown) => new TextEncoder().encode(JSON.stringify(message));
const id = 'ab'.repeat(32);

test.each([
  ['lambda/t/frequency', { frequency: 2 }, { kind: 'frequency', thing: 't', frequency: 2 }],
  ['lambda/t/frequency', { frequency: 'fast' }, undefined],
  ['lambda/t/button', { state: false }, { kind: 'button', thing: 't', blinking: false }],
  ['device/t/csr_req', {}, { kind: 'rotation', thing: 't', stage: 'requested' }],
  [
    'device/t/crt',
    { certificateArn: 'a', certificateId: id, certificatePem: 'p' },
    { kind: 'rotation', thing: 't', stage: 'issued', certificateId: id },
  ],
  ['device/t/crt_done', { certificateArn: 'a' }, { kind: 'rotation', thing: 't', stage: 'completed' }],
  [
    '$aws/events/presence/connected/t',
    { clientId: 't', timestamp: 5, eventType: 'connected' },
    { kind: 'connection', thing: 't', connected: true, at: 5 },
  ],
  [
    '$aws/events/presence/connected/t#2',
    { clientId: 't#2', timestamp: 5, eventType: 'connected' },
    undefined,
  ],
  [
    '$aws/events/jobExecution/j/succeeded',
    { jobId: 'j', thingArn: 'arn:aws:iot:eu-central-1:0:thing/t' },
    { kind: 'job', thing: 't', jobId: 'j' },
  ],
  ['$aws/events/thing/t/created', {}, { kind: 'thing', thing: 't', exists: true }],
  ['$aws/events/thing/t/deleted', {}, { kind: 'thing', thing: 't', exists: false }],
  ['$aws/events/thing/t/updated', {}, undefined],
  ['lambda/t/frequency/more', { frequency: 2 }, undefined],
])('%s %j', (topic, message, change) => {
  expect(changeOf(topic, bytes(message))).toEqual(change);
});

test('takes any topic and any bytes', () => {
  const level = fc.constantFrom('$aws', 'events', 'lambda', 'device', 'frequency', 'presence', 't', '', '+');
  const topic = fc.array(level, { maxLength: 6 }).map((levels) => levels.join('/'));
  const payload = fc.oneof(
    fc.uint8Array(),
    fc.json().map((text) => new TextEncoder().encode(text)),
  );
  fc.assert(
    fc.property(topic, payload, (name, content) => {
      changeOf(name, content);
    }),
  );
});
