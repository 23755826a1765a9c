import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../src/clock.js';
import { runBootstrap } from '../../src/component/bootstrap.js';
import { writeCommands } from '../../src/component/command-folder.js';
import { ScriptLauncher } from '../../src/component/launcher.js';
import { ProcessGroups } from '../../src/component/process-groups.js';
import { specOf } from '../../src/component/spec.js';
import { Supervisor } from '../../src/component/supervisor.js';
import { makeLayout } from '../../src/layout.js';
import { GreengrassLogs } from '../../src/log/greengrass-log.js';
import { parseRecipe, type Recipe } from '../../src/recipe/recipe.js';
import { temporaryFolder } from '../support/fixtures.js';
import { digestOf, HERE, makeLayer } from '../support/images.js';

const FIXTURES = fileURLToPath(new URL('fixtures', import.meta.url));
const files = readdirSync(FIXTURES);

function read(component: string): Recipe {
  const file = files.find((name) => name.startsWith(`${component}-`)) ?? component;
  return parseRecipe(readFileSync(join(FIXTURES, file), 'utf8'), file);
}

/** A device's part that runs components, with some of the recipes. */
function setUp(...components: string[]) {
  const folder = temporaryFolder();
  chmodSync(folder, 0o755);
  const layout = makeLayout(join(folder, 'v2'));
  writeCommands(layout, { kind: 'process', imageStore: layout.images });
  const logs = new GreengrassLogs(layout.logs, systemClock);
  const groups = new ProcessGroups(layout.processes, { name: 'MARK', value: layout.root });
  const launcher = new ScriptLauncher({
    layout,
    clock: systemClock,
    logs,
    groups,
    environmentOf: () => ({
      MARK: layout.root,
      PATH: `${layout.commands}:${process.env.PATH}`,
      AWS_IOT_THING_NAME: 'T1',
    }),
  });
  const supervisor = new Supervisor({ clock: systemClock, logs, launcher });
  onTestFinished(async () => {
    await supervisor.closeAll();
    await groups.close();
  });
  const recipes = components.map(read);
  const set = new Map(
    recipes.map((recipe) => [recipe.name, { recipe, configuration: recipe.defaultConfiguration }]),
  );
  const artifact = (component: string, name: string, content: string | Uint8Array, unpacked = false) => {
    const version = set.get(component)?.recipe.version ?? '';
    const place = unpacked
      ? layout.unarchivedArtifacts(component, version)
      : layout.artifacts(component, version);
    mkdirSync(join(place, name, '..'), { recursive: true });
    writeFileSync(join(place, name), content);
  };
  const start = () => {
    for (const name of set.keys()) supervisor.put(specOf(name, { layout, thingName: 'T1', set }));
    supervisor.startAll();
  };
  const reaches = (component: string, state: string) =>
    new Promise<void>((resolve, reject) => {
      const look = () => {
        const { state: now, statusReason } = supervisor.component(component) ?? {};
        if (now === state) resolve();
        else if (now === 'BROKEN') reject(new Error(statusReason));
      };
      supervisor.onChange(look);
      look();
    });
  const said = (component: string) =>
    [...readFileSync(join(layout.logs, `${component}.log`), 'utf8').matchAll(/stdout\. (.*?)\. \{/g)].map(
      ([, line]) => line,
    );
  return { layout, supervisor, launcher, set, artifact, start, reaches, said };
}

describe('recipes in the shapes of AWS’s documentation', () => {
  it('are ten, and all can be read', () => {
    expect(files).toHaveLength(10);
    for (const file of files) expect(read(file).name).toMatch(/^com\.example\./);
  });

  it.each([
    ['com.example.Platforms', ['install from lifecycle', 'run from run kept 3']],
    ['com.example.TopSelections', ['command1', 'run1']],
    ['com.example.DeepSelections', ['command4 setenv', 'run4']],
    ['com.example.PythonRuntime', ['packages ["first","second"] second second proxy null']],
  ])('%s runs', async (component, expected) => {
    const { start, reaches, said } = setUp(component);
    start();
    await reaches(component, 'FINISHED');
    expect(said(component)).toEqual(expected);
  });

  it('of Lambda functions are refused', () => {
    const { set, layout } = setUp('com.example.HelloWorld');
    const member = set.get('com.example.HelloWorld');
    if (member)
      set.set(member.recipe.name, { ...member, recipe: { ...member.recipe, type: 'aws.greengrass.lambda' } });
    expect(() => specOf('com.example.HelloWorld', { layout, thingName: 'T1', set })).toThrow(
      'com.example.HelloWorld 1.0.0 is a Lambda function, which this device cannot run; make it a generic component.',
    );
  });

  it('com.example.HelloWorld runs its artifact with its configuration', async () => {
    const { start, reaches, said, artifact } = setUp('com.example.HelloWorld');
    artifact('com.example.HelloWorld', 'hello_world.sh', 'echo "Hello, $1!"\n');
    start();
    await reaches('com.example.HelloWorld', 'FINISHED');
    expect(said('com.example.HelloWorld')).toEqual(['Hello, world!']);
  });

  it('com.example.DatabaseClient uses what it depends on, once that has started', async () => {
    const { start, reaches, said, artifact, supervisor, layout } = setUp(
      'com.example.Database',
      'com.example.DatabaseClient',
    );
    artifact('com.example.Database', 'schema.sql', 'create table');
    start();
    await reaches('com.example.DatabaseClient', 'FINISHED');
    expect(supervisor.component('com.example.Database')?.state).toBe('RUNNING');
    expect(said('com.example.DatabaseClient')).toEqual([
      `port 3306 table people schema create table thing T1 root ${layout.root} stranger {com.example.Other:configuration:/port}`,
    ]);
    await supervisor.closeAll();
    expect(said('com.example.Database')).toEqual(['listening on 3306', 'stopping 1']);
  });

  it('com.example.Model reads what its archive held', async () => {
    const { start, reaches, said, artifact, set } = setUp('com.example.Model');
    artifact('com.example.Model', 'model/weights.txt', '0.5\n', true);
    start();
    await reaches('com.example.Model', 'FINISHED');
    expect(said('com.example.Model')).toEqual(['0.5']);
    expect(set.get('com.example.Model')?.recipe.manifests[1]?.Artifacts).toMatchObject([
      { Unarchive: 'ZIP', Permission: { Read: 'OWNER', Execute: 'ALL' } },
    ]);
  });

  it('com.example.Firmware asks for a reboot, and mends itself', async () => {
    const { start, reaches, said, launcher, layout, set } = setUp('com.example.Firmware');
    const spec = specOf('com.example.Firmware', { layout, thingName: 'T1', set });
    expect(spec.lifecycle.bootstrap).toMatchObject({
      onRollback: true,
      requiresPrivilege: true,
      timeout: 300,
    });
    expect(await runBootstrap(spec, { launcher, layout, clock: systemClock })).toBe(101);
    start();
    await reaches('com.example.Firmware', 'FINISHED');
    expect(said('com.example.Firmware')).toEqual(['mended']);
  });

  it('com.example.MyPrivateDockerComponent loads, runs and removes its image', async () => {
    const name = 'com.example.MyPrivateDockerComponent';
    const { start, reaches, said, artifact, supervisor, layout } = setUp(name);
    const script = '#!/bin/sh\necho "hello $AWS_IOT_THING_NAME"\nexec sleep 1000\n';
    const layer = await makeLayer([{ name: 'hello', content: script, mode: 0o755 }]);
    const config = JSON.stringify({
      ...HERE,
      config: { Cmd: ['/hello'] },
      rootfs: { diff_ids: [digestOf(layer)] },
    });
    const manifest = [{ Config: 'c.json', RepoTags: ['hello-world:1'], Layers: ['layer.tar'] }];
    artifact(
      name,
      'hello-world.tar',
      await makeLayer([
        { name: 'c.json', content: config },
        { name: 'layer.tar', content: layer },
        { name: 'manifest.json', content: JSON.stringify(manifest) },
      ]),
    );
    start();
    await reaches(name, 'RUNNING');
    const [log = ''] = readdirSync(layout.containers).filter((file) => file.endsWith('.log'));
    while (!readFileSync(join(layout.containers, log), 'utf8').includes('hello T1')) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    await supervisor.closeAll();
    expect(said(name).filter((line) => line === 'hello-box')).toHaveLength(2);
    expect(readdirSync(layout.containers)).toEqual([]);
  });
});
