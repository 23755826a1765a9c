import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DeployError } from '../../src/deploy/deploy-error.js';
import { type Deployment, deployStack, destroyStack, planStack } from '../../src/deploy/engine.js';
import type { DeployProgress, EnginePorts } from '../../src/deploy/engine-ports.js';
import { type Box, boxProgram } from './box-program.js';
import { boxSchema, Killed, World } from './memory-cloud.js';

let tokens = 0;
function ports(world: World, seen: DeployProgress[] = []): EnginePorts {
  return {
    cloud: world,
    states: world,
    schemas: async () => boxSchema,
    newToken: () => `token-${++tokens}`,
    onProgress: (progress) => seen.push(progress),
  };
}

const deploy = (world: World, boxes: readonly Box[], seen?: DeployProgress[]): Promise<Deployment> =>
  deployStack('test', boxProgram(boxes), ports(world, seen));

/** What the cloud must hold when these boxes are deployed. */
function expectCloud(world: World, boxes: readonly Box[]): void {
  const arnOf = (key: string | undefined) => {
    const name = boxes.find((box) => box.key === key)?.name;
    return name === undefined ? undefined : `arn:${name}:${world.boxes.get(name)?.identity}`;
  };
  const wanted = Object.fromEntries(
    boxes.map((box) => [
      box.name,
      JSON.parse(
        JSON.stringify({
          Name: box.name,
          Kind: box.kind,
          Size: box.size,
          Secret: box.secret,
          Link: arnOf(box.link),
        }),
      ),
    ]),
  );
  expect(Object.fromEntries([...world.boxes].map(([name, box]) => [name, box.properties]))).toEqual(wanted);
}

const kinds = (deployment: Deployment) =>
  Object.fromEntries(deployment.plan.steps.map((step) => [step.resource.name, step.kind]));

