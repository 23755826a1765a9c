import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { stringify } from 'yaml';
import type { Clock, Timer } from '../../src/clock.js';
import type { TestBroker } from './iot-broker.js';

/** A folder that is removed when the test ends. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'vd-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A clock whose timers fire after a millisecond, so that backoff takes no time; by default not those of half a minute. */
export class HastyClock implements Clock {
  readonly waits: number[] = [];
  #time = Date.UTC(2026, 0, 1);

  constructor(private readonly fires: (delay: number) => boolean = (delay) => delay < 29_000) {}

  now(): number {
    return this.#time;
  }

  after(delay: number, work: () => void): Timer {
    this.waits.push(delay);
    if (!this.fires(delay)) return { cancel: () => {} };
    const handle = setTimeout(() => {
      this.#time += delay;
      work();
    }, 1);
    return { cancel: () => clearTimeout(handle) };
  }
}

/** What an engineer puts on a device before its first start: claim, root CA and `config.yaml`. */
export interface PreparedDevice {
  readonly folder: string;
  readonly root: string;
  readonly configFile: string;
  readonly claimFiles: readonly string[];
}

export async function prepareDevice(
  broker: TestBroker,
  serial: string,
  overrides: { claim?: Record<string, unknown>; nucleus?: Record<string, unknown> } = {},
): Promise<PreparedDevice> {
  const folder = temporaryFolder();
  const root = join(folder, 'v2');
  mkdirSync(root);
  const claim = await broker.claim();
  const at = (name: string) => join(root, name);
  writeFileSync(at('claim.crt'), claim.certificate);
  writeFileSync(at('claim.key'), claim.privateKey);
  writeFileSync(at('rootCA.pem'), broker.authority.certificate);
  const configFile = join(folder, 'config.yaml');
  writeFileSync(
    configFile,
    stringify({
      services: {
        'aws.greengrass.Nucleus': {
          // Nobody is there unless a test says so.
          configuration: {
            greengrassDataPlaneEndpoint: 'iotdata',
            greengrassDataPlanePort: 1,
            ...overrides.nucleus,
          },
        },
        'aws.greengrass.FleetProvisioningByClaim': {
          configuration: {
            rootPath: root,
            awsRegion: 'eu-west-1',
            iotDataEndpoint: `127.0.0.1:${broker.port}`,
            provisioningTemplate: 'Template',
            claimCertificatePath: at('claim.crt'),
            claimCertificatePrivateKeyPath: at('claim.key'),
            rootCaPath: at('rootCA.pem'),
            templateParameters: { SerialNumber: serial },
            ...overrides.claim,
          },
        },
      },
    }),
  );
  return { folder, root, configFile, claimFiles: [at('claim.crt'), at('claim.key')] };
}
