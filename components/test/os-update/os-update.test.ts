import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../support/temporary-folder.js';

const script = fileURLToPath(new URL('../../os-update/artifacts/os-update.sh', import.meta.url));
const shells = ['dash', 'bash'].filter((shell) => {
  try {
    execFileSync(shell, ['-c', 'exit 0']);
    return true;
  } catch {
    return false;
  }
});

interface Update {
  readonly update_no?: number | string;
  readonly commands?: readonly unknown[] | string;
  readonly reboot?: boolean | string;
}

interface Result {
  readonly code: number | NodeJS.Signals | null;
  readonly out: string;
  readonly err: string;
}

/** A work folder, and a `reboot` that only writes down that it was called. */
class Machine {
  private constructor(
    private readonly shell: string,
    readonly root: string,
  ) {}

  static async start(shell: string): Promise<Machine> {
    const machine = new Machine(shell, await temporaryFolder());
    await mkdir(machine.at('work'));
    await mkdir(machine.at('bin'));
    await machine.rebootIs(`echo reboot >>"${machine.at('events')}"`);
    await writeFile(machine.at('events'), '');
    return machine;
  }

  at(...path: string[]): string {
    return join(this.root, ...path);
  }

  async rebootIs(command: string): Promise<void> {
    await writeFile(this.at('bin', 'reboot'), `#!/bin/sh\n${command}\n`);
    await chmod(this.at('bin', 'reboot'), 0o755);
  }

  /** A command that writes its name down. */
  noting(name: string): string {
    return `echo ${name} >>"${this.at('events')}"`;
  }

  /** As {@link noting}, and then kills the script, the first time only. */
  async dying(name: string): Promise<string> {
    const file = this.at(`die-at-${name}`);
    await writeFile(file, '');
    return `${this.noting(name)}; if [ -e "${file}" ]; then rm "${file}"; kill -9 $PPID; fi`;
  }

  /** What the commands and `reboot` wrote down, oldest first. */
  async events(): Promise<string[]> {
    return (await readFile(this.at('events'), 'utf8')).split('\n').filter(Boolean);
  }

  /** Starts the script as the recipe does. */
  async update({ update_no = 0, commands = [], reboot = true }: Update): Promise<Result> {
    const child = spawn(this.shell, [script, this.at('work')], {
      cwd: this.root,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: `${this.at('bin')}:${process.env.PATH}`,
        UPDATE_NO: String(update_no),
        UPDATE_COMMANDS: typeof commands === 'string' ? commands : JSON.stringify(commands),
        UPDATE_REBOOT: String(reboot),
      },
    });
    let out = '';
    let err = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      err += text;
    });
    const [code, signal] = await once(child, 'close');
    return { code: code ?? signal, out, err };
  }
}

it('is tested with a shell', () => expect(shells).not.toEqual([]));

