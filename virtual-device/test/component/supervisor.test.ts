import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Clock, systemClock } from '../../src/clock.js';
import type { StateChange } from '../../src/component/component.js';
import { type RunWith, ScriptLauncher } from '../../src/component/launcher.js';
import { ProcessGroups } from '../../src/component/process-groups.js';
import { groupIsAlive, listProcesses } from '../../src/component/process-table.js';
import { ResourceLimits } from '../../src/component/resource-limits.js';
import type { ComponentSpec } from '../../src/component/spec.js';
import { Supervisor } from '../../src/component/supervisor.js';
import { makeLayout } from '../../src/layout.js';
import { GreengrassLogs } from '../../src/log/greengrass-log.js';
import { parseLifecycle } from '../../src/recipe/lifecycle.js';
import { temporaryFolder } from '../support/fixtures.js';
import { otherUsersRunPrograms } from '../support/other-users.js';

/** Timeouts of steps fire at once; what polls or waits for less goes by the real clock. */
class ImpatientClock implements Clock {
  offset = 0;
  now = () => Date.now() + this.offset;
  constructor(private readonly impatientFrom = Number.POSITIVE_INFINITY) {}
  after(delay: number, work: () => void) {
    return systemClock.after(delay >= this.impatientFrom ? 30 : delay, work);
  }
}

