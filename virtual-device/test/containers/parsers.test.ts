import { mkdirSync, readdirSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { programKind } from '../../src/containers/elf.js';
import { applyLayer } from '../../src/containers/layer.js';
import { parseImageConfig, parseManifest } from '../../src/containers/manifest.js';
import { isLoopback, parseReference, registryUrl } from '../../src/containers/reference.js';
import { DockerUsageError, parseRunArguments } from '../../src/containers/run-arguments.js';
import { fillTemplate } from '../../src/containers/template.js';
import { DeviceError } from '../../src/errors.js';
import { temporaryFolder } from '../support/fixtures.js';
import { digestOf, type Member, makeLayer } from '../support/images.js';

const DIGEST = `sha256:${'0'.repeat(64)}`;

describe('names of images', () => {
  it.each([
    ['alpine', 'docker.io/library/alpine:latest', 'https://registry-1.docker.io'],
    ['user/app:1.2', 'docker.io/user/app:1.2', 'https://registry-1.docker.io'],
    ['localhost/app', 'localhost/app:latest', 'http://localhost'],
    ['127.0.0.1:4566/a/b', '127.0.0.1:4566/a/b:latest', 'http://127.0.0.1:4566'],
    [
      `123456789012.dkr.ecr.eu-west-1.amazonaws.com/app@${DIGEST}`,
      `123456789012.dkr.ecr.eu-west-1.amazonaws.com/app@${DIGEST}`,
      'https://123456789012.dkr.ecr.eu-west-1.amazonaws.com',
    ],
    [`ghcr.io/a/b:t@${DIGEST}`, `ghcr.io/a/b:t@${DIGEST}`, 'https://ghcr.io'],
  ])('%s', (text, canonical, url) => {
    const reference = parseReference(text);
    expect(reference.canonical).toBe(canonical);
    expect(registryUrl(reference.registry)).toBe(url);
    expect(parseReference(canonical)).toEqual(reference);
  });

  it.each(['', 'Upper', 'a//b', 'a:b:c', `a@sha256:0`, '../x', 'a b', '-a', 'a.b/../c'])('not %j', (text) => {
    expect(() => parseReference(text)).toThrow(DeviceError);
  });

  it('are parsed totally, and only this machine’s own are loopback', () => {
    fc.assert(fc.property(fc.string(), (text) => total(() => parseReference(text))));
    for (const host of ['127.0.0.1.example.com', 'example.com', '128.0.0.1', 'localhost.example.com'])
      expect(isLoopback(host)).toBe(false);
  });
});

function total(work: () => unknown): void {
  try {
    work();
  } catch (error) {
    if (!(error instanceof DockerUsageError)) expect(error).toBeInstanceOf(DeviceError);
  }
}

describe('what comes from outside', () => {
  it('manifests and configurations are parsed totally', () => {
    const bytes = fc.oneof(
      fc.json().map((text) => Buffer.from(text)),
      fc.uint8Array().map((array) => Buffer.from(array)),
    );
    fc.assert(fc.property(bytes, (body) => total(() => parseManifest(body, 'x'))));
    fc.assert(fc.property(bytes, (body) => total(() => parseImageConfig(body, 'x'))));
  });

  it('arguments of docker run are parsed totally', () => {
    const word = fc.oneof(
      fc.constantFrom(
        '--rm',
        '-it',
        '-e',
        '-v',
        '--mount',
        '--name=x',
        '-p',
        '8080:80',
        'type=bind',
        '--',
        '-',
      ),
      fc.string(),
    );
    fc.assert(fc.property(fc.array(word), (words) => total(() => parseRunArguments(words))));
    expect(
      parseRunArguments([
        '-dit',
        '-eA=b',
        '--env',
        'C',
        '-v/x:/y:ro',
        '--cap-drop',
        'ALL',
        '--rm=false',
        'img',
        '-e',
        'z',
      ]),
    ).toMatchObject({
      detach: true,
      remove: false,
      environment: ['A=b', 'C'],
      mounts: [{ source: '/x', target: '/y' }],
      image: 'img',
      command: ['-e', 'z'],
    });
  });

  it('templates of --format are filled totally', () => {
    fc.assert(
      fc.property(fc.string(), fc.json(), (text, json) =>
        total(() => fillTemplate(`{{${text}}}`, JSON.parse(json))),
      ),
    );
    expect(fillTemplate('{{.A.B}} {{json .A}} {{index .A "B"}}', { A: { B: 1 } })).toBe('1 {"B":1} 1');
  });

  it('programs may be any bytes', async () => {
    const path = join(temporaryFolder(), 'program');
    const start = fc.constantFrom(
      [],
      [0x7f, 0x45, 0x4c, 0x46, 2, 1],
      [0x7f, 0x45, 0x4c, 0x46, 1, 2],
      [0x23, 0x21],
    );
    await fc.assert(
      fc.asyncProperty(start, fc.uint8Array({ maxLength: 200 }), async (head, rest) => {
        writeFileSync(path, Buffer.concat([Buffer.from(head), rest]));
        await programKind(path);
      }),
    );
  });

  it('layers never lead out of their folder, whatever links they hold', async () => {
    const part = fc.constantFrom('a', 'b', '..', '.', 'c');
    const path = fc.array(part, { minLength: 1, maxLength: 5 }).map((parts) => parts.join('/'));
    const target = fc.tuple(fc.constantFrom('', '/', '../../../'), path).map((parts) => parts.join(''));
    const member: fc.Arbitrary<Member> = fc.oneof(
      fc.record({ name: path, content: fc.constant('x') }),
      fc.record({ name: path, link: target }),
      fc.record({ name: path, folder: fc.constant(true as const) }),
      fc.record({ name: path, hardLink: target }),
      fc.constantFrom('.wh.a', '.wh...', '.wh..', 'a/.wh..wh..opq').map((name) => ({ name, content: '' })),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(member, { maxLength: 12 }), async (members) => {
        const folder = temporaryFolder();
        const root = join(folder, 'x', 'y', 'root');
        mkdirSync(root, { recursive: true });
        const archive = await makeLayer(members);
        const file = join(folder, 'layer.tar');
        writeFileSync(file, archive);
        const signal = new AbortController().signal;
        await applyLayer({ file, root, diffId: digestOf(archive), name: 'x', signal }).catch(
          (error: unknown) => expect(error).toBeInstanceOf(DeviceError),
        );
        expect(readdirSync(folder).sort()).toEqual(['layer.tar', 'x']);
        expect(readdirSync(join(folder, 'x', 'y'))).toEqual(['root']);
        // With file types it does not follow links, whose circles it would walk without end.
        for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
          if (!entry.isSymbolicLink()) continue;
          const place = join(entry.parentPath, entry.name);
          let real: string;
          try {
            real = realpathSync(place);
          } catch {
            continue; // It leads to nothing, or to itself.
          }
          expect(`${real}/`.startsWith(`${realpathSync(root)}/`)).toBe(true);
        }
      }),
      { numRuns: 150 },
    );
  });
});