describe('deployStack', () => {
  it('creates in the order of dependencies, and then finds nothing to change', async () => {
    const world = new World();
    const boxes: Box[] = [
      { key: 'a', name: 'A' },
      { key: 'b', name: 'B', link: 'a' },
      { key: 'c', name: 'C', link: 'b', size: 1 },
    ];
    const first = await deploy(world, boxes);
    expect(first.result).toEqual({ created: 3, updated: 0, replaced: 0, deleted: 0, same: 0 });
    expect(kinds(first)).toEqual({ a: 'create', b: 'create', c: 'create' });
    expectCloud(world, boxes);
    world.boot();
    const second = await deploy(world, boxes);
    expect(second.plan.changes).toBe(false);
    expect(second.result).toEqual({ created: 0, updated: 0, replaced: 0, deleted: 0, same: 3 });
    expect(world.calls).toEqual([]);
    expect(world.effects).toBe(0);
  });

  it('updates in place, with the write-only properties that the cloud cannot read back', async () => {
    const world = new World();
    await deploy(world, [{ key: 'a', name: 'A', size: 1, secret: 's' }]);
    world.boot();
    const { plan, result } = await deploy(world, [{ key: 'a', name: 'A', size: 2, secret: 's' }]);
    expect(plan.steps).toMatchObject([
      { kind: 'update', changes: [{ path: ['Size'], before: 1, after: 2 }], resource: { identifier: 'A' } },
    ]);
    expect(result.updated).toBe(1);
    expectCloud(world, [{ key: 'a', name: 'A', size: 2, secret: 's' }]);
    await deploy(world, [{ key: 'a', name: 'A' }]);
    expect(world.boxes.get('A')?.properties.Size).toBeUndefined();
  });

  it('replaces under a new name by creating first, and deletes the old one when nothing needs it any more', async () => {
    const world = new World();
    await deploy(world, [
      { key: 'a', name: 'A' },
      { key: 'b', name: 'B', link: 'a' },
    ]);
    world.boot();
    const after: Box[] = [
      { key: 'a', name: 'A2' },
      { key: 'b', name: 'B', link: 'a' },
    ];
    const deployment = await deploy(world, after);
    expect(deployment.plan.steps[0]).toMatchObject({
      kind: 'replace',
      because: ['Name'],
      order: 'create-first',
    });
    expect(deployment.result).toEqual({ created: 0, updated: 1, replaced: 1, deleted: 0, same: 0 });
    expect(world.calls.map((call) => call.split(' ').slice(0, 2).join(' '))).toEqual([
      'create AWS::Test::Box',
      'update B',
      'delete A',
    ]);
    expectCloud(world, after);
  });

  it('replaces under the same name by deleting first', async () => {
    const world = new World();
    await deploy(world, [{ key: 'a', name: 'A', kind: 'x' }]);
    const { plan } = await deploy(world, [{ key: 'a', name: 'A', kind: 'y' }]);
    expect(plan.steps[0]).toMatchObject({ kind: 'replace', because: ['Kind'], order: 'delete-first' });
    expectCloud(world, [{ key: 'a', name: 'A', kind: 'y' }]);
  });

  it('deletes what the program no longer has, dependents first, at the end', async () => {
    const world = new World();
    await deploy(world, [
      { key: 'a', name: 'A' },
      { key: 'b', name: 'B', link: 'a' },
      { key: 'c', name: 'C', link: 'b' },
    ]);
    world.boot();
    const { result } = await deploy(world, [{ key: 'd', name: 'D' }]);
    expect(result).toMatchObject({ created: 1, deleted: 3 });
    expect(world.calls.map((call) => call.slice(0, 8))).toEqual([
      'create A',
      'delete C',
      'delete B',
      'delete A',
    ]);
  });

  it('destroys everything, and forgets what is to be retained', async () => {
    const world = new World();
    await deploy(world, [
      { key: 'a', name: 'A', retainOnDelete: true },
      { key: 'b', name: 'B', link: 'a' },
    ]);
    const { plan } = await destroyStack('test', ports(world));
    expect(plan.steps).toMatchObject([
      { kind: 'delete', resource: { name: 'b' }, retained: false },
      { kind: 'delete', resource: { name: 'a' }, retained: true },
    ]);
    expect([...world.boxes.keys()]).toEqual(['A']);
    expect((await world.load())?.resources).toEqual([]);
  });

  it('refuses to delete or replace what is protected, before anything happens', async () => {
    const world = new World();
    await deploy(world, [{ key: 'a', name: 'A', kind: 'x', protect: true }]);
    await expect(deploy(world, [{ key: 'b', name: 'B' }])).rejects.toThrow(
      /a \(AWS::Test::Box\) is protected/,
    );
    await expect(deploy(world, [{ key: 'a', name: 'A', kind: 'y' }])).rejects.toThrow(/would be replaced/);
    expect([...world.boxes.keys()]).toEqual(['A']);
  });

  it('names the resource that failed and what the cloud said, finishes what is under way, and goes on next time', async () => {
    const world = new World();
    const boxes: Box[] = [
      { key: 'a', name: 'A' },
      { key: 'bad', name: 'BAD' },
      { key: 'after', name: 'AFTER', link: 'bad' },
    ];
    world.refused.add('BAD');
    const error = await deploy(world, boxes).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(DeployError);
    expect(String(error)).toContain('Could not create bad (AWS::Test::Box): InvalidRequest: BAD is refused');
    expect([...world.boxes.keys()]).toEqual(['A']);
    world.refused.clear();
    const { result } = await deploy(world, boxes);
    expect(result).toMatchObject({ created: 2, same: 1 });
    expectCloud(world, boxes);
  });

  it('goes on after a failed update from what the cloud really has', async () => {
    const world = new World();
    await deploy(world, [{ key: 'a', name: 'A', size: 1 }]);
    world.refused.add('A');
    await expect(deploy(world, [{ key: 'a', name: 'A', size: 2 }])).rejects.toThrow(/Could not update a/);
    world.refused.clear();
    expect((await deploy(world, [{ key: 'a', name: 'A', size: 1 }])).plan.changes).toBe(false);
    expect((await deploy(world, [{ key: 'a', name: 'A', size: 2 }])).result.updated).toBe(1);
  });

  it('creates again what was deleted behind its back, once an update has found that out', async () => {
    const world = new World();
    await deploy(world, [{ key: 'a', name: 'A', size: 1 }]);
    world.boxes.clear();
    await expect(deploy(world, [{ key: 'a', name: 'A', size: 2 }])).rejects.toThrow(/there is no A/);
    expect((await deploy(world, [{ key: 'a', name: 'A', size: 2 }])).result.created).toBe(1);
  });

  it('does not take over what it did not create', async () => {
    const world = new World();
    await world.create('AWS::Test::Box', { Name: 'A' }, 'somebody');
    await expect(deploy(world, [{ key: 'a', name: 'A' }])).rejects.toThrow(
      /a \(AWS::Test::Box\) exists in the cloud but not in this stack's state/,
    );
    expect((await world.load())?.resources).toEqual([]);
  });

  it('lets the old resource live on when its replacement could not be created', async () => {
    const world = new World();
    await deploy(world, [{ key: 'a', name: 'A' }]);
    world.refused.add('A2');
    await expect(deploy(world, [{ key: 'a', name: 'A2' }])).rejects.toThrow(/Could not replace a/);
    expect((await deploy(world, [{ key: 'a', name: 'A' }])).plan.changes).toBe(false);
  });

  it('reports each step as it begins and ends', async () => {
    const seen: DeployProgress[] = [];
    await deploy(new World(), [{ key: 'a', name: 'A' }], seen);
    expect(seen.map((one) => one.kind)).toEqual(['planned', 'started', 'finished']);
  });

  it('plans without touching anything', async () => {
    const world = new World();
    const plan = await planStack('test', boxProgram([{ key: 'a', name: 'A' }]), ports(world));
    expect(plan).toMatchObject({ changes: true, steps: [{ kind: 'create' }] });
    expect(world.effects).toBe(0);
  });
});

