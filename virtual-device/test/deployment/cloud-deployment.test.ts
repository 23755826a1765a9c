import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { Agent, command, deploy, log, run } from '../support/agent.js';
import { componentFolders } from '../support/components.js';
import { type PreparedDevice, prepareDevice } from '../support/fixtures.js';
import { GreengrassCloud } from '../support/greengrass-cloud.js';
import { TestBroker } from '../support/iot-broker.js';

let broker: TestBroker;
let cloud: GreengrassCloud;
beforeAll(async () => {
  broker = await TestBroker.start();
  cloud = await GreengrassCloud.start(broker);
});
afterEach(() => {
  cloud.intercept = () => undefined;
});
afterAll(async () => {
  await cloud.stop();
  await broker.stop();
});

const SLEEPER = { Run: 'exec sleep 1000' };

async function started(thing: string): Promise<{ device: PreparedDevice; agent: Agent }> {
  const device = await prepareDevice(broker, thing, { nucleus: cloud.nucleus });
  const agent = run(device);
  await agent.event(({ event }) => event === 'connected');
  return { device, agent };
}

async function components(device: PreparedDevice): Promise<Record<string, string>> {
  const { stdout } = await command('component', 'list', '--root', device.root, '--json');
  const list = JSON.parse(stdout) as { componentName: string; version: string; state: string }[];
  return Object.fromEntries(
    list.map(({ componentName, version, state }) => [componentName, `${version} ${state}`]),
  );
}

const services = (device: PreparedDevice) =>
  parse(readFileSync(join(device.root, 'config', 'effectiveConfig.yaml'), 'utf8')).services;

const health = (thing: string, fits: (message: Record<string, unknown>) => boolean) =>
  broker
    .message(
      ({ topic, payload }) =>
        topic === `$aws/things/${thing}/greengrassv2/health/json` && fits(JSON.parse(payload)),
    )
    .then(({ payload }) => JSON.parse(payload));

