import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DescribeImagesCommand } from '@aws-sdk/client-ecr';
import {
  GetComponentCommand,
  GetDeploymentCommand,
  ListComponentVersionsCommand,
  ListDeploymentsCommand,
} from '@aws-sdk/client-greengrassv2';
import { DescribeJobCommand } from '@aws-sdk/client-iot';
import { componentNames, containerComponents, names } from '@mooring/contracts';
import {
  buildComponents,
  type ComponentsDeployment,
  type DeployComponentsOptions,
  deployComponents,
  publishComponents,
  readDeploymentFile,
  testComponents,
} from '@mooring/pipeline';
import { type Step, see } from '../step.js';
import type { World } from '../world.js';

const ALL = Object.values(componentNames);

/** What builds: pinned packages where the network gives them, else what this machine has. */
let base: 'pinned' | 'host' | undefined;

/** Builds and publishes the story's copy of the components. */
export async function publishSources(world: World): Promise<string[]> {
  const build = (from: 'pinned' | 'host') =>
    buildComponents({
      source: world.sources,
      outDir: world.state.built(from),
      base: from,
      onProgress: () => undefined,
      signal: world.signal,
    });
  let built: Awaited<ReturnType<typeof build>>;
  if (base === undefined) {
    base = world.quick ? 'host' : 'pinned';
    if (base === 'host') breakOnThisMachine(world);
  }
  try {
    built = await build(base);
  } catch (error) {
    if (base === 'host') throw error;
    process.stderr.write(
      `The packages of the base "pinned" cannot be had (${error instanceof Error ? error.message : String(error)}): the story goes on with what this machine has\n`,
    );
    base = 'host';
    breakOnThisMachine(world);
    built = await build(base);
  }
  const published = await publishComponents(await world.target(), built, {
    onProgress: () => undefined,
    signal: world.signal,
  });
  return published
    .filter((component) => component.published)
    .map(({ name, version }) => `${name} ${version}`)
    .sort();
}

const FOREIGN = 'COPY foreign-base/${TARGETARCH}/ /';
const OWN = 'COPY base/${TARGETARCH}/ /';
const MISSING = 'ENTRYPOINT ["/usr/local/bin/node-of-another-architecture", "/app/main.cjs"]';
const RIGHT = 'ENTRYPOINT ["node", "/app/main.cjs"]';

/**
 * This machine has no programs of another architecture to make docker_corrupt of: there, its program is not in
 * the image at all.
 */
function breakOnThisMachine(world: World): void {
  edit(world, 'corrupt/Dockerfile', (text) => text.replace(FOREIGN, OWN).replace(RIGHT, MISSING));
}

/** Corrects docker_corrupt, as its Dockerfile says. */
export function correctCorrupt(world: World): void {
  edit(world, 'corrupt/Dockerfile', (text) => text.replace(FOREIGN, OWN).replace(MISSING, RIGHT));
  edit(world, 'corrupt/recipe.yaml', (text) =>
    text.replace('ComponentVersion: "1.0.0"', 'ComponentVersion: "1.0.1"'),
  );
}

function edit(world: World, file: string, change: (text: string) => string): void {
  const path = join(world.sources, file);
  const before = readFileSync(path, 'utf8');
  const after = change(before);
  see(after !== before, `${file} is not as the story expects it`);
  writeFileSync(path, after);
}

/** Changes one source file of the LED. */
export function touchLed(world: World): void {
  appendFileSync(join(world.sources, 'led', 'src', 'main.ts'), '// Touched by the story.\n');
}

/** Deploys to the fleet, as `mooring components deploy` does. */
export async function deployToFleet(
  world: World,
  options: Partial<DeployComponentsOptions> = {},
): Promise<ComponentsDeployment> {
  return deployComponents(await world.target(), {
    only: [],
    without: [],
    declared: await readDeploymentFile(join(world.sources, 'deployment.yaml')),
    merges: [],
    resets: [],
    failureThreshold: 20,
    wait: true,
    timeout: 300,
    // The story looks for itself.
    settle: 0,
    onProgress: () => undefined,
    signal: world.signal,
    ...options,
  });
}

