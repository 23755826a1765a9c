import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { agentRestartRequest, rebootRequest, writeCommands } from '../../src/component/command-folder.js';
import { Boot } from '../../src/hardware/boot.js';
import { type DeviceEvent, startDevice } from '../../src/index.js';
import { makeLayout } from '../../src/layout.js';
import { watchRequest } from '../../src/request-file.js';
import { deploy, log, processesOf, run } from '../support/agent.js';
import { componentFolders } from '../support/components.js';
import { prepareDevice, temporaryFolder } from '../support/fixtures.js';
import { TestBroker } from '../support/iot-broker.js';

let broker: TestBroker;
beforeAll(async () => {
  broker = await TestBroker.start();
});
afterAll(() => broker.stop());

describe('a boot of the device', () => {
  it('has an id that agents which start again keep, and that a restart changes', () => {
    const layout = makeLayout(join(temporaryFolder(), 'v2'));
    const first = new Boot(layout).begin();
    expect(first).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    expect(new Boot(layout).begin()).toBe(first);
    new Boot(layout).end();
    expect(new Boot(layout).begin()).not.toBe(first);
  });

  it('is ended by reboot and shutdown -r, and by no other use of them', async () => {
    const layout = makeLayout(join(temporaryFolder(), 'v2'));
    writeCommands(layout, { kind: 'docker' });
    expect(existsSync(join(layout.commands, 'docker'))).toBe(false);
    const ask = (command: string) =>
      execFileSync('/bin/sh', ['-c', `PATH=${layout.commands}:$PATH; ${command}`], { stdio: 'pipe' });
    for (const command of ['reboot', 'shutdown -r now', 'shutdown --reboot +0 because']) {
      const asked = new Promise<string>((resolve) => watchRequest(rebootRequest(layout), resolve));
      ask(command);
      expect(await asked).toBe('reboot');
      expect(existsSync(rebootRequest(layout))).toBe(false);
    }
    for (const command of ['shutdown', 'shutdown -h now', 'shutdown -r +5']) {
      expect(() => ask(command)).toThrow(/use shutdown -r now/);
      expect(existsSync(rebootRequest(layout))).toBe(false);
    }
  });

  it('goes on when systemctl restarts the core, which is all that it does', async () => {
    const layout = makeLayout(join(temporaryFolder(), 'v2'));
    writeCommands(layout, { kind: 'docker' });
    const ask = (command: string) =>
      execFileSync('/bin/sh', ['-c', `PATH=${layout.commands}:$PATH; ${command}`], { stdio: 'pipe' });
    for (const command of ['restart greengrass', '--no-block restart greengrass.service']) {
      const asked = new Promise<string>((resolve) => watchRequest(agentRestartRequest(layout), resolve));
      ask(`systemctl ${command}`);
      expect(await asked).toBe(`systemctl ${command.replace('--no-block ', '')}`);
    }
    for (const command of ['', 'reboot', 'stop greengrass', 'restart docker', '-H host restart greengrass']) {
      expect(() => ask(`systemctl ${command}`)).toThrow(/use systemctl restart greengrass\.service/);
      expect(existsSync(agentRestartRequest(layout))).toBe(false);
    }
  });
});

describe('a component that reboots its device', () => {
  it('finds it booted anew, in the same agent, with nothing left running', async () => {
    const device = await prepareDevice(broker, 'R1');
    const agent = run(device, '--container-engine', 'process');
    await agent.event(({ event }) => event === 'connected');
    expect(agent.events.find(({ event }) => event === 'started')?.containers).toBe('process');
    const folders = componentFolders(
      {
        name: 'updater',
        lifecycle: {
          Run: {
            RequiresPrivilege: true,
            Script:
              'echo "boot $(cat $PROCFS_PATH/sys/kernel/random/boot_id)"; [ -e done ] || { touch done; reboot; }; exec sleep 1000',
          },
        },
      },
      { name: 'bystander', lifecycle: { run: 'exec sleep 1000' } },
    );
    await deploy(device, folders, '--merge', 'updater=1.0.0,bystander=1.0.0').catch(() => {});
    await agent.event(({ event, what }) => event === 'restarting' && what === 'device');
    const mark = agent.events.findIndex(({ event }) => event === 'restarting');
    await agent.event(({ event }) => event === 'stopped', mark);
    await agent.event(({ event }) => event === 'started', mark);
    await agent.component('updater', 'RUNNING', mark);
    await agent.component('bystander', 'RUNNING', mark);
    const boots = [...log(device, 'updater').matchAll(/stdout\. boot (\S+)\. /g)].map(([, id]) => id);
    while (!log(device, 'updater').match(/stdout\. boot (\S+)\. /g)?.[1])
      await new Promise((wait) => setTimeout(wait, 20));
    const all = [...log(device, 'updater').matchAll(/stdout\. boot (\S+)\. /g)].map(([, id]) => id);
    expect(new Set(all).size).toBe(2);
    expect(boots[0]).toBe(all[0]);
    expect(await agent.stop()).toBe(0);
    expect(processesOf(device)).toEqual([]);
  });

  it('is told to a program that runs the device, which starts it again', async () => {
    const device = await prepareDevice(broker, 'R2');
    const events: DeviceEvent[] = [];
    const running = await startDevice({
      root: device.root,
      initConfig: device.configFile,
      containerEngine: 'process',
      onEvent: (event) => events.push(event),
    });
    expect(running.containerEngine).toBe('process');
    await running.reboot('for a test');
    await running.stopped;
    expect(events.slice(-2)).toEqual([
      { event: 'restarting', thingName: 'R2', what: 'device', reason: 'for a test' },
      { event: 'stopped', thingName: 'R2' },
    ]);
    const again = await startDevice({ root: device.root, containerEngine: 'process' });
    await again.stop();
  });
});
