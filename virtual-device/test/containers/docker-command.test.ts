import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { writeCommands } from '../../src/component/command-folder.js';
import { ImageStore } from '../../src/containers/image-store.js';
import { makeLayout } from '../../src/layout.js';
import { temporaryFolder } from '../support/fixtures.js';
import { digestOf, HERE, type Member, makeLayer, TestRegistry } from '../support/images.js';
import { otherUsersRunPrograms } from '../support/other-users.js';

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A device's folder with its docker command, and scripts that use it as components' scripts do. */
function setUp() {
  const folder = temporaryFolder();
  chmodSync(folder, 0o755);
  const layout = makeLayout(join(folder, 'v2'));
  const imageStore = join(folder, 'images');
  writeCommands(layout, { kind: 'process', imageStore });
  const environment = {
    PATH: `${layout.commands}:${process.env.PATH}`,
    HOME: folder,
    GG_ROOT_PATH: layout.root,
    FROM_OUTSIDE: 'seen',
  };
  const sh = (script: string, input = '') =>
    new Promise<Outcome>((resolve) => {
      const child = execFile('/bin/sh', ['-c', script], { env: environment }, (error, stdout, stderr) =>
        resolve({ code: error ? Number(error.code ?? 1) : 0, stdout, stderr }),
      );
      child.stdin?.end(input);
    });
  return { folder, layout, imageStore, environment, sh };
}

const script = (name: string, content: string): Member => ({
  name,
  content: `#!/bin/sh\n${content}\n`,
  mode: 0o755,
});

const LOADER = process.arch === 'arm64' ? '/lib/ld-linux-aarch64.so.1' : '/lib64/ld-linux-x86-64.so.2';