export const buildAndPublish: Step = {
  step: 3,
  name: 'test and build components',
  expected: 'five components published; unchanged: no new version; one source file touched: one new version',
  needs: [1],
  async play(world) {
    const { greengrass, ecr } = await world.clients();
    let tested = 'their tests are those of npm test';
    if (!world.quick) {
      const { results } = await testComponents([]);
      const bad = results.filter(({ failed, lint }) => failed > 0 || lint === false);
      see(bad.length === 0, `the tests of ${bad.map(({ name }) => name).join(', ')} fail`);
      tested = `${results.reduce((sum, { passed }) => sum + passed, 0)} tests passed`;
    }
    const first = await publishSources(world);
    see(first.length === ALL.length, `the first run published ${first.join(', ') || 'nothing'}`);
    const again = await publishSources(world);
    see(again.length === 0, `built again without a change, ${again.join(', ')} was published`);
    touchLed(world);
    const touched = await publishSources(world);
    see(
      touched.length === 1,
      `one file of the LED touched, ${touched.join(', ') || 'nothing'} was published`,
    );

    const account = await world.account();
    const { region } = await world.target();
    for (const name of ALL) {
      const arn = `arn:aws:greengrass:${region}:${account}:components:${name}`;
      const { componentVersions = [] } = await greengrass.send(new ListComponentVersionsCommand({ arn }));
      const wanted = name === componentNames.led ? 2 : 1;
      see(componentVersions.length === wanted, `${name} has ${componentVersions.length} versions`);
    }
    for (const repositoryName of containerComponents) {
      const version = (await world.latestVersions())[repositoryName];
      const arn = `arn:aws:greengrass:${region}:${account}:components:${repositoryName}:versions:${version}`;
      const { recipe } = await greengrass.send(new GetComponentCommand({ arn, recipeOutputFormat: 'JSON' }));
      const imageDigest = /sha256:[0-9a-f]{64}/.exec(Buffer.from(recipe ?? []).toString('utf8'))?.[0];
      see(imageDigest, `the recipe of ${repositoryName} ${version} names no image by its digest`);
      await ecr.send(new DescribeImagesCommand({ repositoryName, imageIds: [{ imageDigest }] }));
    }
    return `${tested}; ${first.join(', ')}, images in ECR by digest (base ${base}); again: nothing; touched: ${touched[0]}`;
  },
};

export const deployComponentsStep: Step = {
  step: 4,
  name: 'deploy components',
  expected: 'a deployment targets the thing group',
  needs: [3],
  async play(world) {
    const { greengrass, iot } = await world.clients();
    await deployToFleet(world);
    const second = await deployToFleet(world);
    see(!second.changed, 'deployed again without a change, a new revision was made');

    const { region } = await world.target();
    const targetArn = `arn:aws:iot:${region}:${await world.account()}:thinggroup/${names.thingGroup}`;
    const { deployments = [] } = await greengrass.send(new ListDeploymentsCommand({ targetArn }));
    const [deployment] = deployments;
    see(deployment?.deploymentStatus === 'ACTIVE', `its deployment is ${deployment?.deploymentStatus}`);
    const { components = {}, iotJobId } = await greengrass.send(
      new GetDeploymentCommand({ deploymentId: deployment.deploymentId }),
    );
    const latest = await world.latestVersions();
    for (const name of ALL) {
      const version = components[name]?.componentVersion;
      see(version === latest[name], `${name} ${latest[name]} is published, ${version} is deployed`);
    }
    const { job } = await iot.send(new DescribeJobCommand({ jobId: iotJobId }));
    see(job?.targetSelection === 'CONTINUOUS', `its job is ${job?.targetSelection}`);
    const all = Object.entries(components).map(([name, one]) => `${name} ${one.componentVersion}`);
    return `deployment ${deployment.deploymentId} (revision ${deployment.revisionId}) for ${names.thingGroup}, by a continuous job: ${all.sort().join(', ')}`;
  },
};
