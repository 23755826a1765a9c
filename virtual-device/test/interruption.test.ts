import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Agent, deploy, gone, processesOf, run } from './support/agent.js';
import { componentFolders } from './support/components.js';
import { prepareDevice } from './support/fixtures.js';
import { TestBroker } from './support/iot-broker.js';

let broker: TestBroker;
beforeAll(async () => {
  broker = await TestBroker.start();
});
afterAll(() => broker.stop());

describe('a device that is interrupted', () => {
  it('provisions itself even when it is killed again and again on the way', async () => {
    const device = await prepareDevice(broker, 'D13');
    const stages = ['create', 'register', 'registered'];
    let agent = run(device);
    const kill = () => agent.child.kill('SIGKILL');
    const { provisioning } = broker;
    broker.provisioning = {
      createCertificate() {
        if (stages[0] !== 'create' || !kill()) return 'accept';
        stages.shift();
        return 'silence';
      },
      register(parameters) {
        if (parameters.SerialNumber !== 'D13') return provisioning.register(parameters);
        const stage = stages.shift();
        if (stage !== undefined) kill();
        return stage === 'register' ? 'silence' : { thingName: 'D13' };
      },
    };
    for (let start = 0; start < 3; start++) {
      await agent.exited;
      agent = run(device);
    }
    await agent.event(({ event, thingName }) => event === 'connected' && thingName === 'D13');
    broker.provisioning = provisioning;
    expect(stages).toEqual([]);
    expect(broker.violations).toEqual([]);
    expect(device.claimFiles.some((file) => existsSync(file))).toBe(false);
    expect(
      readdirSync(join(device.root, 'config')).filter((file) => file.startsWith('provisioning')),
    ).toEqual([]);
  });

  it('leaves nothing behind when it is killed, and a second start cleans up what escaped', async () => {
    const device = await prepareDevice(broker, 'D6');
    const agent = run(device);
    await agent.event(({ event }) => event === 'connected');
    const folders = componentFolders({
      name: 'forker',
      lifecycle: { startup: 'sleep 1000 & sleep 1000 & exit 0' },
    });
    expect((await deploy(device, folders, '--merge', 'forker=1.0.0')).code).toBe(0);
    expect(processesOf(device).length).toBeGreaterThanOrEqual(2);
    await agent.stop('SIGKILL');
    await gone(device);
    // As if the guardian had been killed as well: a process of the recorded session is still there.
    const again = new Agent(['run', '--root', device.root, '--json']);
    await again.component('forker', 'RUNNING');
    expect(await again.stop()).toBe(0);
    expect(processesOf(device)).toEqual([]);
  });

  it('has its root for itself, and ends with its parent when asked to', async () => {
    const device = await prepareDevice(broker, 'D7');
    const agent = run(device, '--exit-with-parent');
    await agent.event(({ event }) => event === 'connected');
    const second = run(device);
    expect(await second.exited).toBe(6);
    expect(second.stderr).toMatch(/^A device is already running in /);
    // As when the parent is killed: nobody reads any more either.
    agent.child.stdout?.destroy();
    agent.child.stdin?.end();
    expect(await agent.exited).toBe(0);
    expect(existsSync(join(device.root, 'config', 'agent.json'))).toBe(false);
  });
});
