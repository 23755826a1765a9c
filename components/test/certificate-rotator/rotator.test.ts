import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { identify } from '../../certificate-rotator/src/issued-certificate.js';
import { type Fault, Signer, World } from './world.js';

let signer: Signer;
beforeAll(async () => {
  signer = await Signer.make();
});

/** More than a run of the component has before it comes to rest. */
const POINTS = 250;

type Happening =
  | { readonly what: 'request'; readonly withinSeconds: number }
  | { readonly what: 'crash'; readonly passages: number; readonly isPowerCut: boolean }
  | { readonly what: 'cloud'; readonly isUp: boolean }
  | { readonly what: 'fault'; readonly fault: Fault }
  | { readonly what: 'late messages' | 'core restarts' | 'restart fails' };

const happening: fc.Arbitrary<Happening> = fc.oneof(
  fc.record({ what: fc.constant('request' as const), withinSeconds: fc.constantFrom(0, 3_600) }),
  {
    weight: 3,
    arbitrary: fc.record({
      what: fc.constant('crash' as const),
      passages: fc.nat(70),
      isPowerCut: fc.boolean(),
    }),
  },
  fc.record({ what: fc.constant('cloud' as const), isUp: fc.boolean() }),
  fc.record({
    what: fc.constant('fault' as const),
    fault: fc.constantFrom<Fault[]>('lost', 'twice', 'late'),
  }),
  fc.record({
    what: fc.constantFrom('late messages' as const, 'core restarts' as const, 'restart fails' as const),
  }),
);

function happens(world: World, event: Happening): void {
  switch (event.what) {
    case 'request':
      world.request({ withinSeconds: event.withinSeconds });
      break;
    case 'crash':
      world.crashAfter(event.passages, event.isPowerCut);
      break;
    case 'cloud':
      world.setUp(event.isUp);
      break;
    case 'fault':
      world.faults.push(event.fault);
      break;
    case 'late messages':
      world.deliverLate();
      break;
    case 'core restarts':
      world.startCore();
      break;
    case 'restart fails':
      world.restartFailures += 1;
      break;
  }
}

