import { mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { describe, expect, it, onTestFinished } from 'vitest';
import { describeCertificate, readKeyPair } from '../src/key-pair.js';
import { fingerprint, makeAuthority } from './support/authority.js';
import { temporaryFolder } from './support/fixtures.js';

/** Moves a link to a target for each message, in a thread of its own. */
const MOVER = `
  const { renameSync, symlinkSync } = require('node:fs');
  const { parentPort, workerData: link } = require('node:worker_threads');
  parentPort.on('message', (target) => {
    symlinkSync(target, link + '.new');
    renameSync(link + '.new', link);
  });
`;

/** Two generations and a link to the first, with the paths that lead through it. */
function generations() {
  const folder = temporaryFolder();
  for (const name of ['1', '2']) {
    mkdirSync(join(folder, name));
    writeFileSync(join(folder, name, 'certificate'), name);
    writeFileSync(join(folder, name, 'key'), name);
  }
  const link = join(folder, 'current');
  symlinkSync('1', link);
  return { link, certificatePath: join(link, 'certificate'), privateKeyPath: join(link, 'key') };
}

describe('readKeyPair', () => {
  it('reads both files through links', () => {
    const { link, ...paths } = generations();
    expect(readKeyPair(paths)).toEqual({ certificate: '1', privateKey: '1' });
    symlinkSync('2', `${link}.new`);
    renameSync(`${link}.new`, link);
    expect(readKeyPair(paths)).toEqual({ certificate: '2', privateKey: '2' });
  });

  it('never mixes what was before a change with what is after it', async () => {
    const { link, ...paths } = generations();
    const worker = new Worker(MOVER, { eval: true, workerData: link });
    onTestFinished(async () => void (await worker.terminate()));
    for (let move = 0; move < 200; move++) {
      const target = move % 2 === 0 ? '2' : '1';
      worker.postMessage(target);
      let pair = readKeyPair(paths);
      while (pair.certificate !== target) {
        expect(pair.privateKey).toBe(pair.certificate);
        pair = readKeyPair(paths);
      }
      expect(pair.privateKey).toBe(target);
    }
  });

  it('fails as the file system does when there is nothing', () => {
    const { certificatePath } = generations();
    expect(() => readKeyPair({ certificatePath, privateKeyPath: '/nowhere' })).toThrow(/ENOENT/);
  });
});

describe('describeCertificate', () => {
  it('says which certificate it is, and whether its time is over or has not come', async () => {
    const { certificate } = await (await makeAuthority()).client('T');
    const id = fingerprint(certificate).replaceAll(':', '').toLowerCase();
    const day = 86_400_000;
    expect(describeCertificate(certificate, Date.now())).toMatch(`certificate ${id} is valid until 20`);
    expect(describeCertificate(certificate, Date.now() + 20 * day)).toMatch(
      `certificate ${id} expired on 20`,
    );
    expect(describeCertificate(certificate, 0)).toMatch(`certificate ${id} is not valid before 20`);
    expect(describeCertificate('nothing', 0)).toBe('the certificate on disk is none');
  });
});
