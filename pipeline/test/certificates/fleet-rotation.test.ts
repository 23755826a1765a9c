import { IoTClient, paginateListCertificates } from '@aws-sdk/client-iot';
import { GetQueueUrlCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { names } from '@mooring/contracts';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { fleetCertificates } from '../../src/certificates/fleet-certificates.js';
import { type FleetRotation, rotateFleet } from '../../src/certificates/fleet-rotation.js';
import { deployLocal } from '../../src/deploy/index.js';
import { clientConfig } from '../../src/target.js';
import { type RunningCloud, startCloud } from '../deploy/running-cloud.js';
import { type FleetLog, RotatingFleet } from './rotating-fleet.js';

/** Devices; `npm run test:fleet` has a thousand of them. */
const SIZE = Number(process.env.MOORING_TEST_FLEET ?? 25);
/** As `Pulumi.local.yaml` has it. */
const PER_SECOND = 50;
const MINUTES = 60_000;

let cloud: RunningCloud;
let fleet: RotatingFleet;
let before: Map<string, string>;
let rotated: FleetRotation;
const progress: string[] = [];

/** The part of the seconds it may take that a device waits: evenly spread, as chance is for many. */
function partOf(thing: string): number {
  return Number(thing.slice('device-'.length)) / SIZE;
}

/** How long the certificates that the local cloud makes from now on are valid; null is AWS IoT's own end of 2049. */
async function setValidity(certificateValidity: string | null): Promise<void> {
  const answer = await fetch(`${cloud.endpointUrl}/_local/certificate-validity`, {
    method: 'PUT',
    body: JSON.stringify({ certificateValidity }),
  });
  expect(answer.status).toBe(200);
}

beforeAll(async () => {
  cloud = await startCloud();
  await deployLocal(cloud.target);
  await setValidity('20d');
  const things = Array.from({ length: SIZE }, (_, index) => `device-${index}`);
  const gateway = { port: cloud.ports.mqtt, rootCa: cloud.rootCa };
  fleet = await RotatingFleet.join(cloud.target, gateway, things, partOf);
  await setValidity(null);
  before = fleet.certificates;
  rotated = await rotateFleet(cloud.target, {
    wait: true,
    timeout: 600,
    onProgress: (line) => progress.push(line),
  });
}, 15 * MINUTES);
afterAll(async () => {
  await fleet?.close();
  await cloud?.stop();
});

it('an audit finds all certificates that expire, and every device ends with a new one', async () => {
  expect(rotated.audit.expiring).toHaveLength(SIZE);
  expect(rotated.rotation?.text).toBe(`${SIZE} of ${SIZE} rotated`);
  expect(fleet.connected).toBe(SIZE);
  const after = fleet.certificates;
  for (const [thing, certificateId] of after) expect(certificateId).not.toBe(before.get(thing));

  const devices = await fleetCertificates(cloud.target);
  expect(devices).toHaveLength(SIZE);
  for (const { thing, certificates, rotation } of devices) {
    expect(rotation.state).toBe('completed');
    expect(certificates).toEqual([
      { certificateId: after.get(thing), status: 'ACTIVE', expires: Date.UTC(2049, 11, 31, 23, 59, 59) },
    ]);
  }
});

it('leaves no certificate behind', async () => {
  const iot = new IoTClient(clientConfig(cloud.target));
  const left: string[] = [];
  for await (const page of paginateListCertificates({ client: iot, pageSize: 250 }, {})) {
    left.push(...(page.certificates ?? []).map(({ certificateId = '' }) => certificateId));
  }
  iot.destroy();
  expect(left.sort()).toEqual([...fleet.certificates.values()].sort());
});

it('asks each device once, to answer at a moment of its own within the seconds that the cloud needs for all', () => {
  const asked = fleet.log.filter(({ event }) => event === 'asked');
  expect(asked).toHaveLength(SIZE);
  const withinSeconds = Math.ceil(SIZE / PER_SECOND);
  for (const one of asked) expect(one.withinSeconds).toBe(withinSeconds);
  const waited = fleet.between('asked', 'csr');
  expect(waited.size).toBe(SIZE);
  // Timers count in whole milliseconds.
  for (const [thing, seconds] of waited) {
    expect(seconds).toBeGreaterThan(partOf(thing) * withinSeconds - 0.002);
  }
});

it('tells how far it is, and leaves nothing to look after', async () => {
  expect(progress[0]).toMatch(/^Audit [-0-9a-f]+ looks at the certificates$/);
  if (SIZE > 20)
    expect(progress.at(-1)).toMatch(new RegExp(`^ {2}\\d+ of ${SIZE} rotated.*; [\\d.]+ a second$`));
  const sqs = new SQSClient(clientConfig(cloud.target));
  const { QueueUrl } = await sqs.send(new GetQueueUrlCommand({ QueueName: names.rotationDeadLetters }));
  const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl }));
  sqs.destroy();
  expect(Messages).toEqual([]);
});

it.runIf(process.env.MOORING_TEST_FLEET !== undefined)('measures', () => {
  const took = [...fleet.between('csr', 'done').values()].sort((a, b) => a - b);
  const count = (event: FleetLog['event']) => fleet.log.filter((one) => one.event === event).length;
  console.info(
    [
      ...progress,
      `${rotated.rotation?.text} in ${rotated.rotation?.seconds.toFixed(1)} s`,
      `signing requests in the busiest second: ${fleet.busiestSecond('csr')}; sent again: ${count('csr again')}`,
      `acknowledgements sent again: ${count('ack again')}`,
      `from signing request to end: median ${took[took.length >> 1]?.toFixed(1)} s, longest ${took.at(-1)?.toFixed(1)} s`,
    ].join('\n'),
  );
});
