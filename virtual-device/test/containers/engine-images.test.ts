import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.js';
import { writeCommands } from '../../src/component/command-folder.js';
import { detectEngine, EngineImages } from '../../src/containers/engine-images.js';
import { openContainerImages } from '../../src/containers/open.js';
import { makeLayout } from '../../src/layout.js';
import { DeviceCredentials } from '../../src/tes/device-credentials.js';
import { temporaryFolder } from '../support/fixtures.js';

const signal = new AbortController().signal;

/** Programs in place of engines, which this test does not need: they record how they are called. */
function standIns(programs: Readonly<Record<string, string>>) {
  const folder = temporaryFolder();
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  for (const [name, body] of Object.entries(programs)) {
    const path = join(bin, name);
    writeFileSync(path, `#!/bin/sh\necho "${name} $*" >> ${folder}/calls\n${body}\n`);
    chmodSync(path, 0o755);
  }
  const calls = () =>
    existsSync(join(folder, 'calls'))
      ? readFileSync(join(folder, 'calls'), 'utf8').trimEnd().split('\n')
      : [];
  return { environment: { PATH: `${bin}:/usr/bin:/bin` }, calls, folder };
}

describe('which engine there is', () => {
  it.each([
    ['docker', { docker: 'echo 28.0', podman: 'echo amd64' }],
    ['podman', { docker: 'echo "Cannot connect to the Docker daemon" >&2; exit 1', podman: 'echo amd64' }],
    ['podman', { docker: 'exec sleep 1000', podman: 'echo amd64' }],
    [undefined, { docker: 'exit 0', podman: 'exit 125' }],
  ])('is seen by who answers: %s', async (engine, programs) => {
    expect(await detectEngine(standIns(programs).environment)).toBe(engine);
  });

  it('may be none: then the device starts all the same, and says so', async () => {
    const { environment } = standIns({ docker: 'exit 1', podman: 'exit 1' });
    const layout = makeLayout(join(temporaryFolder(), 'v2'));
    const said: string[] = [];
    const images = await openContainerImages({
      layout,
      imageStore: layout.images,
      engine: 'auto',
      credentials: new DeviceCredentials(() => {
        throw new Error('not asked for');
      }, systemClock),
      region: () => 'eu-west-1',
      environment,
      clock: systemClock,
      log: (_level, message) => said.push(message),
    });
    expect(images.engine).toBe('process');
    expect(said).toEqual([expect.stringContaining('their commands run as processes')]);
  });
});

describe.each(['docker', 'podman'] as const)('images of %s', (engine) => {
  const digest = `sha256:${'a'.repeat(64)}`;

  it('are pulled after signing in, with the password on standard input, and removed when nobody needs them', async () => {
    const stand = standIns({ [engine]: `case "$*" in *login*) cat > "$0.password" ;; esac` });
    const configFolder = temporaryFolder();
    const images = new EngineImages({
      engine,
      configFolder,
      login: () => Promise.resolve({ username: 'AWS', password: 'secret' }),
      environment: stand.environment,
      log: () => {},
    });
    const reference = `127.0.0.1:4566/app@${digest}`;
    await images.pull(reference, signal);
    expect(await images.isPresent(reference)).toBe(true);
    expect(await images.isPresent('127.0.0.1:4566/app:latest')).toBe(false);
    await images.prune([reference]);
    await images.prune([]);
    const insecure = engine === 'podman' ? '--tls-verify=false --authfile FOLDER/podman-auth.json ' : '';
    const global = engine === 'docker' ? '--config FOLDER/docker ' : '';
    expect(stand.calls().map((call) => call.replace(configFolder, 'FOLDER'))).toEqual([
      `${engine} ${global}login ${insecure}--username AWS --password-stdin 127.0.0.1:4566`,
      `${engine} ${global}pull ${insecure}${reference}`,
      `${engine} ${global}image inspect ${reference}`,
      `${engine} ${global}image rm ${reference}`,
    ]);
    expect(readFileSync(join(stand.folder, 'bin', `${engine}.password`), 'utf8')).toBe('secret');
  });

  it.each([
    ['manifest unknown: not found', 'ARTIFACT_INVALID'],
    ['dial tcp: connection refused', 'OFFLINE'],
  ])('that cannot be pulled say why: %s', async (words, code) => {
    const { environment } = standIns({ [engine]: `echo "${words}" >&2; exit 1` });
    const login = () => Promise.resolve(undefined);
    const images = new EngineImages({
      engine,
      configFolder: temporaryFolder(),
      login,
      environment,
      log: () => {},
    });
    await expect(images.pull('example.com/app:1', signal)).rejects.toMatchObject({
      code,
      message: `${engine} cannot pull example.com/app:1: ${words}`,
    });
    await expect(images.pull('not an image', signal)).rejects.toThrow(/names no image/);
  });
});

describe('the docker command', () => {
  it('is podman’s where there is only that', () => {
    const layout = makeLayout(join(temporaryFolder(), 'v2'));
    writeCommands(layout, { kind: 'podman' });
    expect(readFileSync(join(layout.commands, 'docker'), 'utf8')).toBe('#!/bin/sh\nexec podman "$@"\n');
  });
});
