import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listComponents } from '../../src/components/list.js';
import { publishComponents } from '../../src/components/publish.js';
import { fleetOverview } from '../../src/fleet/overview.js';
import {
  type ComponentsDeployment,
  type DeployComponentsOptions,
  deployComponents,
} from '../../src/rollout/deploy-components.js';
import { hasFailures } from '../../src/rollout/render.js';
import type { Target } from '../../src/target.js';
import { startFleetCloud, Workshop } from './fleet-cloud.js';
import { PlayedDevices } from './played-devices.js';

const workshop = new Workshop();
let cloud: { target: Target; stop(): Promise<void> };
/** `name version`; these run on no device, or with `@thing` behind them not on that one. */
const broken = new Set<string>();
let devices: PlayedDevices;

async function publish(name: string, script: string): Promise<void> {
  await publishComponents(cloud.target, [workshop.build(name, script)], { onProgress: () => undefined });
}

function deploy(options: Partial<DeployComponentsOptions> = {}): Promise<ComponentsDeployment> {
  return deployComponents(cloud.target, {
    only: [],
    without: [],
    declared: {},
    merges: [],
    resets: [],
    failureThreshold: 20,
    wait: true,
    timeout: 60,
    settle: 0,
    onProgress: () => undefined,
    ...options,
  });
}

const versions = ({ components }: { components: readonly { name: string; version: string | undefined }[] }) =>
  Object.fromEntries(components.map(({ name, version }) => [name, version]));
const outcomes = (deployment: ComponentsDeployment) => Object.fromEntries(deployment.rollout?.outcomes ?? []);

/** A fleet of its own for the tests of one block. */
function ownFleet(): void {
  beforeAll(async () => {
    broken.clear();
    cloud = await startFleetCloud();
    devices = await PlayedDevices.connect(
      cloud.target,
      (thing, name, version) =>
        !broken.has(`${name} ${version}`) && !broken.has(`${name} ${version}@${thing}`),
    );
  });
  afterAll(async () => {
    await devices?.close();
    await cloud?.stop();
  });
}

afterAll(() => workshop.remove());

