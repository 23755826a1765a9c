import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Clock, systemClock } from '../../src/clock.js';
import type { StateChange } from '../../src/component/component.js';
import { ProcessGroups } from '../../src/component/process-groups.js';
import { groupIsAlive, listProcesses } from '../../src/component/process-table.js';
import type { ComponentSpec } from '../../src/component/spec.js';
import { Supervisor } from '../../src/component/supervisor.js';
import { makeLayout } from '../../src/layout.js';
import { GreengrassLogs } from '../../src/log/greengrass-log.js';
import { parseLifecycle } from '../../src/recipe/lifecycle.js';
import { temporaryFolder } from '../support/fixtures.js';

/** Timeouts of steps fire at once; what polls or waits for less goes by the real clock. */
class ImpatientClock implements Clock {
  offset = 0;
  now = () => Date.now() + this.offset;
  constructor(private readonly impatientFrom = Number.POSITIVE_INFINITY) {}
  after(delay: number, work: () => void) {
    return systemClock.after(delay >= this.impatientFrom ? 30 : delay, work);
  }
}

function setUp(clock: Clock = systemClock) {
  const layout = makeLayout(join(temporaryFolder(), 'v2'));
  const groups = new ProcessGroups(layout.processes, { name: 'MARK', value: layout.root });
  const supervisor = new Supervisor({
    layout,
    clock,
    logs: new GreengrassLogs(layout.logs, clock),
    groups,
    environmentOf: () => ({ MARK: layout.root }),
  });
  const changes: string[] = [];
  const waiting = new Set<() => void>();
  supervisor.onChange(({ component, to }: StateChange) => {
    changes.push(`${component} ${to}`);
    for (const look of [...waiting]) look();
  });
  /** Resolves when the change has been seen `times` times. */
  const seen = (change: string, times = 1) =>
    new Promise<void>((resolve) => {
      const look = () => {
        if (changes.filter((other) => other === change).length < times) return;
        waiting.delete(look);
        resolve();
      };
      waiting.add(look);
      look();
    });
  onTestFinished(async () => {
    await supervisor.closeAll();
    await groups.close();
  });
  const put = (
    name: string,
    lifecycle: Record<string, unknown>,
    dependencies: ComponentSpec['dependencies'] = {},
  ) =>
    supervisor.put({
      name,
      version: '1.0.0',
      dependencies,
      configuration: {},
      lifecycle: parseLifecycle(lifecycle as never, name),
      artifacts: [],
      artifactsDigest: '',
      variables: { self: name, thingName: 'T', rootPath: layout.root, component: () => undefined },
    });
  const log = (name: string) => readFileSync(join(layout.logs, `${name}.log`), 'utf8');
  const marked = () => listProcesses().filter(({ pid }) => isMarked(pid, layout.root));
  return { supervisor, groups, layout, put, seen, changes, log, marked };
}

function isMarked(pid: number, root: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`MARK=${root}\0`);
  } catch {
    return false;
  }
}

