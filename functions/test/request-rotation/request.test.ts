import { CsrRequestMessage, type RotationState, topics } from '@mooring/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { requestRotations } from '../../src/request-rotation/request.js';
import { MINUTE, notificationOf, playedFleet, TASK } from './played-fleet.js';

/** Runs the function until it does not continue itself any more; returns how often it ran. */
async function runAll(
  played: ReturnType<typeof playedFleet>,
  event: unknown,
  moments: number,
): Promise<number> {
  let runs = 0;
  for (let next = event; next !== undefined; next = played.continued.shift()) {
    played.fleet.moments = moments;
    await requestRotations(next, played.ports);
    runs += 1;
  }
  return runs;
}

const known = (state: RotationState) => ({
  state,
  unsent: false,
  signing: undefined,
  retiring: [],
  version: 1,
});

describe('an audit that found expiring certificates', () => {
  it('asks every device once, and spreads them over the time that the rate needs', async () => {
    const played = playedFleet(1000);
    expect(await requestRotations(notificationOf(1000), played.ports)).toBeUndefined();
    expect(played.published.map(({ topic }) => topic).sort()).toEqual(
      played.ids.map((_, index) => topics.csrRequest(`device-${index}`)).sort(),
    );
    for (const { message } of played.published) {
      expect(CsrRequestMessage.parse(message)).toEqual({ withinSeconds: 334 });
    }
    expect(played.states.get('device-7')).toMatchObject({
      state: { stage: 'requested', at: 0, certificateId: played.ids[7] },
      unsent: false,
    });
  });

  it('tells its progress after each page', async () => {
    const played = playedFleet(600);
    await requestRotations(notificationOf(600), played.ports);
    expect(played.lines).toEqual([
      ...[250, 500, 600].map((requested) => ({
        event: 'rotation-progress',
        taskId: TASK,
        requested,
        of: 600,
        failed: 0,
        withinSeconds: 200,
      })),
      { event: 'rotation-requested', taskId: TASK, requested: 600, of: 600 },
    ]);
  });

  it('goes on in further invocations when its time is over, and asks nobody twice', async () => {
    const played = playedFleet(1000);
    // Time for a chunk of devices, each time.
    expect(await runAll(played, notificationOf(1000), 1)).toBe(100);
    expect(new Set(played.published.map(({ topic }) => topic)).size).toBe(1000);
    expect(played.published).toHaveLength(1000);
    expect(new Set(played.published.map(({ message }) => message.withinSeconds))).toEqual(new Set([334]));
    expect(played.lines.at(-1)).toMatchObject({ event: 'rotation-requested', requested: 1000 });
  });

  it('asks nobody twice when it is told of twice, nor for findings that repeat', async () => {
    const played = playedFleet(30);
    played.fleet.findings.push(...played.ids);
    await requestRotations(notificationOf(60), played.ports);
    await requestRotations(notificationOf(60), played.ports);
    expect(played.published).toHaveLength(30);
    played.fleet.time += 61 * MINUTE;
    await requestRotations(notificationOf(60), played.ports);
    expect(played.published).toHaveLength(60);
  });

  it('asks again when the message itself may not have been sent', async () => {
    const played = playedFleet(1);
    const publish = played.ports.publish;
    let calls = 0;
    const ports = {
      ...played.ports,
      publish: (topic: string, message: object) => {
        calls += 1;
        return calls <= 2 ? Promise.reject(new Error('no answer')) : publish(topic, message);
      },
    };
    await expect(requestRotations(notificationOf(1), ports)).rejects.toThrow(/no answer|could not be asked/);
    await requestRotations(notificationOf(1), ports);
    expect(played.published).toHaveLength(1);
  });

  it('passes over certificates that are gone or belong to no thing, and asks all things of a shared one', async () => {
    const played = playedFleet(4);
    const [deleted = '', loose = '', shared = ''] = played.ids.map(played.ports.certificateArn);
    played.attachments.delete(deleted);
    played.attachments.set(loose, []);
    played.attachments.set(shared, ['device-2', 'another']);
    await requestRotations(notificationOf(4), played.ports);
    expect(played.published.map(({ topic }) => topic).sort()).toEqual(
      ['another', 'device-2', 'device-3'].map(topics.csrRequest),
    );
    expect(played.lines.filter(({ event }) => event === 'finding-ignored')).toEqual([
      { event: 'finding-ignored', certificateId: played.ids[0], reason: 'it was deleted meanwhile' },
      { event: 'finding-ignored', certificateId: played.ids[1], reason: 'it is attached to no thing' },
    ]);
  });

  it.each<[string, Partial<RotationState>, number]>([
    ['was asked for this certificate', { stage: 'requested', certificateId: 'THIS' }, 0],
    ['was asked for an earlier certificate', { stage: 'requested', certificateId: 'other' }, 1],
    ['was refused', { stage: 'refused', certificateId: 'THIS' }, 0],
    ['was given a new certificate', { stage: 'issued', certificateId: 'other' }, 0],
    ['has replaced this certificate', { stage: 'completed', certificateId: 'other' }, 0],
    ['has got this certificate by a rotation', { stage: 'completed', certificateId: 'THIS' }, 1],
  ])('looks whether the device %s just now', async (_, state, asked) => {
    const played = playedFleet(1);
    const certificateId = state.certificateId === 'THIS' ? played.ids[0] : state.certificateId;
    played.states.set('device-0', known({ stage: 'requested', at: 0, ...state, certificateId }));
    await requestRotations(notificationOf(1), played.ports);
    expect(played.published).toHaveLength(asked);
  });

  it('asks all others when one cannot be asked, names it at the end, and asks only it when it is retried', async () => {
    const played = playedFleet(300);
    played.broken.add('device-5');
    const event = notificationOf(300);
    await expect(requestRotations(event, played.ports)).rejects.toThrow(played.ids[5]);
    expect(played.published).toHaveLength(299);
    expect(played.lines).toContainEqual({
      event: 'rotation-not-requested',
      taskId: TASK,
      certificateId: played.ids[5],
      reason: expect.stringContaining('device-5: the shadow cannot be written'),
    });
    played.broken.clear();
    await requestRotations(event, played.ports);
    expect(played.published).toHaveLength(300);
    expect(played.published.at(-1)?.topic).toBe(topics.csrRequest('device-5'));
  });

  it('carries over to further invocations who could not be asked', async () => {
    const played = playedFleet(60);
    played.broken.add('device-3');
    played.fleet.moments = 1;
    await requestRotations(notificationOf(60), played.ports);
    expect(played.continued).toEqual([
      { audits: [{ taskId: TASK, of: 60, skip: 10, requested: 9, failed: [played.ids[3]] }] },
    ]);
    played.broken.clear();
    await runAll(played, played.continued.shift(), 1);
    expect(played.published).toHaveLength(60);
  });
});

