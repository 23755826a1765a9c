import { execFileSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { bucketNames, objectKeys } from '@mooring/contracts';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deployLocal } from '../../src/deploy/index.js';
import { type BuiltImage, buildImage } from '../../src/image/build.js';
import { forwardingUnits, localCloudPorts } from '../../src/image/local-cloud-ports.js';
import { parseManifest } from '../../src/image/manifest.js';
import { publishImage } from '../../src/image/publish.js';
import { packagesOf } from '../../src/image/rootfs.js';
import { missingPrograms } from '../../src/image/tools.js';
import { provision } from '../../src/provisioning/provision.js';
import { repositoryRoot } from '../../src/repository.js';
import { clientConfig } from '../../src/target.js';
import { type RunningCloud, startCloud } from '../deploy/running-cloud.js';
import { makeSmallRootfs } from './small-rootfs.js';

const missing = missingPrograms(false);

describe.skipIf(missing.length > 0)(
  `an image of a small root file system (${missing.join(', ') || 'all programs are there'})`,
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'mooring-image-'));
    const outDir = join(folder, 'out');
    const disk = join(folder, 'disk.img');
    let cloud: RunningCloud;
    let built: BuiltImage;
    const build = () =>
      buildImage(cloud.target, {
        imageTarget: 'generic',
        outDir,
        rootfs: join(folder, 'rootfs.tar'),
        fresh: false,
        installPrograms: false,
        localCloudHost: '10.0.2.2',
        now: new Date('2026-01-02T03:04:05Z'),
        onProgress: () => undefined,
      });
    const run = (program: string, ...args: string[]) =>
      execFileSync(program, args, {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
        env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` },
      });

    beforeAll(async () => {
      cloud = await startCloud();
      makeSmallRootfs(join(folder, 'rootfs.tar'));
      await expect(build()).rejects.toMatchObject({ code: 'NotDeployed' });
      await deployLocal(cloud.target);
      await provision(cloud.target, '1001\n');
      built = await build();
      run('zstd', '--quiet', '--decompress', built.path, '-o', disk);
    });
    afterAll(async () => {
      await cloud?.stop();
      rmSync(folder, { recursive: true, force: true });
    });

    it('has an EFI system partition and a root of its architecture', () => {
      const { partitiontable } = JSON.parse(run('sfdisk', '--json', disk));
      expect(partitiontable.label).toBe('gpt');
      expect(partitiontable.partitions.map((one: { type: string }) => one.type)).toEqual([
        'C12A7328-F81F-11D2-BA4B-00A0C93EC93B',
        'B921B045-1DF0-41C3-AF44-4C6F280D3FAE',
      ]);
    });

    it('starts shim at the removable path, which starts GRUB, which finds the root by its UUID', () => {
      const esp = `${disk}@@1M`;
      expect(run('mtype', '-i', esp, '::/EFI/BOOT/BOOTAA64.EFI')).toBe('usr/lib/shim/shimaa64.efi.signed');
      expect(run('mtype', '-i', esp, '::/EFI/BOOT/grubaa64.efi')).toBe(
        'usr/lib/grub/arm64-efi-signed/grubaa64.efi.signed',
      );
      const uuid = /search.fs_uuid (\S+) root/.exec(run('mtype', '-i', esp, '::/EFI/debian/grub.cfg'))?.[1];
      expect(rootFile('/boot/grub/grub.cfg')).toContain(`root=UUID=${uuid} ro`);
      expect(rootFile('/etc/fstab')).toContain(`UUID=${uuid} / ext4`);
      expect(rootFile('/boot/grub/grub.cfg')).not.toContain('console=');
    });

    it('holds claim, configuration and the core, and nobody can log in', () => {
      expect(rootFile('/etc/mooring/config.yaml.in')).toContain('SerialNumber: "@SERIAL_NUMBER@"');
      expect(rootFile('/greengrass/v2/claim-certs/claim.private.pem.key')).toContain('PRIVATE KEY');
      expect(debugfs('stat /greengrass/v2/claim-certs/claim.private.pem.key')).toMatch(/Mode: +0600/);
      expect(debugfs('stat /etc/systemd/system/serial-getty@.service')).toContain('"/dev/null"');
      const wants = debugfs('ls /etc/systemd/system/multi-user.target.wants');
      for (const unit of ['mooring-prepare.service', 'mooring-device.service', 'mooring-settled.path']) {
        expect(wants).toContain(unit);
      }
      const { http } = cloud.ports;
      expect(debugfs('ls /etc/systemd/system/sockets.target.wants')).toContain(
        `mooring-local-cloud-${http}.socket`,
      );
      expect(debugfs('ls /usr/lib/mooring/virtual-device/bin')).toContain('virtual-device.js');
    });

    it('leaves no claim beside it on the machine that built it', () => {
      expect(existsSync(join(outDir, 'payload'))).toBe(false);
      expect(existsSync(join(outDir, 'work'))).toBe(false);
    });

    it('is published with its checksum, and once', async () => {
      expect(await publishImage(cloud.target, outDir)).toMatchObject({
        published: true,
        sha256: built.sha256,
      });
      expect(await publishImage(cloud.target, outDir)).toMatchObject({ published: false });
      const s3 = new S3Client(clientConfig(cloud.target));
      const Bucket = bucketNames('000000000000', cloud.target.region).images;
      const get = async (Key: string) =>
        Buffer.from(
          (await (await s3.send(new GetObjectCommand({ Bucket, Key }))).Body?.transformToByteArray()) ?? [],
        );
      const manifest = parseManifest((await get(objectKeys.osImageManifest('generic'))).toString(), 'it');
      expect(manifest).toMatchObject({
        stack: 'local',
        built: '2026-01-02T03:04:05.000Z',
        bytes: built.bytes,
      });
      const key = objectKeys.osImage('generic', manifest.sha256, manifest.file);
      expect((await get(key)).equals(readFileSync(built.path))).toBe(true);
      expect((await get(`${key}.sha256`)).toString()).toBe(`${built.sha256}  ${built.file}\n`);
      s3.destroy();
    });

    it('is not published for another stack, nor when it is not what was built', async () => {
      await expect(publishImage({ ...cloud.target, stack: 'dev' }, outDir)).rejects.toMatchObject({
        code: 'OtherStack',
      });
      appendFileSync(built.path, 'x');
      await expect(publishImage(cloud.target, outDir)).rejects.toMatchObject({ code: 'ImageChanged' });
      await expect(publishImage(cloud.target, folder)).rejects.toMatchObject({ code: 'NotBuilt' });
    });

    /** debugfs reads a file system at an offset of a file. */
    function debugfs(command: string): string {
      return run('debugfs', '-R', command, `${disk}?offset=${65 * 1024 * 1024}`);
    }
    function rootFile(path: string): string {
      return debugfs(`cat ${path}`);
    }
  },
);

it('an image of a program that is missing is not begun', () => {
  expect(missingPrograms(true)).toEqual(expect.arrayContaining(missing));
});

describe('manifests', () => {
  it('that are none are refused, whatever they are', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        expect(() => parseManifest(text, 'manifest.json')).toThrow(/manifest.json is no manifest/);
      }),
    );
  });
});

describe('the local cloud’s ports', () => {
  const config = {
    awsRegion: 'eu-central-1',
    iotDataEndpoint: 'localhost:18883',
    iotCredEndpoint: 'localhost:18443',
    iotRoleAlias: 'alias',
    provisioningTemplate: 'template',
  };

  it('are those that devices ask for', () => {
    expect(localCloudPorts('http://127.0.0.1:4566', { ...config, greengrassDataPlanePort: 18443 })).toEqual([
      4566, 18883, 18443,
    ]);
    expect(localCloudPorts('http://cloud', { ...config, iotDataEndpoint: 'localhost' })).toEqual([
      80, 8883, 18443,
    ]);
  });

  it('are listened on at the device’s loopback only', () => {
    const units = forwardingUnits('10.0.2.2', 4566);
    expect(units['mooring-local-cloud-4566.socket']).toContain('ListenStream=127.0.0.1:4566\n');
    expect(units['mooring-local-cloud-4566.service']).toContain('systemd-socket-proxyd 10.0.2.2:4566\n');
  });
});

it('lists of packages are read without comments, and each package once', () => {
  expect(packagesOf(['# of\n a\nb\n\n', 'b\nc'])).toEqual(['a', 'b', 'c']);
});

describe('the Packer template of Raspberry Pi OS', () => {
  const text = readFileSync(join(repositoryRoot, 'os-image', 'rpi', 'raspberry-pi-os.pkr.hcl'), 'utf8');

  it('uses the variables that it has, and the command gives those without a default', () => {
    const declared = [...text.matchAll(/^variable "(\w+)" \{\n([^}]*)\}/gm)];
    const used = new Set([...text.matchAll(/var\.(\w+)/g)].map(([, name]) => name));
    expect(new Set(declared.map(([, name]) => name))).toEqual(used);
    const needed = declared.filter(([, , body]) => !body?.includes('default')).map(([, name]) => name);
    expect(needed).toEqual(['payload', 'units', 'image']);
  });

  it('builds what it declares as a source, and closes what it opens', () => {
    expect(/^source "(\w+)" "(\w+)"/m.exec(text)?.slice(1).join('.')).toBe('arm.raspberry_pi_os');
    expect(text).toContain('sources = ["source.arm.raspberry_pi_os"]');
    for (const [open = '', close = ''] of ['{}', '[]']) {
      expect(text.split(open).length).toBe(text.split(close).length);
    }
  });
});
