import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { GetCoreDeviceCommand } from '@aws-sdk/client-greengrassv2';
import {
  DescribeCertificateCommand,
  DescribeThingCommand,
  GetThingConnectivityDataCommand,
  ListThingPrincipalsCommand,
} from '@aws-sdk/client-iot';
import { fetchImageFiles, setFrequency, syncFleet } from '@mooring/pipeline';
import mqtt from 'mqtt';
import { NotSeen, type Step, see } from '../step.js';
import { until } from '../wait.js';
import type { BootedDevice, World } from '../world.js';

/** Of a device's one certificate. @throws NotSeen when it has another number of them. */
export async function certificateOf(world: World, thing: string): Promise<string> {
  const { iot } = await world.clients();
  const { principals = [] } = await iot.send(new ListThingPrincipalsCommand({ thingName: thing }));
  see(principals.length === 1, `${thing} has ${principals.length} certificates`);
  return principals[0]?.split('/').at(-1) ?? '';
}

/** Waits until a device talks with the cloud again. */
export async function untilConnected(world: World, thing: string): Promise<void> {
  const { iot } = await world.clients();
  await until(
    `${thing} is connected`,
    async () => {
      const { connected } = await iot.send(new GetThingConnectivityDataCommand({ thingName: thing }));
      return connected || undefined;
    },
    world.signal,
    120,
  );
}

/**
 * Asks a device for another frequency until it answers: its LED component may still be starting, and a message that
 * comes before it listens is lost.
 */
export async function untilAnswers(world: World, thing: string, hertz: number): Promise<void> {
  const cloud = await world.topics();
  let problem = '';
  await until(
    () => `${thing} answers ${hertz} Hz (${problem})`,
    async () => {
      try {
        return await setFrequency(cloud, thing, hertz);
      } catch (error) {
        problem = error instanceof Error ? error.message : String(error);
        return undefined;
      }
    },
    world.signal,
    120,
  );
}

export const takeOffTheAllowlist: Step = {
  step: 14,
  name: 'take a device off the allowlist',
  expected:
    'thing, core device and certificate deleted, its connection dropped, reconnection refused; the others stay',
  needs: [6],
  async play(world) {
    const { first, second } = world.serials;
    const device = bootedDevice(world, second);
    await untilConnected(world, second);
    const certificateId = await certificateOf(world, second);
    const dropped: string[] = [];
    const cloud = await world.topics();
    await cloud.subscribe(`$aws/events/presence/disconnected/${second}`, (_topic, payload) => {
      dropped.push(Buffer.from(payload).toString('utf8'));
    });

    const { outcomes } = await syncFleet(await world.target(), { allowlist: `${first}\n`, confirmed: 1 });
    const failed = outcomes.find((outcome) => outcome.failed);
    see(!failed, `${failed?.thing} could not be removed: ${failed?.problem}`);

    const { iot, greengrass } = await world.clients();
    const left: string[] = [];
    const asked: [what: string, ask: () => Promise<unknown>][] = [
      ['thing', () => iot.send(new DescribeThingCommand({ thingName: second }))],
      ['certificate', () => iot.send(new DescribeCertificateCommand({ certificateId }))],
      ['core device', () => greengrass.send(new GetCoreDeviceCommand({ coreDeviceThingName: second }))],
    ];
    for (const [what, ask] of asked) if (!(await isGone(ask()))) left.push(what);
    see(left.length === 0, `still there: ${left.join(', ')}`);
    await until('its connection is dropped', async () => dropped[0], world.signal);
    const refusal = await refusedConnection(world, device);
    await device.child.stop();
    world.devices.delete(second);

    await untilConnected(world, first);
    await untilAnswers(world, first, 2);
    return `${second}: thing, core device and certificate ${certificateId.slice(0, 8)}… deleted, connection dropped (${reasonOf(dropped[0])}), a new one: ${refusal}; ${first} answers as before`;
  },
};

function bootedDevice(world: World, thing: string): BootedDevice {
  const device = world.devices.get(thing);
  if (!device) throw new NotSeen(`${thing} does not run`);
  return device;
}

/** Whether AWS answers that there is no such resource. */
export async function isGone(asked: Promise<unknown>): Promise<boolean> {
  try {
    await asked;
    return false;
  } catch (error) {
    return (
      error instanceof Error && ['ResourceNotFoundException', 'NoSuchEntityException'].includes(error.name)
    );
  }
}

/** Tries to connect with what the device has on its disk. @returns how it was refused. */
async function refusedConnection(world: World, { root, thing }: BootedDevice): Promise<string> {
  const { config, rootCa } = await fetchImageFiles(await world.target(), await world.account());
  const [host = 'localhost', port = '8883'] = config.iotDataEndpoint.split(':');
  const client = await mqtt
    .connectAsync(
      `mqtts://${host}:${port}`,
      {
        ca: rootCa,
        cert: readFileSync(join(root, 'thingCert.crt')),
        key: readFileSync(join(root, 'privKey.key')),
        clientId: thing,
        reconnectPeriod: 0,
        connectTimeout: 10_000,
      },
      false,
    )
    .catch((error: unknown) => (error instanceof Error ? error.message : String(error)));
  if (typeof client === 'string') return client;
  await client.endAsync();
  throw new NotSeen('the device can still connect');
}

function reasonOf(event = '{}'): string {
  const { disconnectReason } = JSON.parse(event) as { disconnectReason?: string };
  return disconnectReason ?? 'no reason told';
}
