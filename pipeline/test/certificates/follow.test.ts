import type { RotationState } from '@mooring/contracts';
import { expect, it } from 'vitest';
import { type Follow, followRotations } from '../../src/certificates/follow.js';
import { RotationProgress } from '../../src/certificates/progress.js';

const OLD = 'a'.repeat(64);
const NEW = 'b'.repeat(64);
const requested: RotationState = { stage: 'requested', at: 11, certificateId: OLD };
const completed: RotationState = { stage: 'completed', at: 13, certificateId: NEW };

/** A fleet that is followed by a clock of its own: `at` says what happens when, in seconds. */
function followed(things: readonly string[], at: Readonly<Record<number, (fleet: Fleet) => void>>) {
  const fleet = new Fleet(at);
  const follow: Follow = {
    progress: new RotationProgress(things.map((thing) => ({ thing, old: [OLD], after: 10 }))),
    listen: async (onState) => {
      fleet.hear = onState;
    },
    read: async (thing) => {
      fleet.looks += 1;
      return fleet.written.get(thing);
    },
    isOffline: async (thing) => fleet.offline.has(thing),
    onNews: (thing, { stage }) => fleet.news.push(`${fleet.seconds} s: ${thing} ${stage}`),
    timeout: 60,
    now: () => fleet.milliseconds,
    pause: async (milliseconds) => fleet.pass(milliseconds),
  };
  return followRotations(follow).then((result) => ({ ...result, fleet }));
}

class Fleet {
  milliseconds = 0;
  looks = 0;
  readonly news: string[] = [];
  readonly written = new Map<string, RotationState>();
  readonly offline = new Set<string>();
  hear: (thing: string, state: RotationState) => void = () => undefined;

  constructor(private readonly at: Readonly<Record<number, (fleet: Fleet) => void>>) {}

  get seconds(): number {
    return this.milliseconds / 1000;
  }

  /** Lets time pass up to the next thing that happens: whoever hears of it is awake. */
  pass(milliseconds: number): void {
    const until = this.milliseconds + milliseconds;
    const next = Object.keys(this.at)
      .map((seconds) => Number(seconds) * 1000)
      .find((time) => time > this.milliseconds && time <= until);
    this.milliseconds = next ?? until;
    if (next !== undefined) this.at[next / 1000]?.(this);
  }
}

it('hears at once what is written', async () => {
  const { end, fleet } = await followed(['a'], {
    0.5: ({ hear }) => hear('a', requested),
    0.7: ({ hear }) => hear('a', completed),
  });
  expect(end).toBe('done');
  expect(fleet.news).toEqual(['0.5 s: a requested', '0.7 s: a completed']);
});

it('finds by looking what it did not hear of, less and less often', async () => {
  const { end, fleet } = await followed(['a', 'b'], {
    1: ({ written }) => written.set('a', completed),
    50: ({ written }) => written.set('b', completed),
  });
  expect(end).toBe('done');
  expect(fleet.news).toEqual(['2 s: a completed', '60 s: b completed']);
  expect(fleet.looks).toBeLessThan(12);
});

it('ends when all that are left are away, but not while one that was sent its certificate connects', async () => {
  const away = await followed(['a', 'b'], {
    0.5: ({ hear, offline }) => {
      hear('a', requested);
      hear('b', completed);
      offline.add('a');
    },
  });
  expect(away).toMatchObject({ end: 'away', offline: ['a'] });
  expect(away.fleet.seconds).toBeLessThan(10);

  const connecting = await followed(['a'], {
    0.5: ({ hear, offline }) => {
      hear('a', { ...completed, stage: 'issued' });
      offline.add('a');
    },
    20: ({ hear }) => hear('a', completed),
  });
  expect(connecting.end).toBe('done');
});

it('ends when the time is over', async () => {
  const { end, fleet } = await followed(['a'], {});
  expect(end).toBe('timeout');
  expect(fleet.seconds).toBe(60);
});