function setUp(clock: Clock = systemClock, settings: { runWithDefault?: RunWith } = {}) {
  const folder = temporaryFolder();
  // Components may run as other users.
  chmodSync(folder, 0o755);
  const layout = makeLayout(join(folder, 'v2'));
  const groups = new ProcessGroups(layout.processes, { name: 'MARK', value: layout.root });
  const logs = new GreengrassLogs(layout.logs, clock);
  const launcher = new ScriptLauncher({
    layout,
    clock,
    logs,
    groups,
    environmentOf: () => ({ MARK: layout.root, PATH: process.env.PATH ?? '' }),
    runWithDefault: () => settings.runWithDefault,
  });
  const supervisor = new Supervisor({ clock, logs, launcher });
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
    more: Partial<ComponentSpec> = {},
  ) =>
    supervisor.put({
      name,
      version: '1.0.0',
      dependencies,
      configuration: {},
      lifecycle: parseLifecycle(lifecycle as never, name),
      isBuiltIn: false,
      artifacts: [],
      artifactsDigest: '',
      variables: { self: name, thingName: 'T', rootPath: layout.root, component: () => undefined },
      ...more,
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

describe('a component that the device itself is', () => {
  it('is RUNNING without a process until it is stopped', async () => {
    const { put, supervisor, seen, marked, changes } = setUp();
    put('builtIn', {}, {}, { isBuiltIn: true });
    put('user', { run: 'exit 0' }, { builtIn: 'HARD' });
    supervisor.startAll();
    await seen('user FINISHED');
    expect(supervisor.component('builtIn')?.state).toBe('RUNNING');
    supervisor.component('builtIn')?.restart();
    await seen('builtIn RUNNING', 2);
    expect(marked()).toEqual([]);
    await supervisor.closeAll();
    expect(changes.at(-1)).toBe('builtIn FINISHED');
  });
});

const isRoot = process.getuid?.() === 0;

describe('who scripts run as', () => {
  const said = (log: string) => log.match(/stdout\. (.*?)\. \{/g)?.map((line) => line.slice(8, -3));

  it.skipIf(!isRoot)('is the user and group of the deployment, with the folders that it needs', async () => {
    const { put, supervisor, seen, log, layout } = setUp(systemClock, {
      runWithDefault: { posixUser: 'daemon' },
    });
    const artifacts = layout.artifacts('c', '1.0.0');
    mkdirSync(artifacts, { recursive: true });
    writeFileSync(join(artifacts, 'own'), 'readable', { mode: 0o400 });
    put(
      'c',
      {
        install: { Script: 'id -un', RequiresPrivilege: true },
        run: `id -un; id -gn; echo "$HOME"; cat ${join(artifacts, 'own')}; echo x > made; rm ${join(artifacts, 'own')}`,
      },
      {},
      { runWith: { posixUser: 'nobody:daemon' } },
    );
    put('d', { run: 'id -un; id -Gn' });
    supervisor.startAll();
    await seen('c BROKEN');
    await seen('d FINISHED');
    expect(said(log('c'))?.slice(0, 4)).toEqual(['root', 'nobody', 'daemon', '/nonexistent']);
    expect(log('c')).toContain('stdout. readable');
    expect(statSync(join(layout.work('c'), 'made')).uid).toBe(65534);
    expect(readFileSync(join(artifacts, 'own'), 'utf8')).toBe('readable');
    const groups = execFileSync('id', ['-Gn', 'daemon'], { encoding: 'utf8' }).trim();
    expect(said(log('d'))).toEqual(['daemon', groups]);
  });

  it('is refused by name when there is no such user or group', async () => {
    const { put, supervisor, seen } = setUp();
    put('c', { run: 'true' }, {}, { runWith: { posixUser: 'no-such-user' } });
    put('d', { run: 'true' }, {}, { runWith: { posixUser: 'root:no-such-group' } });
    supervisor.startAll();
    await Promise.all([seen('c BROKEN'), seen('d BROKEN')]);
    expect(supervisor.component('c')?.statusReason).toBe(
      'c is to run as no-such-user, but this machine has no user no-such-user.',
    );
    expect(supervisor.component('d')?.statusReason).toContain('this machine has no group no-such-group');
  });

  it.skipIf(!otherUsersRunPrograms)('is refused when the device does not run as root', () => {
    const code = `import { findPosixUser } from './dist/component/posix-user.js';
      try { findPosixUser('root', 'c'); } catch (error) { console.log(error.message); }`;
    const cwd = fileURLToPath(new URL('../..', import.meta.url));
    const options = { cwd, uid: 65534, gid: 65534, encoding: 'utf8' } as const;
    expect(execFileSync(process.execPath, ['--input-type=module', '-e', code], options)).toBe(
      'c is to run as root, but the device runs as nobody and only root may run scripts as another user.\n',
    );
  });
});

describe('limits', () => {
  it('are a control group that scripts join, where there is one', () => {
    const hierarchy = temporaryFolder();
    writeFileSync(join(hierarchy, 'cgroup.controllers'), 'cpuset cpu io memory pids\n');
    const said: string[] = [];
    const limits = new ResourceLimits('/v2', (message) => said.push(message), hierarchy);
    const procs = limits.groupOf('c', { memory: 102_400, cpus: 1.5 });
    expect(procs).toMatch(/\/virtual-device-[0-9a-f]{12}\/c\/cgroup\.procs$/);
    const file = (name: string) => readFileSync(join(dirname(procs ?? ''), name), 'utf8');
    expect([file('memory.max'), file('cpu.max')]).toEqual(['104857600', '150000 100000']);
    expect(limits.groupOf('d', {})).toBeUndefined();
    expect(said).toEqual([]);
  });

  it('are said once not to be enforced where there is none', () => {
    const said: string[] = [];
    const limits = new ResourceLimits('/v2', (message) => said.push(message), temporaryFolder());
    for (const name of ['c', 'd']) expect(limits.groupOf(name, { cpus: 1 })).toBeUndefined();
    expect(said).toEqual([expect.stringContaining('Limits of memory and CPU are not enforced')]);
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

  it('restart when what they need HARD restarts, and not when they need it SOFT', async () => {
    const { put, supervisor, seen, changes } = setUp();
    put('hard', { run: 'exec sleep 1000' }, { b: 'HARD' });
    put('soft', { run: 'exec sleep 1000' }, { b: 'SOFT' });
    put('b', { run: 'exec sleep 1000' });
    supervisor.startAll();
    await Promise.all([seen('hard RUNNING'), seen('soft RUNNING')]);
    supervisor.component('b')?.restart();
    await seen('hard RUNNING', 2);
    expect(changes.filter((change) => change === 'soft STARTING')).toHaveLength(1);
    expect(changes.lastIndexOf('b RUNNING')).toBeLessThan(changes.lastIndexOf('hard STARTING'));
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