describe('docker run without an engine', () => {
  it('becomes the image’s command: its environment, its folder, its files, its exit code', async () => {
    const registry = await TestRegistry.start();
    const reference = await registry.add('app', {
      layers: [
        [
          script(
            'app/main.sh',
            'echo "$PWD|$GREETING|$FROM_OUTSIDE|$EXTRA|$HOSTNAME"; cat "$1" "$2"; helper; exit 7',
          ),
          script('opt/bin/helper', 'echo helped'),
          { name: 'app/own.txt', content: 'own\n' },
        ],
      ],
      config: {
        Env: ['PATH=/opt/bin:/bin:/usr/bin', 'GREETING=hello', 'CONFIG=/app/own.txt'],
        Entrypoint: ['/app/main.sh', '/app/own.txt'],
        WorkingDir: '/app',
      },
    });
    const { sh, folder, imageStore } = setUp();
    const outer = join(folder, 'outer.txt');
    writeFileSync(outer, 'outer\n');
    const run = await sh(
      `docker run --rm --network=host -e EXTRA=1 -h box -v ${outer}:${outer} ${reference} ${outer}`,
    );
    const [first = '', ...rest] = run.stdout.split('\n');
    expect(first).toMatch(new RegExp(`^${imageStore}/containers/[0-9a-f]{64}/app\\|hello\\|\\|1\\|box$`));
    expect(rest).toEqual(['own', 'outer', 'helped', '']);
    expect(run.code).toBe(7);
    const passed = await sh(
      `docker run --rm -e FROM_OUTSIDE --entrypoint /bin/sh ${reference} -c 'echo "$FROM_OUTSIDE $CONFIG"'`,
    );
    expect(passed).toMatchObject({
      code: 127,
      stderr: expect.stringContaining('stat /bin/sh: no such file'),
    });
    // The next command clears away what ended.
    expect((await sh('docker ps -aq')).stdout).toBe('');
    expect(readdirSync(join(imageStore, 'containers'))).toEqual([]);
  });

  it('runs a program of the machine’s architecture, and refuses one of another as the kernel does', async () => {
    const registry = await TestRegistry.start();
    const program = readFileSync('/usr/bin/printf');
    const foreign = Buffer.from(program);
    foreign.writeUInt16LE(process.arch === 'arm64' ? 62 : 183, 18);
    const reference = await registry.add('app', {
      layers: [
        [
          { name: 'bin/print', content: program, mode: 0o755 },
          { name: 'bin/foreign', content: foreign, mode: 0o755 },
          { name: 'bin/garbage', content: 'neither program nor script', mode: 0o755 },
          { name: 'bin/plain', content: program },
          { name: 'etc/words', content: 'words' },
        ],
      ],
      config: { Env: ['PATH=/bin'], Cmd: ['print', '%s', 'ran'] },
    });
    const { sh } = setUp();
    expect(await sh(`docker run ${reference}`)).toMatchObject({ code: 0, stdout: 'ran' });
    expect((await sh(`docker run ${reference} print %s --file=/etc/words`)).stdout).toMatch(
      /^--file=.*\/containers\/.*\/etc\/words$/,
    );
    for (const name of ['foreign', 'garbage']) {
      expect(await sh(`docker run ${reference} ${name}`)).toMatchObject({
        code: 126,
        stderr: `docker: exec /bin/${name}: Exec format error.\n`,
      });
    }
    expect(await sh(`docker run ${reference} plain`)).toMatchObject({
      code: 126,
      stderr: expect.stringContaining('permission denied'),
    });
    expect(await sh(`docker run ${reference} absent`)).toMatchObject({
      code: 127,
      stderr: expect.stringContaining('executable file not found in $PATH'),
    });
  });

  it.skipIf(!existsSync(LOADER))(
    'uses the image’s own loader and libraries where this machine has none for it',
    async () => {
      const registry = await TestRegistry.start();
      const loader = LOADER.replace(/\d$/, '9');
      const program = Buffer.from(
        readFileSync('/usr/bin/printf').toString('latin1').replace(LOADER, loader),
        'latin1',
      );
      const libc =
        /=> (\S*libc\.so\.6)/.exec(execFileSync('ldd', ['/usr/bin/printf'], { encoding: 'utf8' }))?.[1] ?? '';
      const reference = await registry.add('app', {
        layers: [
          [
            { name: 'bin/print', content: program, mode: 0o755 },
            { name: loader.slice(1), content: readFileSync(LOADER), mode: 0o755 },
            { name: 'opt/lib/libc.so.6', content: readFileSync(libc), mode: 0o755 },
            { name: 'etc/ld.so.conf', content: '/opt/lib\n' },
          ],
        ],
        config: { Entrypoint: ['/bin/print', '%s', 'ran'] },
      });
      const { sh } = setUp();
      const run = await sh(`docker run --rm ${reference}`);
      expect(run).toMatchObject({ code: 0, stdout: 'ran' });
      expect(run.stderr).toContain(`/bin/print is run by the image's own loader ${loader}`);
    },
  );

  it('gives Node.js its own path, so that it can start itself again', async () => {
    const registry = await TestRegistry.start();
    const main = `
      import { execFileSync } from 'node:child_process';
      import { word } from './word.mjs';
      const child = execFileSync(process.execPath, ['-p', '6 * 7'], { encoding: 'utf8' }).trim();
      console.log(word, child, process.execPath);`;
    const reference = await registry.add('app', {
      layers: [
        [{ name: 'usr/bin/node', content: readFileSync(process.execPath), mode: 0o755 }],
        [
          { name: 'app/main.mjs', content: main },
          { name: 'app/word.mjs', content: "export const word = 'hi';" },
        ],
      ],
      config: { Entrypoint: ['node', '/app/main.mjs'], Env: ['PATH=/usr/bin'] },
      compress: (archive) => archive,
    });
    const { sh } = setUp();
    const { stdout } = await sh(`docker run --rm ${reference}`);
    expect(stdout).toMatch(/^hi 42 \/.*\/containers\/[0-9a-f]{64}\/usr\/bin\/node\n$/);
  });

  it('is the process itself: signals reach it, stop and rm end it', async () => {
    const registry = await TestRegistry.start();
    const reference = await registry.add('app', {
      layers: [[script('loop', "trap 'echo ended; exit 0' TERM; echo up; while :; do sleep 0.02; done")]],
      config: { Cmd: ['/loop'] },
    });
    const { sh, environment } = setUp();
    const child = spawn('/bin/sh', ['-c', `exec docker run --rm --name app ${reference}`], {
      env: environment,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    await once(child.stdout, 'data');
    expect((await sh('docker ps --format "{{.Names}} {{.State}}"')).stdout).toBe('app running\n');
    expect((await sh("docker inspect -f '{{.State.Running}} {{.State.Pid}}' app")).stdout).toBe(
      `true ${child.pid}\n`,
    );
    expect(await sh(`docker run --rm --name app ${reference}`)).toMatchObject({
      code: 125,
      stderr: expect.stringContaining('The container name "/app" is already in use'),
    });
    expect(await sh('docker rm app')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('stop it first'),
    });
    const exited = once(child, 'exit');
    expect(await sh('docker stop app')).toMatchObject({ code: 0, stdout: 'app\n' });
    expect(await exited).toEqual([0, null]);
    expect((await sh('docker ps -aq')).stdout).toBe('');

    const started = await sh(`docker run -d --name back ${reference}`);
    expect(started.stdout).toMatch(/^[0-9a-f]{64}\n$/);
    while (!(await sh('docker logs back')).stdout.includes('up'))
      await new Promise((wait) => setTimeout(wait, 20));
    expect(await sh('docker rm -f back absent')).toMatchObject({ code: 0, stdout: 'back\nabsent\n' });
    expect((await sh('docker ps -aq')).stdout).toBe('');
  });

  it('leads bound folders to where they are, and says what it cannot do', async () => {
    const registry = await TestRegistry.start();
    const reference = await registry.add('app', {
      layers: [
        [
          script('show', 'cat data/in.txt; cat "$1"'),
          {
            name: 'etc/passwd',
            content: 'app:x:1234:1235::/home/app:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n',
          },
        ],
      ],
      config: { Entrypoint: ['/show'] },
    });
    const { sh, folder } = setUp();
    const host = join(folder, 'host');
    mkdirSync(host);
    writeFileSync(join(host, 'in.txt'), 'inside\n');
    const run = await sh(
      `docker run --rm -v ${host}:/data -p 8080:80 --restart always ${reference} /data/in.txt`,
    );
    expect(run).toMatchObject({ code: 0, stdout: 'inside\ninside\n' });
    expect(run.stderr).toContain(`mount ${host}:/data: the process finds it at ${host}`);
    expect(run.stderr).toContain('publish 8080:80: the process listens on port 80 itself');
    expect(run.stderr).toContain('restart always:');
    expect(
      await sh(`docker run --mount type=bind,src=${folder}/absent,dst=/data ${reference} x`),
    ).toMatchObject({
      code: 125,
      stderr: expect.stringContaining('bind source path does not exist'),
    });
    expect(await sh(`docker run --wings ${reference}`)).toMatchObject({
      code: 125,
      stderr: expect.stringContaining('unknown flag: --wings'),
    });
    expect(await sh('docker compose up')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('"compose" is not built'),
    });
  });

  it.skipIf(process.getuid?.() !== 0)('runs as the user that is asked for', async () => {
    const registry = await TestRegistry.start();
    const reference = await registry.add('app', {
      layers: [
        [
          script('show', 'id -u; id -g'),
          {
            name: 'etc/passwd',
            content: 'app:x:1234:1235::/home/app:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n',
          },
        ],
      ],
      config: { Cmd: ['/show'], User: 'app' },
    });
    const { sh } = setUp();
    expect((await sh(`docker run --rm ${reference}`)).stdout).toBe('1234\n1235\n');
    expect((await sh(`docker run --rm -u 1:2 ${reference}`)).stdout).toBe('1\n2\n');
    expect((await sh(`docker run --rm -u stranger ${reference}`)).stderr).toContain(
      'unable to find user stranger',
    );
    if (!otherUsersRunPrograms) return;
    // As a component does that runs as another user, which the folder of images does not belong to.
    const asNobody = 'setpriv --reuid=nobody --regid=65534 --clear-groups';
    const run = await sh(`${asNobody} docker run --rm --user nobody ${reference}`);
    expect(run.stderr).toBe('');
    expect(run).toMatchObject({ code: 0, stdout: '65534\n65534\n' });
  });

  it('signs in, pulls, tags, lists, loads and removes images', async () => {
    const registry = await TestRegistry.start();
    registry.auth = { ...registry.auth, scheme: 'basic' };
    await registry.add('app', { layers: [[script('hi', 'echo hi')]], config: { Cmd: ['/hi'] } });
    const { sh, folder, layout, imageStore } = setUp();
    const name = `${registry.host}/app:latest`;
    expect((await sh(`docker pull ${name}`)).code).toBe(1);
    expect(
      await sh(`docker login --username AWS --password-stdin ${registry.host}`, 'secret\n'),
    ).toMatchObject({
      code: 0,
      stdout: 'Login Succeeded\n',
    });
    expect((await sh(`docker pull -q ${name}`)).code).toBe(0);
    expect((await sh(`docker image inspect ${name} --format '{{.Os}} {{json .Config.Cmd}}'`)).stdout).toBe(
      'linux ["/hi"]\n',
    );
    expect((await sh(`docker tag ${name} mine:1 && docker run --rm mine:1`)).stdout).toBe('hi\n');
    expect((await sh('docker images --format "{{.Repository}}:{{.Tag}}"')).stdout.split('\n').sort()).toEqual(
      ['', `${registry.host}/app:latest`, 'docker.io/library/mine:1'].sort(),
    );
    expect((await sh('docker version --format "{{.Server.Version}}"')).code).toBe(0);
    expect((await sh('docker rmi mine:1 && docker image inspect mine:1')).code).toBe(1);
    expect(existsSync(join(layout.root, 'config', 'registry-logins.json'))).toBe(true);

    const layer = await makeLayer([script('hello', 'echo loaded')]);
    const config = JSON.stringify({
      ...HERE,
      config: { Cmd: ['/hello'] },
      rootfs: { diff_ids: [digestOf(layer)] },
    });
    const archive = join(folder, 'hello.tar');
    const members: Member[] = [
      { name: 'config.json', content: config },
      { name: 'l/layer.tar', content: layer },
      {
        name: 'manifest.json',
        content: JSON.stringify([{ Config: 'config.json', RepoTags: ['hello:1'], Layers: ['l/layer.tar'] }]),
      },
    ];
    writeFileSync(archive, await makeLayer(members));
    expect(await sh(`docker load -i ${archive} && docker run --rm hello:1`)).toMatchObject({
      code: 0,
      stdout: 'Loaded image: hello:1\nloaded\n',
    });
    expect(await sh(`docker load < ${archive}`)).toMatchObject({ code: 0 });
    // What a component brought itself is not what deployments clear away.
    await new ImageStore(imageStore, layout.root).prune([]);
    expect((await sh('docker run --rm hello:1')).stdout).toBe('loaded\n');
    expect(
      (await sh(`docker load -i ${join(layout.root, 'config', 'registry-logins.json')}`)).stderr,
    ).toContain('The image archive cannot be read');
  });
});