describe('a rotation', () => {
  it('ends with the new certificate alone, whatever is interrupted, lost, repeated or late', async () => {
    const script = fc.array(fc.tuple(happening, fc.nat(8)), { maxLength: 14 });
    await fc.assert(
      fc.asyncProperty(
        script,
        fc.infiniteStream(fc.double({ min: 0, max: 0.999, noNaN: true })),
        async (events, chance) => {
          const world = await World.start(signer, () => chance.next().value);
          const first = world.connectedWith;
          world.request();
          for (const [event, turns] of events) {
            happens(world, event);
            await world.turns(turns);
            expect(world.violation).toBeUndefined();
          }
          world.faults.length = 0;
          world.setUp(true);
          world.deliverLate();
          // One that was not on the disk yet is lost with the component.
          for (let requests = 0; world.cloud.completed === 0 && requests < 40; requests++) {
            await world.turns(20);
            world.request();
          }
          await world.until(() => world.cloud.completed > 0 && world.isSettled);
          expect(world.violation).toBeUndefined();
          expect(world.connectedWith).not.toBe(first);
        },
      ),
      { numRuns: 40 },
    );
  });

  it.each([
    { what: 'killed', isPowerCut: false },
    { what: 'without power', isPowerCut: true },
  ])('ends with the new certificate alone when it is $what at any point', async ({ isPowerCut }) => {
    /** Rotates; the given run of the component ends at that point, if it gets there. @returns whether it did */
    const endsAt = async (run: number, point: number): Promise<boolean> => {
      const world = await World.start(signer);
      let runs = 0;
      world.onStart = () => {
        runs += 1;
        if (runs === run) world.crashAfter(point, isPowerCut);
      };
      world.startComponent();
      for (let requests = 0; world.cloud.completed === 0 && requests < 30; requests++) {
        await world.turn();
        world.request();
        await world.turns(4);
      }
      await world.until(() => world.cloud.completed > 0 && world.isSettled, 100);
      expect(world.violation).toBeUndefined();
      return runs > 2;
    };
    for (const run of [1, 2]) {
      let point = 0;
      while (point < POINTS && (await endsAt(run, point))) point += 1;
      expect(point).toBeGreaterThan(60);
    }
  });

  it('goes through once when nothing happens to it', async () => {
    const world = await World.start(signer);
    const first = world.connectedWith;
    world.request();
    await world.until(() => world.cloud.completed > 0 && world.isSettled);
    expect(world.cloud.asked).toBe(1);
    expect(world.connectedWith).not.toBe(first);
    expect(world.log.join('\n')).not.toContain('PRIVATE KEY');
    expect(
      world.log.map((line) => line.replaceAll(/[0-9a-f]{64}/g, 'ID').replaceAll(/20\d\d-\S+?Z/g, 'TIME')),
    ).toEqual([
      'Hears the cloud: rotates the certificate when it is asked to.',
      'The cloud asks to rotate the certificate; begins on TIME.',
      'Begins to rotate the certificate: made a new key, EC-P256.',
      expect.stringMatching(/^Asked for a certificate for key 2; asks again in \d+ s unless it comes\.$/),
      'Received the new certificate ID.',
      'The new certificate works: ID, valid until TIME, is in place.',
      'Hears the cloud: rotates the certificate when it is asked to.',
      expect.stringMatching(
        /^Told the cloud that .*ID is in use; tells it again in \d+ s unless it answers\.$/,
      ),
      "The rotation is complete: ID is the device's only certificate, and the old key is deleted.",
    ]);
  });

  it('that does not work is given up, and begun anew a day later', async () => {
    const world = await World.start(signer);
    const first = world.connectedWith;
    world.cloud.attachesNothing = true;
    world.request();
    await world.until(() => world.log.includes('The new certificate is given up; the old one stays in use.'));
    expect(world.connectedWith).toBe(first);
    expect(world.violation).toBeUndefined();
    const begins = () => world.log.filter((line) => line.startsWith('Begins')).length;
    expect(begins()).toBe(1);
    const since = world.clock.now();
    world.cloud.attachesNothing = false;
    await world.until(() => begins() === 2);
    expect(world.clock.now() - since).toBeGreaterThan(12 * 3_600_000 - 1);
    await world.until(() => world.isSettled && world.cloud.completed > 0);
    expect(world.cloud.active.size).toBe(1);
  });

  it('whose certificate stops working before the cloud has heard of it goes back to the old one', async () => {
    const world = await World.start(signer);
    const first = world.connectedWith;
    world.request();
    world.restartFailures = 2;
    world.cloud.breaksWhenTold = true;
    await world.until(() => world.cloud.powerless.size > 0);
    const [second] = world.cloud.powerless;
    expect(world.connectedWith).toBe(second);
    await world.until(() => world.connectedWith === first);
    expect(identify(world.pair?.certificate ?? '')).toBe(first);
    await world.until(() => world.isSettled && world.cloud.completed > 0);
    expect([first, second]).not.toContain(world.connectedWith);
    expect(world.violation).toBeUndefined();
  });

  it('waits for the cloud as long as it is gone, with pauses that grow to an hour', async () => {
    const world = await World.start(signer);
    world.request();
    world.faults.push('lost');
    await world.turn();
    world.setUp(false);
    await world.until(() => world.clock.now() > 20 * 3_600_000);
    const asked = world.log.filter((line) => line.startsWith('Asked'));
    expect(asked.length).toBeLessThan(40);
    expect(asked.at(-1)).toContain('asks again in 2700 s');
    world.setUp(true);
    await world.until(() => world.isSettled && world.cloud.completed > 0);
  });

  it('is not begun twice by a request that is repeated, and not put off by a later one', async () => {
    const world = await World.start(signer);
    world.request({ withinSeconds: 7_200 });
    world.request({ withinSeconds: 604_800 });
    await world.turn();
    world.setUp(false);
    await world.until(() => world.log.some((line) => line.startsWith('Begins')));
    expect(world.clock.now()).toBeLessThanOrEqual(7_200_000);
    world.setUp(true);
    world.request();
    await world.until(() => world.cloud.completed > 0 && world.isSettled);
    await world.turns(30);
    expect(world.cloud.completed).toBe(1);
    expect(world.log.filter((line) => line.startsWith('Begins'))).toHaveLength(1);
    expect(world.log.filter((line) => line.includes('under way already'))).toHaveLength(1);
  });
});
