import type { RotationState } from '@mooring/contracts';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { RotationProgress } from '../../src/certificates/progress.js';

const OLD = 'a'.repeat(64);
const NEW = 'b'.repeat(64);
const state = (stage: RotationState['stage'], at: number, certificateId?: string): RotationState => ({
  stage,
  at,
  ...(certificateId !== undefined && { certificateId }),
});
const story = [state('requested', 11, OLD), state('issued', 12, NEW), state('completed', 13, NEW)];

it('goes through the stages, and says how many are where', () => {
  const progress = new RotationProgress(['a', 'b', 'c'].map((thing) => ({ thing, old: [OLD], after: 10 })));
  expect(progress.text).toBe('0 of 3 rotated, 3 waiting');
  for (const heard of story) expect(progress.take('a', heard)).toBe(true);
  progress.take('b', state('requested', 11, OLD));
  progress.take('c', state('refused', 11, OLD));
  expect(progress.text).toBe('1 of 3 rotated, 1 refused, 1 requested');
  expect(progress.pending).toEqual(['b']);
  expect(progress.isOver).toBe(false);
  // A device that was refused may ask again.
  progress.take('c', state('issued', 12, NEW));
  expect(progress.pending).toEqual(['b', 'c']);
  for (const thing of ['b', 'c']) progress.take(thing, state('completed', 13, NEW));
  expect(progress.isOver).toBe(true);
});

it('takes nothing of an earlier rotation, of another device, or twice for news', () => {
  const progress = new RotationProgress([{ thing: 'a', old: [OLD], after: 10 }]);
  expect(progress.take('a', state('refused', 10, OLD))).toBe(false);
  expect(progress.take('a', state('completed', 99, OLD))).toBe(false);
  expect(progress.take('other', state('requested', 11, OLD))).toBe(false);
  expect(progress.take('a', state('requested', 11, OLD))).toBe(true);
  expect(progress.take('a', state('requested', 11, OLD))).toBe(false);
  expect(progress.stageOf('a')).toBe('requested');
  // Completed before anybody looked, by a clock that is behind.
  expect(progress.take('a', state('completed', 11, NEW))).toBe(true);
});

it('takes the end of a rotation that was under way for the one that was asked for', () => {
  const progress = new RotationProgress([{ thing: 'a', old: [OLD, NEW], after: 10 }]);
  expect(progress.take('a', state('completed', 10, NEW))).toBe(false);
  expect(progress.take('a', state('completed', 11, NEW))).toBe(true);
  expect(progress.isOver).toBe(true);
});

it('comes to the same end in whatever order, and however often, it hears', () => {
  const heard = fc.array(fc.constantFrom(...story), { maxLength: 10 });
  fc.assert(
    fc.property(heard, heard, (before, after) => {
      const progress = new RotationProgress([{ thing: 'a', old: [OLD], after: 10 }]);
      for (const one of before) progress.take('a', one);
      progress.take('a', story[2] ?? state('completed', 13, NEW));
      for (const one of after) progress.take('a', one);
      expect(progress.stageOf('a')).toBe('completed');
      expect(progress.thingsIn('waiting', 'requested', 'issued', 'refused')).toEqual([]);
    }),
  );
});