describe('a deployment to a thing group', () => {
  it('comes as a job: resolved by the cloud, downloaded, run, reported once; the next revision replaces it', async () => {
    cloud.put({ name: 'g.base', version: '1.2.0', lifecycle: SLEEPER });
    cloud.put({ name: 'g.base', version: '2.0.0', lifecycle: SLEEPER });
    cloud.put({
      name: 'g.app',
      configuration: { greeting: 'hello' },
      dependencies: {
        'g.base': { VersionRequirement: '^1.0.0', DependencyType: 'HARD' },
        'aws.greengrass.TokenExchangeService': { VersionRequirement: '^2.0.0', DependencyType: 'HARD' },
        'aws.greengrass.Nucleus': { VersionRequirement: '>=2.0.0 <3.0.0', DependencyType: 'SOFT' },
      },
      artifacts: { 'say.sh': 'echo "$1 {configuration:/greeting}"; exec sleep 1000\n' },
      lifecycle: { Run: "sh {artifacts:path}/say.sh '{configuration:/greeting}'" },
    });
    const { device } = await started('G1');
    const document = cloud.document({
      'g.app': { version: '1.0.0', configurationUpdate: { merge: { greeting: 'hi' } } },
    });
    const jobId = cloud.queueJob('G1', document);
    expect(await cloud.jobEnded('G1', jobId)).toEqual({
      status: 'SUCCEEDED',
      statusDetails: { 'detailed-deployment-status': 'SUCCESSFUL' },
    });
    expect(cloud.updatesOf('G1', jobId).map(({ status }) => status)).toEqual(['IN_PROGRESS', 'SUCCEEDED']);
    expect(await components(device)).toEqual({
      'aws.greengrass.TokenExchangeService': '2.0.3 RUNNING',
      'g.base': '1.2.0 RUNNING',
      'g.app': '1.0.0 RUNNING',
    });
    expect(log(device, 'g.app')).toContain('stdout. hi ');
    const asked = cloud.requests.find(({ body }) => JSON.stringify(body).includes('"g.base"'));
    expect(asked?.body).toMatchObject({
      componentCandidates: [{ componentName: 'g.base', versionRequirements: { 'g.app': '^1.0.0' } }],
      platform: { attributes: { os: 'linux' } },
    });
    const arn = document.configurationArn;
    expect(services(device).DeploymentService.GroupToRootComponents).toEqual({
      'thinggroup/fleet': { 'g.app': { version: '1.0.0', groupConfigArn: arn } },
    });
    const message = await health('G1', ({ trigger }) => trigger === 'THING_GROUP_DEPLOYMENT');
    expect(message.deploymentInformation).toEqual({
      status: 'SUCCEEDED',
      statusDetails: { detailedStatus: 'SUCCESSFUL' },
      fleetConfigurationArnForStatus: arn,
      deploymentId: document.deploymentId,
      unchangedRootComponents: [],
    });
    expect(message.components).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ componentName: 'g.app', isRoot: true, fleetConfigArns: [arn] }),
        expect.objectContaining({ componentName: 'g.base', isRoot: false, fleetConfigArns: [arn] }),
        expect.objectContaining({
          componentName: 'aws.greengrass.TokenExchangeService',
          version: '2.0.3',
          status: 'RUNNING',
        }),
      ]),
    );

    // The next revision drops the one and brings another; the other group keeps what it needs.
    cloud.put({ name: 'g.other', lifecycle: SLEEPER });
    cloud.thingGroups.set('G1', ['fleet', 'second']);
    const second = cloud.document({ 'g.base': '1.2.0' }, { target: 'thinggroup/second' });
    expect((await cloud.deploy('G1', second)).status).toBe('SUCCEEDED');
    const next = cloud.document({ 'g.other': '>=1.0.0' }, { revision: 2 });
    expect((await cloud.deploy('G1', next)).status).toBe('SUCCEEDED');
    expect(await components(device)).toEqual({ 'g.base': '1.2.0 RUNNING', 'g.other': '1.0.0 RUNNING' });
    const removal = await health('G1', ({ components: list }) =>
      JSON.stringify(list).includes('UNINSTALLED'),
    );
    expect(removal.components).toContainEqual(
      expect.objectContaining({ componentName: 'g.app', status: 'UNINSTALLED', version: '' }),
    );
    expect(existsSync(join(device.root, 'packages', 'artifacts', 'g.app'))).toBe(false);
    expect(
      readdirSync(join(device.root, 'packages', 'recipes')).some((file) => file.startsWith('g.app')),
    ).toBe(false);

    // Out of the second group: its roots go with the next deployment, whatever that is.
    cloud.thingGroups.set('G1', ['fleet']);
    const third = cloud.document({ 'g.other': '1.0.0' }, { revision: 3 });
    expect((await cloud.deploy('G1', third)).status).toBe('SUCCEEDED');
    expect(await components(device)).toEqual({ 'g.other': '1.0.0 RUNNING' });
    const stale = await cloud.deploy('G1', { ...next, deploymentId: 'stale' });
    expect(stale).toMatchObject({
      status: 'REJECTED',
      statusDetails: { 'detailed-deployment-status': 'REJECTED' },
    });
  });

  it('refuses with the reason what cannot be, and leaves everything as it is', async () => {
    cloud.put({ name: 'r.keep', lifecycle: SLEEPER });
    cloud.put({ name: 'r.a', dependencies: { 'r.b': { VersionRequirement: '*' } } });
    cloud.put({ name: 'r.b', dependencies: { 'r.a': { VersionRequirement: '*' } } });
    cloud.put({ name: 'r.plugin', type: 'aws.greengrass.plugin' });
    cloud.put({ name: 'r.malformed', text: '{"RecipeFormatVersion":"2020-01-25"}' });
    cloud.put({
      name: 'r.else',
      lifecycle: SLEEPER,
      dependencies: { 'r.keep': { VersionRequirement: '^2.0.0' } },
    });
    cloud.put({
      name: 'r.digest',
      artifacts: { file: 'other' },
      manifestArtifacts: [{ Uri: 'greengrass:file', Digest: 'AAAA', Algorithm: 'SHA-256' }],
    });
    cloud.put({
      name: 'r.gone',
      manifestArtifacts: [{ Uri: 'greengrass:file', Digest: 'AAAA', Algorithm: 'SHA-256' }],
    });
    cloud.put({ name: 'r.scheme', manifestArtifacts: [{ Uri: 'ftp://x/y' }] });
    const { device, agent } = await started('G2');
    expect((await cloud.deploy('G2', cloud.document({ 'r.keep': '1.0.0' }))).status).toBe('SUCCEEDED');
    const mark = agent.events.length;
    const cases: [Record<string, unknown>, RegExp, string][] = [
      [
        { 'r.nowhere': '1.0.0' },
        /No version of r\.nowhere fits \(1\.0\.0 for thinggroup\/fleet\).*no usable version/,
        'NO_AVAILABLE_COMPONENT_VERSION',
      ],
      [{ 'r.a': '1.0.0' }, /in a circle: r\.a → r\.b → r\.a/, 'COMPONENT_CIRCULAR_DEPENDENCY_ERROR'],
      [
        { 'r.keep': '1.0.0', 'r.else': '1.0.0' },
        /No version of r\.keep fits .*\^2\.0\.0 for r\.else/,
        'COMPONENT_VERSION_REQUIREMENTS_NOT_MET',
      ],
      [
        { 'r.plugin': '1.0.0' },
        /r\.plugin 1\.0\.0 is a aws\.greengrass\.plugin/,
        'CUSTOM_PLUGIN_NOT_SUPPORTED',
      ],
      [
        { 'r.malformed': '1.0.0' },
        /The recipe of r\.malformed 1\.0\.0 .*ComponentName is missing/s,
        'RECIPE_PARSE_ERROR',
      ],
      [
        { 'r.digest': '1.0.0' },
        /greengrass:file of r\.digest 1\.0\.0 is not what its recipe promises/,
        'ARTIFACT_CHECKSUM_MISMATCH',
      ],
      [
        { 'r.gone': '1.0.0' },
        /greengrass:file of r\.gone 1\.0\.0 cannot be downloaded: the server answered 404/,
        'DOWNLOAD_GREENGRASS_ARTIFACT_ERROR',
      ],
      [{ 'r.scheme': '1.0.0' }, /none of the schemes/, 'UNSUPPORTED_ARTIFACT_SCHEME'],
      [
        { 'r.keep': 'one' },
        /r\.keep in version one, which is no version range/,
        'COMPONENT_METADATA_NOT_VALID_IN_DEPLOYMENT',
      ],
      [
        { 'aws.greengrass.Nucleus': '3.0.0' },
        /The nucleus of this device is 2\.15\.0/,
        'COMPONENT_VERSION_REQUIREMENTS_NOT_MET',
      ],
    ];
    for (const [index, [roots, reason, code]] of cases.entries()) {
      const { status, statusDetails } = await cloud.deploy(
        'G2',
        cloud.document(roots, { revision: index + 2 }),
      );
      expect(status).toBe('FAILED');
      expect(statusDetails['deployment-failure-cause']).toMatch(reason);
      expect(JSON.parse(statusDetails['deployment-error-stack'] ?? '')).toEqual(
        expect.arrayContaining(['DEPLOYMENT_FAILURE', code]),
      );
      expect(statusDetails['detailed-deployment-status']).toBe('FAILED_NO_STATE_CHANGE');
    }
    const capability = await cloud.deploy('G2', cloud.document({}, { requiredCapabilities: ['MAGIC'] }));
    expect(capability.statusDetails['deployment-failure-cause']).toContain('MAGIC');
    expect(agent.events.slice(mark).filter(({ event }) => event === 'component')).toEqual([]);
    expect(await components(device)).toEqual({ 'r.keep': '1.0.0 RUNNING' });
  });

  it('goes on with a broken download, waits for a data plane that is away, and needs none for what it has', async () => {
    const content = Buffer.alloc(300_000, 'x');
    cloud.put({ name: 'd.app', artifacts: { big: content }, lifecycle: SLEEPER });
    cloud.put({ name: 'd.next', lifecycle: SLEEPER });
    const { device, agent } = await started('G3');
    cloud.cuts.push(100_000);
    const first = await cloud.deploy('G3', cloud.document({ 'd.app': '1.0.0' }));
    expect(first.status).toBe('SUCCEEDED');
    const ranges = cloud.artifactRequests.filter(({ name }) => name === 'big').map(({ range }) => range);
    expect(ranges[0]).toBe('bytes=0-');
    expect(ranges[1]).toMatch(/^bytes=[1-9]\d*-$/);
    const folder = join(device.root, 'packages', 'artifacts', 'd.app', '1.0.0');
    expect(readdirSync(folder)).toEqual(['big']);
    expect(readFileSync(join(folder, 'big')).equals(content)).toBe(true);

    await cloud.unplug();
    const again = await cloud.deploy(
      'G3',
      cloud.document(
        { 'd.app': { version: '1.0.0', configurationUpdate: { merge: { x: 1 } } } },
        { revision: 2 },
      ),
    );
    expect(again.status).toBe('SUCCEEDED');
    const jobId = cloud.queueJob('G3', cloud.document({ 'd.next': '1.0.0' }, { revision: 3 }), 'notify-next');
    await agent.event(
      ({ event, stage }) => event === 'deployment-stage' && stage === 'RESOLVING',
      agent.events.length,
    );
    await cloud.listen();
    expect((await cloud.jobEnded('G3', jobId)).status).toBe('SUCCEEDED');
  });

  it('is given up when the cloud takes it back before anything is changed, for the newer one', async () => {
    cloud.put({ name: 'c.old', lifecycle: SLEEPER });
    cloud.put({ name: 'c.new', lifecycle: SLEEPER });
    const { device, agent } = await started('G4');
    cloud.intercept = (path) =>
      path.endsWith('resolveComponentCandidates') ? { status: 500, body: { message: 'later' } } : undefined;
    const old = cloud.queueJob('G4', cloud.document({ 'c.old': '1.0.0' }));
    await agent.event(({ stage }) => stage === 'RESOLVING');
    cloud.cancelJob('G4', old);
    await agent.event(({ event, status }) => event === 'deployment' && status === 'CANCELED');
    cloud.intercept = () => undefined;
    const result = await cloud.deploy('G4', cloud.document({ 'c.new': '1.0.0' }, { revision: 2 }));
    expect(result.status).toBe('SUCCEEDED');
    expect(cloud.updatesOf('G4', old).filter(({ status }) => status !== 'IN_PROGRESS')).toEqual([]);
    expect(await components(device)).toEqual({ 'c.new': '1.0.0 RUNNING' });
  });

  it('rolls back or not as its policy says, and mends what is broken with the next', async () => {
    cloud.put({ name: 'b.app', lifecycle: SLEEPER });
    cloud.put({ name: 'b.good', lifecycle: SLEEPER });
    cloud.put({ name: 'b.app', version: '2.0.0', lifecycle: { Run: 'exit 3' } });
    const { device } = await started('G5');
    expect((await cloud.deploy('G5', cloud.document({ 'b.app': '1.0.0' }))).status).toBe('SUCCEEDED');
    const rolledBack = await cloud.deploy(
      'G5',
      cloud.document({ 'b.app': '2.0.0', 'b.good': '1.0.0' }, { revision: 2 }),
    );
    expect(rolledBack.status).toBe('FAILED');
    expect(rolledBack.statusDetails).toMatchObject({
      'detailed-deployment-status': 'FAILED_ROLLBACK_COMPLETE',
      'deployment-error-stack': '["DEPLOYMENT_FAILURE","COMPONENT_UPDATE_ERROR","COMPONENT_BROKEN"]',
      'deployment-error-types': '["USER_COMPONENT_ERROR"]',
    });
    expect(rolledBack.statusDetails['deployment-failure-cause']).toContain(
      'b.app: The run script exited with code 3',
    );
    expect(await components(device)).toEqual({ 'b.app': '1.0.0 RUNNING' });
    const left = await cloud.deploy(
      'G5',
      cloud.document(
        { 'b.app': '2.0.0', 'b.good': '1.0.0' },
        { revision: 3, failureHandlingPolicy: 'DO_NOTHING' },
      ),
    );
    expect(left.statusDetails['detailed-deployment-status']).toBe('FAILED_ROLLBACK_NOT_REQUESTED');
    expect(await components(device)).toEqual({ 'b.app': '2.0.0 BROKEN', 'b.good': '1.0.0 RUNNING' });
    expect(services(device).DeploymentService.GroupToRootComponents['thinggroup/fleet']).toHaveProperty([
      'b.good',
    ]);
    const same = await cloud.deploy(
      'G5',
      cloud.document({ 'b.app': '2.0.0' }, { revision: 4, failureHandlingPolicy: 'DO_NOTHING' }),
    );
    expect(same.statusDetails['deployment-failure-cause']).toContain('b.app');
    const mended = await cloud.deploy('G5', cloud.document({ 'b.app': '1.0.0' }, { revision: 5 }));
    expect(mended.status).toBe('SUCCEEDED');
    expect(await components(device)).toEqual({ 'b.app': '1.0.0 RUNNING' });
  });

  it('merges and resets configuration, the nucleus’s own too, and keeps local roots apart', async () => {
    cloud.put({
      name: 'm.app',
      configuration: { a: 1, list: [1, 2], deep: { x: 1, y: 2 } },
      lifecycle: SLEEPER,
    });
    const { device } = await started('G6');
    const update = (configurationUpdate: unknown, revision: number) =>
      cloud.deploy(
        'G6',
        cloud.document({ 'm.app': { version: '1.0.0', configurationUpdate } }, { revision }),
      );
    await update({ merge: { a: 5, own: true, deep: { y: 9 } } }, 1);
    expect(services(device)['m.app'].configuration).toEqual({
      a: 5,
      list: [1, 2],
      deep: { x: 1, y: 9 },
      own: true,
    });
    await update({ reset: ['/deep/y', '/own'], merge: { list: [3] } }, 2);
    expect(services(device)['m.app'].configuration).toEqual({ a: 5, list: [3], deep: { x: 1, y: 2 } });
    await update({ reset: [''] }, 3);
    expect(services(device)['m.app'].configuration).toEqual({ a: 1, list: [1, 2], deep: { x: 1, y: 2 } });
    expect((await update({ reset: ['a'] }, 4)).statusDetails['deployment-failure-cause']).toContain(
      'no JSON pointer',
    );
    const local = componentFolders({ name: 'm.local', lifecycle: SLEEPER });
    expect((await deploy(device, local, '--merge', 'm.local=1.0.0')).code).toBe(0);
    const nucleus = await cloud.deploy(
      'G6',
      cloud.document(
        {
          'm.app': { version: '1.0.0', runWith: { systemResourceLimits: { memory: 102_400 } } },
          'aws.greengrass.Nucleus': {
            version: '2.15.0',
            configurationUpdate: { merge: { logging: { level: 'DEBUG' } } },
          },
        },
        { revision: 5 },
      ),
    );
    expect(nucleus.status).toBe('SUCCEEDED');
    expect(services(device)['aws.greengrass.Nucleus'].configuration.logging).toEqual({ level: 'DEBUG' });
    expect(services(device)['m.app'].runWith).toEqual({ systemResourceLimits: { memory: 102_400 } });
    expect(await components(device)).toEqual({ 'm.app': '1.0.0 RUNNING', 'm.local': '1.0.0 RUNNING' });
    const wrong = await cloud.deploy(
      'G6',
      cloud.document(
        {
          'aws.greengrass.Nucleus': {
            version: '2.15.0',
            configurationUpdate: { merge: { mqtt: { port: 'x' } } },
          },
        },
        { revision: 6 },
      ),
    );
    expect(wrong.statusDetails['deployment-failure-cause']).toContain('mqtt.port');
  });

  it('survives a restart and a time without network: the result is told once the network is back', async () => {
    cloud.put({ name: 'o.app', lifecycle: SLEEPER });
    const { device, agent } = await started('G7');
    const jobId = cloud.queueJob('G7', cloud.document({ 'o.app': '1.0.0' }));
    await agent.event(({ stage }) => stage === 'STARTING');
    await broker.stop();
    await agent.event(({ event, status }) => event === 'deployment' && status === 'SUCCEEDED');
    await agent.stop('SIGKILL');
    const again = new Agent(['run', '--root', device.root, '--json']);
    await again.component('o.app', 'RUNNING');
    await broker.listen();
    expect((await cloud.jobEnded('G7', jobId)).status).toBe('SUCCEEDED');
    await health('G7', ({ trigger }) => trigger === 'THING_GROUP_DEPLOYMENT');
    expect(cloud.updatesOf('G7', jobId).map(({ status }) => status)).toEqual(['IN_PROGRESS', 'SUCCEEDED']);
    expect(await again.stop()).toBe(0);
    const told = broker.published.filter(
      ({ topic, payload }) =>
        topic.startsWith('$aws/things/G7/greengrassv2') && payload.includes('THING_GROUP'),
    );
    expect(told).toHaveLength(1);
  });

  it('knows a recipe that another hand has changed, and gets it anew', async () => {
    cloud.put({ name: 't.app', lifecycle: SLEEPER });
    const { device, agent } = await started('G8');
    await cloud.deploy('G8', cloud.document({ 't.app': '1.0.0' }));
    expect(await agent.stop()).toBe(0);
    const file = join(device.root, 'packages', 'recipes', 't.app-1.0.0.json');
    writeFileSync(file, readFileSync(file, 'utf8').replace('1000', '2000'));
    const again = new Agent(['run', '--root', device.root, '--json']);
    await again.event(({ event }) => event === 'connected');
    expect(log(device, 'greengrass')).toContain(
      't.app cannot be started: The recipe t.app-1.0.0.json is not what was saved',
    );
    const result = await cloud.deploy('G8', cloud.document({ 't.app': '1.0.0' }, { revision: 2 }));
    expect(result.status).toBe('SUCCEEDED');
    expect(await components(device)).toEqual({ 't.app': '1.0.0 RUNNING' });
    expect(readFileSync(file, 'utf8')).toContain('1000');
  });
});

