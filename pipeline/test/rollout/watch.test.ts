import { describe, expect, it } from 'vitest';
import type { Outcome } from '../../src/rollout/executions.js';
import { type Watch, watchRollout } from '../../src/rollout/watch.js';

const things = (count: number) => Array.from({ length: count }, (_, index) => `t${index + 1}`);

/** A rollout that looks like one frame after the other; each look is a second after the one before. */
function rollout(
  frames: readonly { stopped?: boolean; outcomes: readonly Outcome[] }[],
  options: Partial<Watch> & {
    offline?: readonly string[];
    broken?: (look: number) => readonly string[];
  } = {},
) {
  let looks = 0;
  const lines: string[] = [];
  const size = frames[0]?.outcomes.length ?? 0;
  const watch: Watch = {
    plan: { fleetSize: size, wave: 5, failureThreshold: 20 },
    async observe() {
      const { stopped = false, outcomes = [] } = frames[Math.min(looks, frames.length - 1)] ?? {};
      looks += 1;
      return {
        stopped,
        outcomes: new Map(things(size).map((thing, index) => [thing, outcomes[index] ?? 'waiting'])),
      };
    },
    brokenOn: async () => options.broken?.(looks) ?? [],
    isOffline: async (thing) => options.offline?.includes(thing) === true,
    reason: async (thing) => `${thing} said no`,
    onProgress: (line) => lines.push(line),
    timeout: 30,
    settle: 0,
    now: () => looks * 1000,
    pause: async () => undefined,
    ...options,
  };
  return { watch, lines };
}

const many = (count: number, outcome: Outcome): Outcome[] => Array.from({ length: count }, () => outcome);

describe('watching a rollout', () => {
  it('ends when every device has got it, and tells of each on its way', async () => {
    const { watch, lines } = rollout([
      { outcomes: ['queued', 'queued'] },
      { outcomes: ['in progress', 'queued'] },
      { outcomes: ['succeeded', 'in progress'] },
      { outcomes: ['succeeded', 'succeeded'] },
    ]);
    expect(await watchRollout(watch)).toMatchObject({ end: 'done', failed: [], missing: [] });
    expect(lines).toEqual([
      '  t1: queued',
      '  t2: queued',
      '  t1: in progress',
      '  t1: succeeded',
      '  t2: in progress',
      '  t2: succeeded',
    ]);
  });

  it('ends at once without a device', async () => {
    expect(await watchRollout(rollout([{ outcomes: [] }]).watch)).toMatchObject({ end: 'done', missing: [] });
  });

  it('says who failed and why', async () => {
    const { watch, lines } = rollout([{ outcomes: ['failed', 'succeeded'] }]);
    const failed = [{ thing: 't1', reason: 't1 said no' }];
    expect(await watchRollout(watch)).toMatchObject({ end: 'done', failed });
    expect(lines).toContain('  t1: failed: t1 said no');
  });

  it('does not wait for those that are known to be away', async () => {
    const { watch } = rollout([{ outcomes: ['succeeded', 'queued'] }], { offline: ['t2'] });
    expect(await watchRollout(watch)).toMatchObject({
      end: 'done',
      missing: [{ thing: 't2', offline: true }],
    });
  });

  it('waits for one that has begun, though it is away: it reboots', async () => {
    const { watch } = rollout([{ outcomes: ['in progress'] }], { offline: ['t1'] });
    expect(await watchRollout(watch)).toMatchObject({
      end: 'timeout',
      missing: [{ thing: 't1', offline: false }],
    });
  });

  it('leaves a rollout that takes too long to itself', async () => {
    const { watch } = rollout([{ outcomes: ['succeeded', 'queued'] }]);
    expect(await watchRollout(watch)).toMatchObject({
      end: 'timeout',
      missing: [{ thing: 't2', offline: false }],
    });
  });

  it('goes on for as long as what was brought has to run', async () => {
    let looks = 0;
    const { watch } = rollout([{ outcomes: ['succeeded'] }], {
      settle: 10,
      broken: (look) => {
        looks = look;
        return [];
      },
    });
    expect(await watchRollout(watch)).toMatchObject({ end: 'done' });
    expect(looks).toBeGreaterThan(8);
  });

  it('does not wait any longer when it broke meanwhile', async () => {
    const { watch } = rollout([{ outcomes: ['succeeded'] }], {
      settle: 1000,
      timeout: 1000,
      broken: (look) => (look > 6 ? ['t1'] : []),
    });
    expect(await watchRollout(watch)).toMatchObject({ end: 'done' });
  });

  it('ends when a first wave that was deployed well breaks', async () => {
    const plan = { fleetSize: 1000, wave: 100, failureThreshold: 20 };
    const { watch } = rollout([{ outcomes: [...many(100, 'succeeded'), ...many(900, 'waiting')] }], {
      plan,
      broken: () => things(20),
    });
    expect(await watchRollout(watch)).toMatchObject({ end: 'failing', failed: [] });
  });

  it('ends when the job was canceled', async () => {
    const { watch } = rollout([{ stopped: true, outcomes: ['failed', 'canceled'] }]);
    expect(await watchRollout(watch)).toMatchObject({ end: 'stopped', failed: [{ thing: 't1' }] });
  });

  it('ends when the first wave of many failed', async () => {
    const plan = { fleetSize: 1000, wave: 100, failureThreshold: 20 };
    const { watch, lines } = rollout(
      [
        { outcomes: [...many(19, 'failed'), ...many(80, 'succeeded'), ...many(901, 'waiting')] },
        { outcomes: [...many(20, 'failed'), ...many(80, 'succeeded'), ...many(900, 'waiting')] },
      ],
      { plan },
    );
    const { end, failed, missing } = await watchRollout(watch);
    expect({ end, failed: failed.length, missing: missing.length }).toEqual({
      end: 'failing',
      failed: 20,
      missing: 900,
    });
    expect(lines.filter((line) => line.includes('said no'))).toHaveLength(10);
    expect(lines.at(-1)).toBe('  80 succeeded, 20 failed, 900 waiting');
  });
});
