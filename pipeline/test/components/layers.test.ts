import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { chmod, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { extract } from 'tar-stream';
import { afterAll, describe, expect, it } from 'vitest';
import { BuildContext, type ContextFolder } from '../../src/components/build-context.js';
import { buildWithBuildx, buildxAnswers } from '../../src/components/buildx-builder.js';
import { parseDockerfile } from '../../src/components/dockerfile.js';
import { planPlatform } from '../../src/components/image-plan.js';
import { type LayerEntry, writeLayer } from '../../src/components/layer.js';
import { buildWithLayers, type ImagePlan } from '../../src/components/layers-builder.js';
import { blobPath, isWhole, readLayout } from '../../src/components/oci.js';
import type { TreeEntry } from '../../src/components/tree.js';

const run = promisify(execFile);
const isInstalled = (program: string) =>
  (process.env.PATH ?? '').split(delimiter).some((folder) => existsSync(join(folder, program)));
const root = mkdtempSync(join(tmpdir(), 'mooring-layers-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let made = 0;
const folder = () => join(root, String(made++));

const file = (path: string, content: string, executable = false): TreeEntry => {
  const source = new TextEncoder().encode(content);
  return { kind: 'file', path, executable, source, size: source.length };
};

const contextFolders: ContextFolder[] = [
  ...['amd64', 'arm64'].map((architecture) => ({
    at: `base/${architecture}`,
    identity: `test base ${architecture}`,
    entries: async (): Promise<TreeEntry[]> => [
      { kind: 'directory', path: 'usr' },
      { kind: 'directory', path: 'usr/bin' },
      file('usr/bin/tool', `tool of ${architecture}`, true),
      { kind: 'symlink', path: 'bin', target: 'usr/bin' },
    ],
  })),
  { at: 'program', entries: async () => [file('main.cjs', 'main'), file('data/list.txt', '')] },
];

const DOCKERFILE = `FROM scratch
ARG TARGETARCH
COPY base/\${TARGETARCH}/ /
COPY program/ /app/
COPY --chmod=600 --chown=7:8 program/main.cjs /etc/secret
COPY program/main.cjs program/data/list.txt /opt/both/
ENV PATH=/usr/bin
LABEL a="b c"
USER 7:8
WORKDIR /app
ENTRYPOINT ["tool", "/app/main.cjs"]
CMD ["x"]
`;

function planOf(text: string, platforms: readonly string[], layout: string): ImagePlan {
  const instructions = parseDockerfile(text, 'Dockerfile');
  return {
    name: 'test',
    file: 'Dockerfile',
    platforms: platforms.map((platform) => planPlatform(instructions, platform, 'Dockerfile')),
    context: new BuildContext(contextFolders),
    layout,
  };
}

const options = (layerCache = folder()) => ({ compression: 'portable', epoch: 0, layerCache }) as const;

/** What an image holds, by path, as a later layer leaves it, and its configuration. */
async function contentOf(layout: string, architecture: string) {
  const { manifests } = await readLayout(layout);
  const found = manifests.find(({ descriptor }) => descriptor.platform?.architecture === architecture);
  if (!found) throw new Error(`no ${architecture}`);
  const files: Record<string, string> = {};
  const times = new Set<number | undefined>();
  for (const { digest } of found.manifest.layers) {
    const tar = extract();
    Readable.from([gunzipSync(await readFile(blobPath(layout, digest)))]).pipe(tar);
    for await (const entry of tar) {
      const { name, type, mode, uid, gid, linkname, mtime } = entry.header;
      let text = '';
      for await (const chunk of entry) text += Buffer.from(chunk as Uint8Array).toString();
      times.add(mtime?.getTime());
      const path = name.replace(/\/$/, '');
      const bits = ((mode ?? 0) & 0o7777).toString(8);
      files[path] = [type, type === 'symlink' ? linkname : bits, `${uid}:${gid}`, text].join(' ');
    }
  }
  const config: unknown = JSON.parse(await readFile(blobPath(layout, found.manifest.config.digest), 'utf8'));
  return { files, times: [...times], config };
}

describe('buildWithLayers', () => {
  it('puts an image together for each platform, as the Dockerfile says', async () => {
    const layout = folder();
    const index = await buildWithLayers(
      planOf(DOCKERFILE, ['linux/amd64', 'linux/arm64'], layout),
      options(),
    );
    expect(await isWhole(layout, index.digest)).toBe(true);
    const { files, times, config } = await contentOf(layout, 'arm64');
    expect(files).toEqual({
      usr: 'directory 755 0:0 ',
      'usr/bin': 'directory 755 0:0 ',
      'usr/bin/tool': 'file 755 0:0 tool of arm64',
      bin: 'symlink usr/bin 0:0 ',
      app: 'directory 755 0:0 ',
      'app/main.cjs': 'file 644 0:0 main',
      'app/data': 'directory 755 0:0 ',
      'app/data/list.txt': 'file 644 0:0 ',
      etc: 'directory 755 7:8 ',
      'etc/secret': 'file 600 7:8 main',
      opt: 'directory 755 0:0 ',
      'opt/both': 'directory 755 0:0 ',
      'opt/both/main.cjs': 'file 644 0:0 main',
      'opt/both/list.txt': 'file 644 0:0 ',
    });
    expect(times).toEqual([0]);
    expect(config).toMatchObject({
      architecture: 'arm64',
      os: 'linux',
      created: '1970-01-01T00:00:00Z',
      config: {
        Env: ['PATH=/usr/bin'],
        Labels: { a: 'b c' },
        User: '7:8',
        WorkingDir: '/app',
        Entrypoint: ['tool', '/app/main.cjs'],
        Cmd: ['x'],
      },
    });
    expect((await contentOf(layout, 'amd64')).files['usr/bin/tool']).toContain('tool of amd64');
  });

  it('gives the same digest in any folder, also with layers from the cache, and keeps SOURCE_DATE_EPOCH', async () => {
    const cached = options();
    const platforms = ['linux/amd64', 'linux/arm64'];
    const digests = [];
    for (const each of [cached, cached, options()]) {
      digests.push((await buildWithLayers(planOf(DOCKERFILE, platforms, folder()), each)).digest);
    }
    expect(new Set(digests).size).toBe(1);
    const layout = folder();
    const later = await buildWithLayers(planOf(DOCKERFILE, platforms, layout), { ...cached, epoch: 1e9 });
    expect(digests).not.toContain(later.digest);
    expect((await contentOf(layout, 'amd64')).times).toEqual([1e12]);
  });

  it('writes a layer of the cache again that is not whole', async () => {
    const cached = options();
    const first = await buildWithLayers(planOf(DOCKERFILE, ['linux/amd64'], folder()), cached);
    for (const name of await readdir(cached.layerCache)) {
      if (!name.endsWith('.json')) await writeFile(join(cached.layerCache, name), 'cut');
    }
    const layout = folder();
    const again = await buildWithLayers(planOf(DOCKERFILE, ['linux/amd64'], layout), cached);
    expect(again.digest).toBe(first.digest);
    expect(await isWhole(layout, again.digest)).toBe(true);
  });

  it('names the line whose source is not there, and what is', async () => {
    const plan = planOf('FROM scratch\nCOPY foreign-base/arm64/ /\n', ['linux/arm64'], folder());
    await expect(buildWithLayers(plan, options())).rejects.toThrow(
      'Dockerfile, line 2: there is no foreign-base/arm64/ to copy; there are base/amd64, base/arm64, program',
    );
  });
});

it('refuses to replace a link of the image by a folder', async () => {
  const text = 'FROM scratch\nARG TARGETARCH\nCOPY base/$TARGETARCH /\nCOPY program/ /bin/\n';
  await expect(buildWithLayers(planOf(text, ['linux/amd64'], folder()), options())).rejects.toThrow(
    'Dockerfile, line 4: /bin of the image is a symlink; copy to the folder itself',
  );
});

describe('writeLayer', () => {
  it('compresses to the same bytes however the content comes in pieces, and back to what it was', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200_000, size: 'max' }), async (content) => {
        const onDisk = folder();
        await mkdir(onDisk);
        await writeFile(join(onDisk, 'content'), content);
        const entry = { kind: 'file', path: 'x', executable: false, size: content.length } as const;
        const write = (source: string | Uint8Array): Promise<{ digest: string; diffId: string }> => {
          const entries: LayerEntry[] = [{ ...entry, source }];
          return writeLayer(onDisk, entries, { compression: 'portable', epoch: 0 });
        };
        const [memory, disk] = [await write(content), await write(join(onDisk, 'content'))];
        expect(disk).toEqual(memory);
        const tar = gunzipSync(await readFile(join(onDisk, memory.digest.slice('sha256:'.length))));
        expect(Buffer.compare(tar.subarray(512, 512 + content.length), content)).toBe(0);
      }),
      { numRuns: 8 },
    );
  });
});