describe('a small fleet', () => {
  ownFleet();

  it('gets nothing while nothing is published', async () => {
    await expect(deploy()).rejects.toThrow('no component is published');
  });

  it('has a deployment in force before its first device', async () => {
    await publish('docker_led', 'echo led 1');
    const first = await deploy();
    expect(first).toMatchObject({ changed: true, fleetSize: 0, rollout: undefined });
    expect(await deploy()).toMatchObject({ changed: false, revision: first.revision });
    await expect(deploy({ only: ['docker_button'] })).rejects.toThrow('docker_button cannot be deployed');
  });

  it('brings an update to a device that has joined, and says when it is there', async () => {
    await devices.join(['a']);
    await publish('docker_led', 'echo led 2');
    const deployment = await deploy();
    expect(outcomes(deployment)).toEqual({ a: 'succeeded' });
    expect(hasFailures(deployment)).toBe(false);
    expect(devices.installed.get('a')).toEqual({ docker_led: '1.0.1' });
  });

  it('does not wait for a device that is away, and names it', async () => {
    await devices.join(['b'], false);
    await publish('docker_led', 'echo led 3');
    const deployment = await deploy();
    expect(outcomes(deployment)).toEqual({ a: 'succeeded', b: 'queued' });
    expect(deployment.rollout).toMatchObject({ end: 'done', missing: [{ thing: 'b', offline: true }] });
    expect(hasFailures(deployment)).toBe(false);
    await devices.leave('b');
  });

  it('keeps a component that never ran for all to see, and the others running', async () => {
    broken.add('docker_corrupt 1.0.0');
    await publish('docker_corrupt', 'echo wrong');
    const deployment = await deploy();
    expect(hasFailures(deployment)).toBe(true);
    expect(deployment.rollout?.failed).toEqual([{ thing: 'a', reason: 'docker_corrupt is broken' }]);
    expect(deployment.rollout?.broken).toMatchObject([
      { name: 'docker_corrupt', version: '1.0.0', heldBack: true, devices: [{ thing: 'a' }] },
    ]);
    expect(deployment.correction).toBeUndefined();
    expect(devices.installed.get('a')).toEqual({ docker_led: '1.0.2', docker_corrupt: '1.0.0' });
    const { deployment: inForce, broken: named } = await fleetOverview(cloud.target);
    expect(inForce).toMatchObject({ status: 'ACTIVE', devices: { failed: 1 } });
    expect(named).toMatchObject([
      { name: 'docker_corrupt', version: '1.0.0', devices: ['a'], heldBack: true },
    ]);
  });

  it('is never offered the broken version again, while updates of others arrive', async () => {
    await publish('docker_led', 'echo led 4');
    const deployment = await deploy();
    expect(deployment.components).toMatchObject([
      { name: 'docker_corrupt', version: undefined, heldBack: ['1.0.0'] },
      { name: 'docker_led', version: '1.0.3', heldBack: [] },
    ]);
    expect(devices.installed.get('a')).toEqual({ docker_led: '1.0.3' });
    expect(hasFailures(deployment)).toBe(false);
    expect(await listComponents(cloud.target)).toMatchObject([
      { name: 'docker_corrupt', heldBack: ['1.0.0'], deployed: undefined },
      { name: 'docker_led', heldBack: [] },
    ]);
  });

  it('gets the corrected version', async () => {
    await publish('docker_corrupt', 'echo right');
    expect(versions(await deploy())).toEqual({ docker_corrupt: '1.0.1', docker_led: '1.0.3' });
  });

  it('gets the last good version back at once when an update is broken, by itself', async () => {
    broken.add('docker_led 1.0.4');
    await publish('docker_led', 'echo led 5');
    const deployment = await deploy({ merges: [{ component: 'docker_corrupt', merge: { text: 'hello' } }] });
    expect(deployment.correction).toMatchObject({
      takenBack: [{ name: 'docker_led', from: '1.0.4', to: '1.0.3' }],
      rollout: { failed: [], broken: [] },
    });
    expect(hasFailures(deployment)).toBe(true);
    expect(devices.installed.get('a')).toEqual({ docker_led: '1.0.3', docker_corrupt: '1.0.1' });
    const { changed, components } = await deploy();
    expect(changed).toBe(false);
    expect(components[1]).toMatchObject({ name: 'docker_led', version: '1.0.3', heldBack: ['1.0.4'] });
  });

  it('keeps what was configured for devices that join later, until it is reset', async () => {
    const reset = await deploy({ resets: [{ component: 'docker_corrupt', pointer: '/text' }] });
    expect(reset.changed).toBe(true);
    expect((await deploy()).changed).toBe(false);
    expect(reset.revision.components.docker_corrupt).toMatchObject({ merge: {}, reset: ['/text'] });
  });

  it('leaves out what it is told to', async () => {
    expect(versions(await deploy({ without: ['docker_corrupt'] }))).toEqual({
      docker_corrupt: undefined,
      docker_led: '1.0.3',
    });
  });
});

describe('a large fleet', () => {
  ownFleet();
  const things = Array.from({ length: 40 }, (_, index) => `t${String(index + 1).padStart(2, '0')}`);

  it('is kept from a version that breaks the first wave', async () => {
    await devices.join(things);
    await publish('docker_led', 'echo led 1');
    const first = await deploy({ wave: 1000 });
    expect(first.rollout).toMatchObject({ end: 'done', failed: [], missing: [] });

    broken.add('docker_led 1.0.1');
    await publish('docker_led', 'echo led 2');
    await publish('docker_button', 'echo button');
    const deployment = await deploy({ wave: 5 });
    expect(['failing', 'stopped']).toContain(deployment.rollout?.end);
    expect(deployment.rollout?.failed).toHaveLength(5);
    expect(deployment.correction?.takenBack).toEqual([{ name: 'docker_led', from: '1.0.1', to: '1.0.0' }]);
    expect([...devices.installed.values()].filter(({ docker_led }) => docker_led === '1.0.1')).toEqual([]);
  });

  it('goes on without a device whose disk is worn out: that is not the version’s fault', async () => {
    broken.add('docker_led 1.0.2@t07');
    await publish('docker_led', 'echo led 3');
    const deployment = await deploy({ wave: 1000 });
    expect(deployment.rollout).toMatchObject({
      end: 'done',
      failed: [{ thing: 't07' }],
      broken: [{ name: 'docker_led', version: '1.0.2', heldBack: false }],
    });
    expect(deployment.correction).toBeUndefined();
    expect((await deploy()).changed).toBe(false);
  });
});
