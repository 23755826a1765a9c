import { cp, mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { repositoryRoot } from '../repository.js';
import { claimFiles, type ImageFiles, initConfig } from '../start/device.js';
import type { Stack } from '../target.js';
import { bundleVirtualDevice } from './core.js';
import { type GreengrassHashes, greengrassSources, layOutGreengrass } from './greengrass.js';
import { forwardingUnits, localCloudPorts } from './local-cloud-ports.js';

/** Where the core keeps its things on a device. */
const CORE_ROOT = '/greengrass/v2';
/** What the first boot replaces by the device's own serial number. */
const SERIAL_NUMBER = '@SERIAL_NUMBER@';

export interface PayloadOptions {
  readonly target: 'generic' | 'rpi';
  readonly stack: Stack;
  /** Base URL of the local cloud's AWS APIs, for the stack `local`. */
  readonly endpointUrl: string | undefined;
  /** Address by which the device reaches the machine with the local cloud. */
  readonly localCloudHost: string;
  readonly files: ImageFiles;
  /** When the image is built: a device's clock that is earlier is wrong. */
  readonly built: Date;
  readonly out: string;
}

/** What goes on top of a distribution's packages. */
export interface Payload {
  /** Folder to copy over the root file system. */
  readonly folder: string;
  /** systemd units to enable. */
  readonly units: readonly string[];
  /** What was fetched of AWS, for images of AWS. */
  readonly greengrass?: GreengrassHashes;
}

/** Makes the payload of an image: first-boot service, claim, configuration, and the core. */
export async function makePayload(options: PayloadOptions): Promise<Payload> {
  const { files, out, stack, target } = options;
  await rm(out, { recursive: true, force: true });
  await mkdir(out, { recursive: true, mode: 0o700 });
  const osImage = join(repositoryRoot, 'os-image');
  await cp(join(osImage, 'first-boot'), out, { recursive: true });
  if (target === 'generic') await cp(join(osImage, 'generic', 'overlay'), out, { recursive: true });
  const put = async (path: string, text: string, mode = 0o644) => {
    await mkdir(dirname(join(out, path)), { recursive: true });
    await writeFile(join(out, path), text, { mode });
  };
  const core = CORE_ROOT.slice(1);
  // Only root may look for the claim; the directory above stays open to components.
  await mkdir(join(out, core, dirname(claimFiles.privateKey)), { recursive: true });
  await put(join(core, claimFiles.certificate), files.claimCertificate, 0o600);
  await put(join(core, claimFiles.privateKey), files.claimPrivateKey, 0o600);
  await put(join(core, claimFiles.rootCa), files.rootCa);
  await put('etc/mooring/config.yaml.in', initConfig(CORE_ROOT, SERIAL_NUMBER, files.config));
  await put('etc/mooring/built', `${Math.floor(options.built.getTime() / 1000)}\n`);
  const system = target === 'generic' ? [...GENERIC_UNITS] : [];
  const units = [...system, 'mooring-prepare.service', 'mooring-device.service', 'mooring-settled.path'];
  const dropIn = 'etc/systemd/system/mooring-device.service.d/core.conf';
  if (stack !== 'local') {
    await put(
      dropIn,
      '[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/usr/lib/mooring/run-greengrass\n',
    );
    units.push('docker.service', 'systemd-time-wait-sync.service');
    const greengrass = await layOutGreengrass(
      join(out, 'usr/lib/mooring/greengrass'),
      await greengrassSources(),
    );
    return { folder: out, units, greengrass };
  }
  await put(dropIn, '[Service]\nExecStart=/usr/lib/mooring/run-virtual-device\n');
  const endpointUrl = options.endpointUrl ?? '';
  await put('etc/mooring/local.env', `AWS_ENDPOINT_URL=${endpointUrl}\n`);
  for (const port of localCloudPorts(endpointUrl, files.config)) {
    for (const [unit, text] of Object.entries(forwardingUnits(options.localCloudHost, port))) {
      await put(`etc/systemd/system/${unit}`, text);
      if (unit.endsWith('.socket')) units.push(unit);
    }
  }
  await bundleVirtualDevice(join(out, 'usr/lib/mooring/virtual-device'));
  return { folder: out, units };
}

/** Of the generic image's Debian; Raspberry Pi OS brings its own network and growing of the root. */
const GENERIC_UNITS = [
  'systemd-networkd.service',
  'systemd-networkd-wait-online.service',
  'systemd-resolved.service',
  'systemd-timesyncd.service',
] as const;