describe.runIf(isInstalled('skopeo'))('skopeo', () => {
  it('finds the image of each platform in the layout', async () => {
    const layout = folder();
    const index = await buildWithLayers(
      planOf(DOCKERFILE, ['linux/amd64', 'linux/arm64'], layout),
      options(),
    );
    for (const architecture of ['amd64', 'arm64']) {
      const { stdout } = await run('skopeo', [
        'inspect',
        '--override-arch',
        architecture,
        `oci:${layout}:test`,
      ]);
      expect(JSON.parse(stdout)).toMatchObject({ Architecture: architecture, Labels: { a: 'b c' } });
    }
    const copy = folder();
    await run('skopeo', ['--insecure-policy', 'copy', '--all', `oci:${layout}:test`, `oci:${copy}:test`]);
    expect(await isWhole(copy, index.digest)).toBe(true);
  });
});

/** Another builder: a `docker` whose buildx is buildah, for this machine's platform. */
async function dockerOfBuildah(): Promise<string> {
  const bin = folder();
  const storage = folder();
  await mkdir(bin);
  await writeFile(
    join(bin, 'docker'),
    `#!/bin/sh
set -eu
case "$1 \${2-}" in
  "version "*) echo 28.0.0; exit ;;
  "buildx inspect") printf 'Name: other\\nDriver: docker-container\\n'; exit ;;
  "buildx build") shift 2 ;;
  *) echo "unknown command $1" >&2; exit 1 ;;
esac
while [ $# -gt 1 ]; do
  case $1 in
    --platform) platform=$2 ;;
    --file) file=$2 ;;
    --output) dest=\${2#*dest=}; dest=\${dest%%,*} ;;
  esac
  shift 2
done
set -- --root "${storage}/root" --runroot "${storage}/run" --storage-driver vfs
export BUILDAH_ISOLATION=chroot
PATH=${process.env.PATH}
trap 'chmod -R u+w "${storage}"; rm -rf "${storage}"' EXIT
buildah "$@" build --quiet --platform "$platform" --timestamp "$SOURCE_DATE_EPOCH" --file "$file" --tag built "$(dirname "$file")/context" >/dev/null
buildah "$@" push --quiet --format oci localhost/built "oci:$dest:built" >/dev/null
`,
  );
  await chmod(join(bin, 'docker'), 0o755);
  return bin;
}

