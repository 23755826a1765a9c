import fc from 'fast-check';
import { expect, it } from 'vitest';
import { chunkHealthMessage, type HealthMessage } from '../../src/status/health-message.js';

function message(reasons: readonly string[]): HealthMessage {
  return {
    ggcVersion: '2.15.0',
    platform: 'linux',
    architecture: 'amd64',
    thing: 'T',
    overallDeviceStatus: 'HEALTHY',
    sequenceNumber: 1,
    timestamp: 1,
    messageType: 'COMPLETE',
    trigger: 'CADENCE',
    components: reasons.map((statusReason, index) => ({
      componentName: `c${index}`,
      version: '1.0.0',
      fleetConfigArns: [],
      componentStatusDetails: { statusCodes: ['NONE'], statusReason },
      isRoot: true,
      status: 'RUNNING',
    })),
  };
}

it('goes in one piece when it fits', () => {
  const [only, ...more] = chunkHealthMessage(message(['a', 'b']));
  expect(more).toEqual([]);
  expect(JSON.parse(only ?? '')).not.toHaveProperty('chunkInfo');
});

it('is cut so that every piece fits and every component comes once, in order', () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ unit: 'grapheme', maxLength: 300 }), { minLength: 1, maxLength: 40 }),
      (reasons) => {
        const pieces = chunkHealthMessage(message(reasons), 1_000);
        for (const piece of pieces) expect(Buffer.byteLength(piece)).toBeLessThanOrEqual(1_000);
        const parsed = pieces.map((piece) => JSON.parse(piece));
        expect(
          parsed.flatMap(({ components }) =>
            components.map((c: { componentName: string }) => c.componentName),
          ),
        ).toEqual(reasons.map((_, index) => `c${index}`));
        if (pieces.length > 1) {
          expect(parsed.map(({ chunkInfo }) => chunkInfo)).toEqual(
            pieces.map((_, index) => ({ chunkId: index + 1, totalChunks: pieces.length })),
          );
        }
      },
    ),
  );
});
