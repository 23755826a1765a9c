import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { componentNames } from '@mooring/contracts';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { watchCertificate } from '../../certificate-rotator/src/certificate-watch.js';
import { CERTIFICATE, NOT_AFTER } from '../support/certificate.js';
import { CoreDevice } from '../support/core-device.js';
import { eventually } from '../support/eventually.js';
import { ManualClock } from '../support/manual-clock.js';
import { makePrograms, type Programs } from '../support/programs.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const DAY = 86_400_000;

interface Watch {
  readonly clock: ManualClock;
  readonly info: string[];
  readonly problems: string[];
  readonly failures: string[];
}

/** Watches a certificate from a time of day on. */
function watch(path: string, since: number): Watch {
  const clock = new ManualClock();
  const info: string[] = [];
  const problems: string[] = [];
  const failures: string[] = [];
  const stop = watchCertificate(path, {
    clock,
    now: () => since + clock.now(),
    log: { info: (line) => void info.push(line), problem: (line) => void problems.push(line) },
    fail: (error) => void failures.push(String(error)),
  });
  onTestFinished(stop);
  return { clock, info, problems, failures };
}

describe('watchCertificate', () => {
  it('says whose the certificate is and how many days are left, at once and then daily', async () => {
    const path = join(await temporaryFolder(), 'thingCert.crt');
    await writeFile(path, CERTIFICATE);
    const { clock, info, problems } = watch(path, NOT_AFTER - 1.5 * DAY);
    await eventually(() =>
      expect(info).toEqual([
        'The device certificate of O=Mooring, CN=SN-1 is valid until 2049-12-31T23:28:11.000Z: 1 days left.',
      ]),
    );
    clock.advance(DAY - 1);
    expect(info).toHaveLength(1);
    clock.advance(1);
    await eventually(() => expect(info).toHaveLength(2));
    expect(info[1]).toContain(': 0 days left.');
    clock.advance(DAY);
    await eventually(() =>
      expect(problems).toEqual([
        'The device certificate of O=Mooring, CN=SN-1 expired on 2049-12-31T23:28:11.000Z.',
      ]),
    );
  });

  it('fails when there is no certificate', async () => {
    const folder = await temporaryFolder();
    const path = join(folder, 'thingCert.crt');
    const missing = watch(path, 0);
    await eventually(() => expect(missing.failures).toHaveLength(1));
    expect(missing.failures[0]).toContain(`no such file or directory, open '${path}'`);
    await writeFile(path, 'no certificate');
    const wrong = watch(path, 0);
    await eventually(() => expect(wrong.failures).toHaveLength(1));
    expect(wrong.failures[0]).toContain(`${path} is no X.509 certificate in PEM`);
  });

  it('fails when the certificate is gone a day later', async () => {
    const path = join(await temporaryFolder(), 'thingCert.crt');
    await writeFile(path, CERTIFICATE);
    const { clock, info, failures } = watch(path, 0);
    await eventually(() => expect(info).toHaveLength(1));
    await rm(path);
    clock.advance(DAY);
    await eventually(() => expect(failures).toHaveLength(1));
  });
});

describe('the program on a core device', () => {
  let programs: Programs;
  beforeAll(async () => {
    programs = await makePrograms([componentNames.certificateRotator]);
  });
  afterAll(() => programs.remove());

  it('finds the certificate where the nucleus keeps it, and stays until it is stopped', async () => {
    const device = await CoreDevice.start(programs);
    await writeFile(join(device.root, 'thingCert.crt'), CERTIFICATE);
    await writeFile(join(device.root, 'privKey.key'), 'the key');
    const running = await device.run(componentNames.certificateRotator);
    await eventually(() => expect(running.out.join()).toContain('O=Mooring, CN=SN-1 is valid until 2049'));
    running.signal('SIGTERM');
    expect(await running.exit).toBe(0);
    expect(running.err).toEqual([]);
    expect(running.out.at(-1)).toBe('Stops, as asked by SIGTERM.');
  });

  it('says where it looked when there is none', async () => {
    const device = await CoreDevice.start(programs);
    const running = await device.run(componentNames.certificateRotator);
    expect(await running.exit).toBe(1);
    expect(running.err).toEqual([
      `There is no device certificate at ${device.root}/device.pem.crt: set the configuration key certificate to its path`,
    ]);
  });
});
