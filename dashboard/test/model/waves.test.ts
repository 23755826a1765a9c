import { expect, test } from 'vitest';
import { thinned } from '../../src/model/waves.js';

const waves = Array.from({ length: 100 }, (_, at) => ({ at, started: at, succeeded: 0, failed: 0 }));

test('few waves are all shown; of many some, from the first to the last', () => {
  expect(thinned(waves.slice(0, 3), 5)).toHaveLength(3);
  expect(thinned(waves, 5).map(({ at }) => at)).toEqual([0, 25, 50, 74, 99]);
});