describe('a notification that asks for nothing', () => {
  const message = (text: string) => ({ Records: [{ Sns: { Message: text } }] });

  it.each<[string, object, RegExp]>([
    ['an audit without findings', notificationOf(0), /found no expiring certificates: COMPLETED_COMPLIANT/],
    ['a check that failed', notificationOf(1, { checkRunStatus: 'FAILED' }), /FAILED/],
    [
      'another check',
      notificationOf(1, { checkName: 'LOGGING_DISABLED_CHECK' }),
      /did not look for expiring/,
    ],
    ['another message', message('{"hello": "world"}'), /not that of an audit/],
    ['no JSON', message('hello'), /not JSON/],
  ])('is ignored, and says why: %s', async (_, event, reason) => {
    const played = playedFleet(1);
    expect(await requestRotations(event, played.ports)).toBeUndefined();
    expect(played.published).toEqual([]);
    expect(played.lines).toEqual([{ event: 'audit-ignored', reason: expect.stringMatching(reason) }]);
  });

  it('throws nothing but a refusal, whatever is sent', async () => {
    const played = playedFleet(1);
    const event = fc.oneof(
      fc.anything(),
      fc.record({ Records: fc.anything() }),
      fc.record({ things: fc.anything() }),
      fc.record({ audits: fc.anything() }),
    );
    await fc.assert(
      fc.asyncProperty(event, async (value) => {
        await requestRotations(value, played.ports).catch((error: unknown) =>
          expect(error).toMatchObject({ name: 'UnknownEventError' }),
        );
      }),
    );
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.string(), fc.json()), async (text) => {
        await requestRotations(message(text), played.ports);
      }),
    );
    expect(played.published).toEqual([]);
  });
});

describe('things by name', () => {
  it('are asked at once, each once, and whatever their state is', async () => {
    const played = playedFleet(3);
    played.states.set('device-1', known({ stage: 'requested', at: 0, certificateId: played.ids[1] }));
    const things = ['device-1', 'device-2', 'device-1'];
    expect(await requestRotations({ things }, played.ports)).toEqual({
      requested: ['device-1', 'device-2'],
      refused: [],
    });
    expect(played.published).toEqual([
      { topic: topics.csrRequest('device-1'), message: {} },
      { topic: topics.csrRequest('device-2'), message: {} },
    ]);
    expect(played.states.get('device-2')?.state).toEqual({
      stage: 'requested',
      at: 0,
      certificateId: played.ids[2],
    });
  });

  it('are refused one by one, each with its reason', async () => {
    const played = playedFleet(3);
    played.broken.add('device-1');
    const things = ['no name', 'nobody', 'device-1', 'device-2'];
    expect(await requestRotations({ things }, played.ports)).toEqual({
      requested: ['device-2'],
      refused: [
        { thing: 'no name', reason: 'it is not the name of a thing' },
        { thing: 'nobody', reason: 'it has no certificate' },
        { thing: 'device-1', reason: 'the shadow cannot be written' },
      ],
    });
  });

  it('are refused when there is no time left', async () => {
    const played = playedFleet(2);
    played.fleet.moments = 2;
    const answer = await requestRotations({ things: ['device-0', 'device-1'] }, played.ports);
    expect(answer?.requested).toEqual(['device-0']);
    expect(answer?.refused).toEqual([{ thing: 'device-1', reason: expect.stringContaining('ask again') }]);
  });
});