describe.runIf(isInstalled('buildah'))('buildWithBuildx, with buildah in place of buildx', () => {
  it('has another builder make the same image of the same context and Dockerfile', async () => {
    const path = process.env.PATH;
    process.env.PATH = `${await dockerOfBuildah()}${delimiter}${path}`;
    try {
      expect(await buildxAnswers()).toEqual({ usable: true });
      const architecture = process.arch === 'arm64' ? 'arm64' : 'amd64';
      const platforms = [`linux/${architecture}`];
      const [ours, theirs] = [folder(), folder()];
      await buildWithLayers(planOf(DOCKERFILE, platforms, ours), options());
      const index = await buildWithBuildx(planOf(DOCKERFILE, platforms, theirs), {
        text: DOCKERFILE,
        epoch: 0,
        signal: undefined,
      });
      expect(await isWhole(theirs, index.digest)).toBe(true);
      const [mine, other] = [await contentOf(ours, architecture), await contentOf(theirs, architecture)];
      expect(other.files).toEqual(mine.files);
      expect(other.config).toMatchObject({ config: (mine.config as { config: object }).config });
    } finally {
      process.env.PATH = path;
    }
  });
});

it('says why Docker is not used', async () => {
  const path = process.env.PATH;
  const bin = folder();
  await mkdir(bin);
  await symlink(process.execPath, join(bin, 'node'));
  try {
    process.env.PATH = bin;
    expect(await buildxAnswers()).toEqual({ usable: false, why: 'no Docker engine answers' });
    await writeFile(join(bin, 'docker'), '#!/bin/sh\n[ "$1" = version ] && echo 28.0.0\n');
    await chmod(join(bin, 'docker'), 0o755);
    expect(await buildxAnswers()).toEqual({ usable: false, why: 'Docker has no buildx' });
  } finally {
    process.env.PATH = path;
  }
});