describe('the lifecycle of a component', () => {
  it('goes from NEW over install and run to FINISHED', async () => {
    const { put, supervisor, seen, changes, log } = setUp();
    put('c', {
      install: 'echo 1',
      run: { Script: 'echo 2 $X; echo 3 >&2', Setenv: { X: 'y' } },
      shutdown: 'echo 4',
    });
    supervisor.startAll();
    await seen('c FINISHED');
    expect(changes).toEqual(['c INSTALLED', 'c STARTING', 'c RUNNING', 'c STOPPING', 'c FINISHED']);
    expect(log('c')).toMatch(
      /\[INFO\] \(Copier\) c: stdout\. 2 y\. \{scriptName=services\.c\.lifecycle\.run\.Script,/,
    );
    expect(log('c')).toMatch(/\[WARN\] \(Copier\) c: stderr\. 3\. /);
    expect(log('c')).toContain('stdout. 4.');
  });

  it('has nothing to run: FINISHED', async () => {
    const { put, supervisor, seen, changes } = setUp();
    put('c', {});
    supervisor.startAll();
    await seen('c FINISHED');
    expect(changes).toEqual(['c INSTALLED', 'c STARTING', 'c FINISHED']);
  });

  it('is RUNNING after its startup script, whose background processes end with it', async () => {
    const { put, supervisor, seen, marked } = setUp();
    put('c', { startup: 'sleep 1000 & exit 0' });
    supervisor.startAll();
    await seen('c RUNNING');
    expect(marked()).toHaveLength(1);
    await supervisor.component('c')?.stop();
    expect(marked()).toEqual([]);
    expect(supervisor.component('c')?.state).toBe('FINISHED');
  });

  it.each([
    ['install', { install: 'echo try; exit 3' }, 'NEW', 'INSTALL_ERROR'],
    ['startup', { startup: 'echo try; exit 3' }, 'STARTING', 'STARTUP_ERROR'],
    ['run', { run: 'echo try; exit 3' }, 'RUNNING', 'RUN_ERROR'],
  ])('is BROKEN after three tries of %s', async (step, lifecycle, _state, code) => {
    const { put, supervisor, seen, changes, log } = setUp();
    put('c', { ...lifecycle, recover: 'echo recovering' });
    supervisor.startAll();
    await seen('c BROKEN');
    expect(log('c').match(/stdout\. try/g)).toHaveLength(3);
    expect(log('c').match(/stdout\. recovering/g)).toHaveLength(2);
    expect(changes.filter((change) => change === 'c ERRORED')).toHaveLength(2);
    expect(supervisor.component('c')).toMatchObject({
      statusCode: code,
      statusReason: `The ${step} script exited with code 3`,
    });
    supervisor.component('c')?.restart();
    expect(supervisor.component('c')?.state).toBe('BROKEN');
    put('c', { run: 'exec sleep 1000' });
    supervisor.component('c')?.reinstall();
    await seen('c RUNNING', step === 'run' ? 4 : 1);
  });

  it('forgives errors that lie more than an hour apart', async () => {
    const clock = new ImpatientClock();
    const { put, supervisor, seen } = setUp(clock);
    put('c', { run: 'exec sleep 1000' });
    supervisor.startAll();
    for (let error = 1; error <= 4; error++) {
      await seen('c RUNNING', error);
      clock.offset += 3_600_000;
      supervisor.component('c')?.report('ERRORED');
      await seen('c ERRORED', error);
    }
    await seen('c RUNNING', 5);
  });

  it.each([
    ['install', { install: { script: 'sleep 1000', timeout: 100 } }, 'INSTALL_TIMEOUT'],
    ['startup', { Startup: { Script: 'sleep 1000', Timeout: 100 } }, 'STARTUP_TIMEOUT'],
    ['run', { run: { script: 'sleep 1000', timeout: 100 } }, 'RUN_TIMEOUT'],
  ])('ends a %s script that takes too long', async (_step, lifecycle, code) => {
    const { put, supervisor, seen, marked } = setUp(new ImpatientClock(100_000));
    put('c', lifecycle);
    supervisor.startAll();
    await seen('c BROKEN');
    expect(supervisor.component('c')?.statusCode).toBe(code);
    expect(marked()).toEqual([]);
  });

  it('kills what ignores SIGTERM, with all that it started', async () => {
    const clock = new ImpatientClock();
    const { put, supervisor, seen, marked } = setUp(clock);
    put('c', {
      run: `trap '' TERM; sh -c 'trap "" TERM; while :; do sleep 1; done' & echo ready; while :; do sleep 1; done`,
    });
    supervisor.startAll();
    await seen('c RUNNING');
    while (marked().length < 3) await new Promise((resolve) => setTimeout(resolve, 5));
    const spawned = marked();
    const leap = setInterval(() => {
      clock.offset += 6_000;
    }, 50);
    await supervisor.component('c')?.stop();
    clearInterval(leap);
    expect(marked()).toEqual([]);
    expect(spawned.some(({ group }) => groupIsAlive(group))).toBe(false);
  });

  it('lets a component say that it runs, or that it failed', async () => {
    const { put, supervisor, seen } = setUp();
    put('c', { startup: 'echo up; exec sleep 1000' });
    supervisor.startAll();
    await seen('c STARTING');
    supervisor.component('c')?.report('RUNNING');
    await seen('c RUNNING');
    supervisor.component('c')?.report('ERRORED');
    await seen('c ERRORED');
  });

  it('skips what SkipIf says', async () => {
    const { put, supervisor, seen, log } = setUp();
    put('c', {
      install: { Script: 'echo no', SkipIf: 'onpath sh' },
      run: { Script: 'echo yes', Skipif: '!exists /dev/null' },
    });
    supervisor.startAll();
    await seen('c FINISHED');
    expect(log('c')).not.toContain('stdout. no');
    expect(log('c')).toContain('stdout. yes');
  });
});

describe('components that need each other', () => {
  it('start in order, stop in reverse, and only HARD ones are waited for', async () => {
    const { put, supervisor, changes, seen } = setUp();
    put('a', { run: 'exec sleep 1000' }, { b: 'HARD' });
    put('b', { startup: 'exit 0' }, { c: 'HARD', missing: 'SOFT' });
    put('c', { run: 'exec sleep 1000' });
    supervisor.startAll();
    await seen('a RUNNING');
    const ups = changes.filter((change) => change.endsWith('STARTING'));
    expect(ups).toEqual(['c STARTING', 'b STARTING', 'a STARTING']);
    await supervisor.closeAll();
    const downs = changes.filter((change) => change.endsWith('FINISHED'));
    expect(downs).toEqual(['a FINISHED', 'b FINISHED', 'c FINISHED']);
  });

  it('restart when what they need fails', async () => {
    const { put, supervisor, seen, changes } = setUp();
    put('a', { run: 'exec sleep 1000' }, { b: 'HARD' });
    put('b', { run: 'exec sleep 1000' });
    supervisor.startAll();
    await seen('a RUNNING');
    supervisor.component('b')?.report('ERRORED');
    await seen('a RUNNING', 2);
    expect(changes.indexOf('b ERRORED')).toBeLessThan(changes.lastIndexOf('a STARTING'));
    expect(changes.lastIndexOf('b RUNNING')).toBeLessThan(changes.lastIndexOf('a STARTING'));
  });
});

describe('what an agent leaves behind', () => {
  it('is ended by the next one, and nothing else is', async () => {
    const { put, supervisor, seen, layout, marked } = setUp();
    put('c', { run: 'exec sleep 1000' });
    supervisor.startAll();
    await seen('c RUNNING');
    expect(marked()).toHaveLength(1);
    const stranger = new ProcessGroups(layout.processes, { name: 'MARK', value: 'another root' });
    const recorded = readFileSync(layout.processes, 'utf8');
    expect(stranger.endLeftovers()).toEqual([]);
    expect(marked()).toHaveLength(1);
    writeFileSync(layout.processes, recorded.replace(/"startTime":\d+/, '"startTime":1'));
    const successor = new ProcessGroups(layout.processes, { name: 'MARK', value: layout.root });
    expect(successor.endLeftovers()).toEqual([]);
    expect(marked()).toHaveLength(1);
    writeFileSync(layout.processes, recorded);
    expect(successor.endLeftovers()).toEqual([{ component: 'c', processes: 1 }]);
    await seen('c ERRORED');
  });
});