describe('a deployment to one thing', () => {
  it('comes by the deployment shadow, beside those to groups, and is reported there', async () => {
    cloud.put({ name: 's.app', lifecycle: SLEEPER });
    cloud.put({ name: 's.bad', lifecycle: { install: 'exit 1' } });
    const { device } = await started('G9');
    const document = cloud.document({ 's.app': '1.0.0' }, { target: 'thing/G9' });
    cloud.desire('G9', { desiredStatus: 'SUCCEEDED', fleetConfig: JSON.stringify(document) });
    const reported = await cloud.reported('G9', ({ status }) => status === 'SUCCEEDED');
    expect(reported).toEqual({
      fleetConfigurationArnForStatus: document.configurationArn,
      status: 'SUCCEEDED',
      ggcVersion: '2.15.0',
      statusDetails: { detailedStatus: 'SUCCESSFUL' },
    });
    const message = await health('G9', ({ trigger }) => trigger === 'THING_DEPLOYMENT');
    expect(message.deploymentInformation.deploymentId).toBe(document.deploymentId);
    expect(await components(device)).toEqual({ 's.app': '1.0.0 RUNNING' });
    const bad = cloud.document({ 's.bad': '1.0.0' }, { target: 'thing/G9', revision: 2 });
    cloud.desire('G9', { desiredStatus: 'SUCCEEDED', fleetConfig: JSON.stringify(bad) });
    const failed = await cloud.reported('G9', ({ status }) => status === 'FAILED');
    expect(failed).toMatchObject({
      fleetConfigurationArnForStatus: bad.configurationArn,
      statusDetails: { detailedStatus: 'FAILED_ROLLBACK_COMPLETE', errorTypes: ['USER_COMPONENT_ERROR'] },
    });
    expect(await components(device)).toEqual({ 's.app': '1.0.0 RUNNING' });
    const good = cloud.document({ 's.app': '1.0.0' }, { target: 'thing/G9', revision: 3 });
    cloud.desire('G9', { desiredStatus: 'SUCCEEDED', fleetConfig: JSON.stringify(good) });
    const again = await cloud.reported('G9', ({ status }) => status === 'SUCCEEDED');
    expect(again.statusDetails).toEqual({ detailedStatus: 'SUCCESSFUL' });
  });

  it('is given up when its shadow says CANCELED, and said so', async () => {
    const { agent } = await started('G10');
    cloud.intercept = (path) =>
      path.endsWith('resolveComponentCandidates') ? { status: 500, body: { message: 'later' } } : undefined;
    const document = cloud.document({ 'x.app': '1.0.0' }, { target: 'thing/G10' });
    cloud.desire('G10', { desiredStatus: 'SUCCEEDED', fleetConfig: JSON.stringify(document) });
    await agent.event(({ stage }) => stage === 'RESOLVING');
    cloud.desire('G10', { desiredStatus: 'CANCELED' });
    const reported = await cloud.reported('G10', ({ status }) => status === 'CANCELED');
    expect(reported.fleetConfigurationArnForStatus).toBe(document.configurationArn);
  });
});
