import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parse } from 'yaml';
import { Agent, gone } from '../support/agent.js';
import { type PreparedDevice, prepareDevice } from '../support/fixtures.js';
import { GreengrassCloud } from '../support/greengrass-cloud.js';
import { TestBroker } from '../support/iot-broker.js';

let broker: TestBroker;
let cloud: GreengrassCloud;
beforeAll(async () => {
  broker = await TestBroker.start();
  cloud = await GreengrassCloud.start(broker);
});
afterAll(async () => {
  await cloud.stop();
  await broker.stop();
});

const SCRIPT = fileURLToPath(new URL('../support/mortal-agent.mjs', import.meta.url));

function start(device: PreparedDevice, stage?: string): Agent {
  const told = JSON.stringify({ root: device.root, initConfig: device.configFile, stage });
  return new Agent([told], {}, SCRIPT);
}

/** The set in force on disk, as the version that each component has, and what its recipe and artifact there say. */
function onDisk(device: PreparedDevice): Record<string, string> {
  const text = readFileSync(join(device.root, 'config', 'effectiveConfig.yaml'), 'utf8');
  const services: Record<string, { version?: string }> = parse(text).services;
  return Object.fromEntries(
    ['p.app', 'p.lib', 'p.same'].map((name) => {
      const version = services[name]?.version ?? 'absent';
      const recipe = readFileSync(
        join(device.root, 'packages', 'recipes', `${name}-${version}.json`),
        'utf8',
      );
      const mark = /generation-\d/.exec(recipe)?.[0];
      const artifact = join(device.root, 'packages', 'artifacts', name, version, 'file');
      return [name, `${mark} ${readFileSync(artifact, 'utf8')}`];
    }),
  );
}

const generation = (number: number) => ({
  'p.app': `generation-${number} ${number}`,
  'p.lib': `generation-${number} ${number}`,
  'p.same': `generation-${number} ${number}`,
});

/** All three components anew; one of them under the version that it had. */
function put(number: number, run = 'exec sleep 1000'): void {
  const lifecycle = { Run: `echo generation-${number}; ${run}` };
  const artifacts = { file: String(number) };
  cloud.put({
    name: 'p.lib',
    version: `${number}.0.0`,
    lifecycle: { Run: `echo generation-${number}; exec sleep 1000` },
    artifacts,
  });
  cloud.put({
    name: 'p.app',
    version: `${number}.0.0`,
    lifecycle,
    artifacts,
    dependencies: { 'p.lib': { VersionRequirement: `=${number}.0.0` } },
  });
  cloud.put({ name: 'p.same', lifecycle: { Run: `echo generation-${number}; exec sleep 1000` }, artifacts });
}

const wanted = (number: number) =>
  cloud.document({ 'p.app': `${number}.0.0`, 'p.same': '1.0.0' }, { revision: number });

it('comes up with the old set or the new one wherever it is cut off, goes on, and reports once', async () => {
  const device = await prepareDevice(broker, 'P1', { nucleus: cloud.nucleus });
  put(1);
  let agent = start(device);
  await agent.event(({ event }) => event === 'connected');
  expect((await cloud.deploy('P1', wanted(1))).status).toBe('SUCCEEDED');
  expect(await agent.stop()).toBe(0);
  expect(onDisk(device)).toEqual(generation(1));

  put(2);
  const stages = [
    ...[
      'RECEIVED',
      'RESOLVING',
      'DOWNLOADING',
      'VALIDATING',
      'NOTIFYING',
      'STOPPING',
      'STOPPED',
      'COMMITTING',
    ],
    ...['PACKAGES_IN_PLACE', 'COMMITTED', 'BOOTSTRAPPING', 'STARTING', 'WAITING', 'ENDING', 'ENDED'],
  ];
  const jobId = cloud.queueJob('P1', wanted(2));
  const sets: string[] = [];
  for (const stage of stages) {
    agent = start(device, stage);
    await agent.exited;
    expect(agent.child.signalCode, `${stage}: ${agent.stderr}`).toBe('SIGKILL');
    await gone(device);
    if (stage === 'PACKAGES_IN_PLACE' || stage === 'COMMITTING') continue; // Between the two: see the next start.
    const set = onDisk(device);
    expect([generation(1), generation(2)]).toContainEqual(set);
    sets.push(`${stage} ${set['p.app']}`);
  }
  expect(sets.slice(0, 7).every((set) => set.endsWith('generation-1 1'))).toBe(true);
  expect(sets.slice(7).every((set) => set.endsWith('generation-2 2'))).toBe(true);
  agent = start(device);
  expect((await cloud.jobEnded('P1', jobId)).status).toBe('SUCCEEDED');
  await agent.component('p.app', 'RUNNING');
  expect(agent.events.some(({ event }) => event === 'deployment-stage')).toBe(false);
  expect(onDisk(device)).toEqual(generation(2));
  expect(await agent.stop()).toBe(0);
  const told = cloud.updatesOf('P1', jobId).map(({ status }) => status);
  expect(told).toEqual(['IN_PROGRESS', 'SUCCEEDED']);
});

it('takes a failed set back wherever it is cut off', async () => {
  const device = await prepareDevice(broker, 'P2', { nucleus: cloud.nucleus });
  put(1);
  let agent = start(device);
  await agent.event(({ event }) => event === 'connected');
  expect((await cloud.deploy('P2', wanted(1))).status).toBe('SUCCEEDED');
  expect(await agent.stop()).toBe(0);
  put(3, 'exit 1');
  const jobId = cloud.queueJob('P2', wanted(3));
  for (const stage of ['WAITING', 'REVERTING', 'PACKAGES_REVERTED', 'REVERTED', 'ROLLING_BACK', 'ENDING']) {
    agent = start(device, stage);
    await agent.exited;
    expect(agent.child.signalCode, `${stage}: ${agent.stderr}`).toBe('SIGKILL');
    await gone(device);
    if (stage !== 'PACKAGES_REVERTED') expect([generation(1), generation(3)]).toContainEqual(onDisk(device));
  }
  agent = start(device);
  const { status, statusDetails } = await cloud.jobEnded('P2', jobId);
  expect(status).toBe('FAILED');
  expect(statusDetails).toMatchObject({
    'detailed-deployment-status': 'FAILED_ROLLBACK_COMPLETE',
    'deployment-failure-cause': expect.stringContaining('p.app: The run script exited with code 1'),
  });
  await agent.component('p.app', 'RUNNING');
  expect(onDisk(device)).toEqual(generation(1));
});
