import { existsSync, readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { DescribeCertificateCommand } from '@aws-sdk/client-iot';
import { topics } from '@mooring/contracts';
import { rotateCertificates, rotateFleet } from '@mooring/pipeline';
import { NotSeen, type Step, see } from '../step.js';
import { until } from '../wait.js';
import type { World } from '../world.js';
import { certificateOf, isGone, untilAnswers, untilConnected } from './membership.js';

/** Seconds for a rotation; generous, as it only ends what never comes. */
const TIMEOUT = 180;
/** Seconds after which a device that was killed with the request may have lost it. */
const MAY_BE_LOST = 20;

/** Where a rotation is when the device is killed, and how that is seen from outside. */
const STAGES: readonly { readonly name: string; readonly seen: (eyes: Eyes) => boolean }[] = [
  { name: 'requested', seen: ({ heard, thing }) => heard.has(topics.csrRequest(thing)) },
  { name: 'key made', seen: ({ root, generation }) => existsSync(join(root, `${generation + 1}`)) },
  { name: 'CSR sent', seen: ({ heard, thing }) => heard.has(topics.csrResponse(thing)) },
  { name: 'certificate received', seen: ({ heard, thing }) => heard.has(topics.certificate(thing)) },
  { name: 'switched', seen: ({ root, current }) => readlinkSync(join(root, 'current')) !== current },
  { name: 'acknowledged', seen: ({ heard, thing }) => heard.has(topics.certificateAck(thing)) },
];
/** What `--quick` kills at: the others are tests of the component. */
const QUICK_STAGES = ['switched'];

/** What is seen of a device's rotation. */
interface Eyes {
  readonly thing: string;
  /** Topics on which something was sent since the rotation was asked for. */
  readonly heard: ReadonlySet<string>;
  /** The folder with the device's keys and certificates: a folder each, numbered, and the link `current`. */
  readonly root: string;
  /** What `current` led to before. */
  readonly current: string;
  /** The highest number before. */
  readonly generation: number;
}

export const certificateRotation: Step = {
  step: 9,
  name: 'certificate rotation',
  expected:
    'an audit finds the expiring certificate, the device ends with a new certificate id, the old one is revoked and deleted, traffic goes on; also with the device killed at each stage',
  needs: [5],
  async play(world) {
    const thing = world.serials.first;
    const seen = [await byAudit(world, thing)];
    const stages = STAGES.filter(({ name }) => !world.quick || QUICK_STAGES.includes(name));
    for (const stage of stages) seen.push(await killedAt(world, thing, stage));
    return seen.join('; ');
  },
};

/** Gives the device a certificate that ends in 20 days, and lets an audit find it. */
async function byAudit(world: World, thing: string): Promise<string> {
  const target = await world.target();
  const asked = await certificateOf(world, thing);
  await setValidity(world, '20d');
  await rotateByName(world, thing);
  await setValidity(world, null);
  const expiring = await certificateOf(world, thing);
  see(expiring !== asked, 'asked by name, the device kept its certificate');
  const { audit, rotation } = await rotateFleet(target, {
    wait: true,
    timeout: TIMEOUT,
    onProgress: () => undefined,
  });
  see(
    audit.expiring.some((found) => found.certificateId === expiring && found.thing === thing),
    `the audit found ${audit.expiring.length} certificates of ${audit.checked}, and not the one that expires`,
  );
  see(rotation?.done === true, `after the audit: ${rotation?.text ?? 'nothing'}`);
  const renewed = await untilReplaced(world, thing, expiring, TIMEOUT);
  await untilConnected(world, thing);
  await untilAnswers(world, thing, 3);
  return `asked by name: ${short(asked)} → ${short(expiring)}, for 20 days; found by an audit of ${audit.checked}: → ${short(renewed)}, the one before deleted, 3 Hz answered`;
}

/** Kills the device when its rotation is at a stage, switches it on again, and sees how it ends. */
async function killedAt(world: World, thing: string, stage: (typeof STAGES)[number]): Promise<string> {
  const device = world.devices.get(thing);
  if (!device) throw new NotSeen('device 1 does not run');
  const target = await world.target();
  const old = await certificateOf(world, thing);
  const root = join(device.root, 'device-certificates');
  const heard = await hear(world, thing);
  const eyes = { thing, heard, root, current: readlinkSync(join(root, 'current')), generation: newest(root) };
  heard.clear();
  const [asked] = await rotateCertificates(target, [thing], {
    wait: false,
    timeout: TIMEOUT,
    onProgress: () => undefined,
  });
  see(asked?.outcome === 'requested', `the device was not asked: ${asked?.reason ?? asked?.outcome}`);
  await untilSeen(world, stage, eyes);
  await device.child.kill();

  await world.boot(thing);
  await untilConnected(world, thing);
  let renewed: string;
  try {
    renewed = await untilReplaced(world, thing, old, stage.name === 'requested' ? MAY_BE_LOST : TIMEOUT);
  } catch (error) {
    if (stage.name !== 'requested') throw error;
    // The request may have been lost with the device's memory: the next audit asks again.
    await rotateByName(world, thing);
    renewed = await untilReplaced(world, thing, old, TIMEOUT);
  }
  await untilConnected(world, thing);
  await untilAnswers(world, thing, 2);
  return `killed at "${stage.name}": → ${short(renewed)}`;
}

/** Looks without a pause: what is waited for is over soon. */
async function untilSeen(world: World, { name, seen }: (typeof STAGES)[number], eyes: Eyes): Promise<void> {
  const end = performance.now() + TIMEOUT * 1000;
  while (!seen(eyes)) {
    if (performance.now() > end)
      throw new NotSeen(`the rotation did not get to "${name}" within ${TIMEOUT} s`);
    if (world.signal.aborted) throw new NotSeen(`the rotation at "${name}": interrupted`);
    await delay(2);
  }
}

const listening = new WeakMap<World, Set<string>>();

/** The topics of a device's rotation on which something is sent. */
async function hear(world: World, thing: string): Promise<Set<string>> {
  const known = listening.get(world);
  if (known) return known;
  const heard = new Set<string>();
  listening.set(world, heard);
  const cloud = await world.topics();
  for (const topic of [topics.csrRequest, topics.csrResponse, topics.certificate, topics.certificateAck]) {
    await cloud.subscribe(topic(thing), (from) => heard.add(from));
  }
  return heard;
}

async function rotateByName(world: World, thing: string): Promise<void> {
  const [rotated] = await rotateCertificates(await world.target(), [thing], {
    wait: true,
    timeout: TIMEOUT,
    onProgress: () => undefined,
  });
  see(
    rotated?.outcome === 'rotated',
    `asked by name, the device is ${rotated?.outcome}: ${rotated?.reason ?? rotated?.stage}`,
  );
}

/** Waits until a thing has one certificate, another than before, and that one is gone. Returns the new one's id. */
async function untilReplaced(world: World, thing: string, old: string, timeout: number): Promise<string> {
  const { iot } = await world.clients();
  await until(
    `certificate ${short(old)} of ${thing} is deleted`,
    async () => (await isGone(iot.send(new DescribeCertificateCommand({ certificateId: old })))) || undefined,
    world.signal,
    timeout,
  );
  const certificateId = await certificateOf(world, thing);
  const { certificateDescription } = await iot.send(new DescribeCertificateCommand({ certificateId }));
  see(certificateDescription?.status === 'ACTIVE', `its certificate is ${certificateDescription?.status}`);
  return certificateId;
}

/** How long the certificates that the local cloud makes from now on are valid; null is AWS IoT's own end of 2049. */
async function setValidity(world: World, certificateValidity: string | null): Promise<void> {
  const { endpointUrl } = await world.cloud();
  const answer = await fetch(`${endpointUrl}/_local/certificate-validity`, {
    method: 'PUT',
    body: JSON.stringify({ certificateValidity }),
  });
  see(answer.ok, `the validity of certificates cannot be set: ${answer.status}`);
}

function newest(root: string): number {
  return Math.max(
    ...readdirSync(root)
      .filter((name) => /^\d+$/.test(name))
      .map(Number),
  );
}

function short(certificateId: string): string {
  return `${certificateId.slice(0, 8)}…`;
}
