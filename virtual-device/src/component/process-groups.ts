import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { z } from 'zod';
import { writeFileDurably } from '../durable-file.js';
import { hasEnvironment, listProcesses, readProcess, signalGroup } from './process-table.js';

const Record = z.object({
  bootId: z.string(),
  groups: z.array(
    z.object({ group: z.number().int().positive(), startTime: z.number(), component: z.string() }),
  ),
});
type Record = z.infer<typeof Record>;

/** A variable that every process of this device, and no other, is started with. */
export interface Mark {
  readonly name: string;
  readonly value: string;
}

/**
 * Ends every group it was told of when its standard input ends, that is when the agent is gone, however
 * it went: `+ <group>` and `- <group>` lines tell it what runs.
 */
const GUARDIAN = `
trap '' HUP INT TERM
groups=
while read -r verb group; do
  case $verb in
    +) groups="$groups $group" ;;
    -) kept=
       for each in $groups; do [ "$each" = "$group" ] || kept="$kept $each"; done
       groups=$kept ;;
  esac
done
for each in $groups; do kill -KILL -"$each" 2>/dev/null; done
`;

/**
 * The process groups that the device's components run in. A guardian process kills them when the agent
 * dies; a file records them, so that the next start ends what even so was left behind.
 */
export class ProcessGroups {
  readonly #groups = new Map<number, { startTime: number; component: string }>();
  #guardian: ChildProcess | undefined;

  constructor(
    private readonly path: string,
    private readonly mark: Mark,
  ) {}

  /**
   * Ends processes that an earlier agent on this root left behind: those of the recorded groups and
   * sessions that carry the device's mark, of this boot.
   *
   * @returns how many were ended, by component
   */
  endLeftovers(): { component: string; processes: number }[] {
    const record = readRecord(this.path);
    const ended = new Map<string, number>();
    if (record && record.bootId === bootId()) {
      const byGroup = new Map(record.groups.map((entry) => [entry.group, entry]));
      for (const entry of listProcesses()) {
        const known = byGroup.get(entry.group) ?? byGroup.get(entry.session);
        // A younger process of the recorded number is another one, whatever it carries.
        if (!known || entry.startTime < known.startTime) continue;
        if (entry.pid === known.group && entry.startTime !== known.startTime) continue;
        if (entry.pid === process.pid || !hasEnvironment(entry.pid, this.mark.name, this.mark.value))
          continue;
        try {
          process.kill(entry.pid, 'SIGKILL');
          ended.set(known.component, (ended.get(known.component) ?? 0) + 1);
        } catch {
          // It ended by itself meanwhile.
        }
      }
    }
    this.#write();
    return [...ended].map(([component, processes]) => ({ component, processes }));
  }

  /** Notes a group that has just been started. @throws when it cannot be recorded */
  add(group: number, component: string): void {
    this.#guard(`+ ${group}\n`);
    this.#groups.set(group, { startTime: readProcess(group)?.startTime ?? 0, component });
    this.#write();
  }

  /** Forgets a group that has ended. */
  delete(group: number): void {
    if (!this.#groups.delete(group)) return;
    this.#guard(`- ${group}\n`);
    try {
      this.#write();
    } catch {
      // A full disk keeps no script from ending; the start time tells a later group of that number apart.
    }
  }

  /** Ends the guardian; call it when no group runs any more. */
  async close(): Promise<void> {
    for (const group of this.#groups.keys()) signalGroup(group, 'SIGKILL');
    const guardian = this.#guardian;
    if (!guardian) return;
    this.#guardian = undefined;
    const exited = new Promise<void>((resolve) => {
      if (guardian.exitCode !== null || guardian.signalCode !== null) resolve();
      else guardian.once('exit', () => resolve());
    });
    guardian.stdin?.end();
    await exited;
  }

  #guard(line: string): void {
    if (!this.#guardian) {
      // A session of its own, so that no signal to the agent's group reaches it.
      this.#guardian = spawn('/bin/sh', ['-c', GUARDIAN], {
        detached: true,
        stdio: ['pipe', 'ignore', 'ignore'],
        env: {},
        cwd: '/',
      });
      this.#guardian.on('error', () => {});
      this.#guardian.stdin?.on('error', () => {});
    }
    this.#guardian.stdin?.write(line);
  }

  #write(): void {
    const groups = [...this.#groups].map(([group, entry]) => ({ group, ...entry }));
    writeFileDurably(this.path, JSON.stringify({ bootId: bootId(), groups } satisfies Record), 0o600);
  }
}

function readRecord(path: string): Record | undefined {
  if (!existsSync(path)) return undefined;
  try {
    return Record.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    return undefined;
  }
}

function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}
