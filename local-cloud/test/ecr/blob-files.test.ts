import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BlobFiles } from '../../src/services/ecr/blob-files.js';
import { atEnd } from '../support/at-end.js';
import { sha256 } from './images.js';

const directory = mkdtempSync(join(tmpdir(), 'ecr-files-'));
atEnd(() => rmSync(directory, { recursive: true, force: true }));

/** Pieces of an append; one that fails throws behind its last piece. */
const append = fc.record({
  pieces: fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 4 }),
  fails: fc.boolean(),
  /** Whether the process is another one from then on. */
  restarts: fc.boolean(),
});

test('an upload is what was appended wholly, however often appending failed or began anew', async () => {
  let number = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(append, { maxLength: 6 }), fc.nat(200), fc.nat(200), async (appends, a, b) => {
      let files = new BlobFiles(directory);
      const id = `upload-${number++}`;
      files.begin(id);
      let expected: Uint8Array = new Uint8Array();
      for (const { pieces, fails, restarts } of appends) {
        const size = expected.length;
        const parts = (async function* () {
          yield* pieces;
          if (fails) throw new Error('gone');
        })();
        const appended = files.append(id, size, parts);
        if (fails) await expect(appended).rejects.toThrow('gone');
        else {
          expected = Buffer.concat([expected, ...pieces]);
          expect(await appended).toBe(expected.length);
        }
        if (restarts) {
          files = new BlobFiles(directory);
          files.recover(
            () => true,
            (upload) => (upload === id ? expected.length : undefined),
          );
        }
      }
      const digest = await files.digestOf(id);
      expect(digest).toBe(sha256(expected));
      files.keep(id, digest);
      const [start = 0, end = 0] = [a, b].map((at) => Math.min(at, expected.length)).sort((x, y) => x - y);
      const read = Buffer.concat(await (await files.read(digest, start, end)).toArray());
      expect(read.equals(expected.subarray(start, end))).toBe(true);
      files.remove(digest);
    }),
    { numRuns: 60 },
  );
});