describe.each(shells)('os-update.sh under %s', (shell) => {
  it('has nothing to do unless it is given an update', async () => {
    const machine = await Machine.start(shell);
    expect(await machine.update({})).toEqual({
      code: 0,
      out: 'There is no update to install: update_no is 0.\n',
      err: '',
    });
    expect(await machine.events()).toEqual([]);
  });

  it('runs the commands once for each number, and reboots', async () => {
    const machine = await Machine.start(shell);
    const commands = [machine.noting('a'), machine.noting('b')];
    const first = await machine.update({ update_no: 1, commands });
    expect(first).toMatchObject({ code: 0, err: '' });
    expect(first.out).toContain('Update 1 is installed; the device reboots.');
    const after = await machine.update({ update_no: 1, commands });
    expect(after).toEqual({ code: 0, out: 'Update 1 is already installed.\n', err: '' });
    expect(await machine.events()).toEqual(['a', 'b', 'reboot']);
    await machine.update({ update_no: 2, commands: machine.noting('c'), reboot: false });
    expect(await machine.events()).toEqual(['a', 'b', 'reboot', 'c']);
    // A deployment that is rolled back gives an older number.
    expect((await machine.update({ update_no: 1, commands })).out).toBe('Update 1 is already installed.\n');
    expect(await machine.events()).toHaveLength(4);
  });

  it('goes on where it was killed, command by command, and in the reboot', async () => {
    const machine = await Machine.start(shell);
    const commands = [await machine.dying('a'), await machine.dying('b'), await machine.dying('c')];
    for (const left of [3, 2, 1]) {
      expect(await machine.update({ update_no: 7, commands }), `${left} commands left`).toMatchObject({
        code: 'SIGKILL',
      });
    }
    await machine.rebootIs(`${machine.noting('reboot')}; kill -9 $PPID`);
    expect((await machine.update({ update_no: 7, commands })).code).toBe('SIGKILL');
    // An interrupted command is run again, one that had succeeded is not.
    expect(await machine.events()).toEqual(['a', 'a', 'b', 'b', 'c', 'c', 'reboot']);
    expect((await machine.update({ update_no: 7, commands })).out).toBe('Update 7 is already installed.\n');
    expect(await machine.events()).toHaveLength(7);
  });

  it('tries a failing command again, and those behind it only after it', async () => {
    const machine = await Machine.start(shell);
    const gate = machine.at('gate');
    const commands = [
      machine.noting('a'),
      `echo "no such mirror" >&2; test -e "${gate}" || exit 42`,
      machine.noting('b'),
    ];
    const failed = await machine.update({ update_no: 3, commands });
    expect(failed.code).toBe(1);
    expect(failed.err).toBe(
      'no such mirror\nCommand 2 of 3 of update 3 failed with 42; it is tried again, and those behind it wait.\n',
    );
    expect(await machine.events()).toEqual(['a']);
    await appendFile(gate, '');
    expect((await machine.update({ update_no: 3, commands })).code).toBe(0);
    expect(await machine.events()).toEqual(['a', 'b', 'reboot']);
  });

  it('begins anew with a new number, and runs what was changed under the same one', async () => {
    const machine = await Machine.start(shell);
    await machine.update({ update_no: 3, commands: [machine.noting('a'), 'false'] });
    await machine.update({ update_no: 4, commands: [machine.noting('a'), 'false'] });
    expect(await machine.events()).toEqual(['a', 'a']);
    const corrected = [machine.noting('a'), 'true', machine.noting('b')];
    expect((await machine.update({ update_no: 4, commands: corrected, reboot: false })).code).toBe(0);
    expect(await machine.events()).toEqual(['a', 'a', 'b']);
  });

  it('tries the reboot again when it is refused', async () => {
    const machine = await Machine.start(shell);
    const commands = [machine.noting('a')];
    await machine.rebootIs('exit 3');
    expect(await machine.update({ update_no: 5, commands })).toMatchObject({
      code: 1,
      err: 'The device did not reboot: reboot failed with 3; it is tried again.\n',
    });
    await machine.rebootIs(machine.noting('reboot'));
    expect((await machine.update({ update_no: 5, commands })).code).toBe(0);
    expect(await machine.events()).toEqual(['a', 'reboot']);
  });

  it('takes any text for a command', async () => {
    const machine = await Machine.start(shell);
    const texts = [
      'it\'s "quoted"',
      'back\\slash',
      'ä€😀',
      'tab\there',
      '$HOME `id` $(id)',
      '[1, 2]',
      '%s %d',
    ];
    const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
    const commands = texts.map((text) => `printf '%s\\n' ${quoted(text)} >>"${machine.at('events')}"`);
    const escaped = JSON.stringify(commands).replaceAll(
      /[\u0080-\uffff]/g,
      (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
    );
    for (const [index, list] of [
      JSON.stringify(commands),
      escaped,
      `${escaped}\n`,
      commands.join('\n'),
    ].entries()) {
      const result = await machine.update({ update_no: index + 1, commands: list, reboot: false });
      expect(result).toMatchObject({ code: 0, err: '' });
      expect((await machine.events()).slice(-texts.length)).toEqual(texts);
    }
    await machine.update({
      update_no: 8,
      commands: `[ -d / ] && ${machine.noting('tested')}`,
      reboot: false,
    });
    expect((await machine.events()).at(-1)).toBe('tested');
    const lines = `set -e\nif true; then\n  ${machine.noting('many')}\nfi`;
    await machine.update({ update_no: 9, commands: [lines], reboot: false });
    expect((await machine.events()).at(-1)).toBe('many');
  });

  it.each([
    [{ update_no: 'x' }, 'update_no is "x"; it shall be a whole number, 0 for no update'],
    [{ update_no: -1 }, 'update_no is "-1"'],
    [{ update_no: 1, reboot: 'maybe' }, 'reboot is "maybe"; it shall be true or false'],
    [{ update_no: 1, commands: [1] }, 'commands is not a list of texts'],
    [{ update_no: 1, commands: '["true",]' }, 'commands is not a list of texts'],
    [{ update_no: 1, commands: '["true"' }, 'commands is not a list of texts'],
    [{ update_no: 1, commands: '["true" "x"]' }, 'commands is not a list of texts'],
    [{ update_no: 1, commands: '["\\u0000"]' }, 'commands is not a list of texts'],
  ])('refuses %j', async (update, says) => {
    const machine = await Machine.start(shell);
    const { code, out, err } = await machine.update(update);
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toContain(says);
    expect(await machine.events()).toEqual([]);
  });
});