/** Programs over few keys and names, so that most pairs of them share resources; no two boxes of one name. */
const programs = fc
  .array(
    fc.record({
      key: fc.constantFrom('a', 'b', 'c', 'd'),
      name: fc.constantFrom('A', 'B', 'C', 'D', 'E'),
      kind: fc.option(fc.constantFrom('x', 'y'), { nil: undefined }),
      size: fc.option(fc.constantFrom(1, 2), { nil: undefined }),
      secret: fc.option(fc.constantFrom('s', 't'), { nil: undefined }),
      link: fc.option(fc.constantFrom('a', 'b', 'c'), { nil: undefined }),
    }),
    { maxLength: 4 },
  )
  .map((drawn) => {
    const boxes: Box[] = [];
    for (const box of drawn) {
      if (boxes.some(({ key, name }) => key === box.key || name === box.name)) continue;
      const link = boxes.some(({ key }) => key === box.link) ? box.link : undefined;
      boxes.push({ ...box, link });
    }
    return boxes;
  });

/**
 * Sequences of such programs that a cloud can follow. Each key keeps its names to itself: a name that wanders
 * to another key would be needed before its old owner is deleted. A box that another links to never changes
 * its kind: it would have to be deleted while it is in use.
 */
const sequences = (minLength: number, maxLength: number) =>
  fc.array(programs, { minLength, maxLength }).map((sequence) => {
    const linked = new Set(sequence.flat().map(({ link }) => link));
    return sequence.map((boxes) =>
      boxes.map((box) => ({
        ...box,
        name: `${box.key}${box.name}`,
        kind: linked.has(box.key) ? undefined : box.kind,
      })),
    );
  });

describe('any sequence of programs', () => {
  it('leaves the cloud as the last one says, and then nothing to change', async () => {
    await fc.assert(
      fc.asyncProperty(sequences(1, 4), async (sequence) => {
        const world = new World();
        for (const boxes of sequence) {
          await deploy(world, boxes);
          expectCloud(world, boxes);
          world.boot();
          expect((await deploy(world, boxes)).plan.changes).toBe(false);
          expect(world.calls).toEqual([]);
        }
      }),
    );
  });

  it('gets there also when the process is killed at any instant, with tokens remembered or forgotten', async () => {
    const kill = fc.record({
      at: fc.integer({ min: 1, max: 30 }),
      when: fc.constantFrom('before' as const, 'after' as const),
    });
    await fc.assert(
      fc.asyncProperty(
        sequences(2, 2),
        fc.array(kill, { minLength: 1, maxLength: 4 }),
        fc.boolean(),
        async ([before = [], after = []], kills, remembers) => {
          const world = new World();
          await deploy(world, before);
          world.remembers = remembers;
          for (const one of kills) {
            world.boot(one);
            await deploy(world, after).catch((error: unknown) => {
              const reasons = error instanceof DeployError ? error.failures.map((one) => one.error) : [error];
              expect(reasons.filter((reason) => !(reason instanceof Killed))).toEqual([]);
            });
          }
          world.boot();
          await deploy(world, after);
          expectCloud(world, after);
          world.boot();
          expect((await deploy(world, after)).plan.changes).toBe(false);
        },
      ),
      { numRuns: 300 },
    );
  });
});
