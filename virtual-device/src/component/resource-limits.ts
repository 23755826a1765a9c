import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../errors.js';

/** As deployments and the nucleus's `runWithDefault` have them. */
export interface SystemResourceLimits {
  /** Kilobytes. */
  readonly memory?: number | undefined;
  /** CPUs' worth of time, such as 1.5. */
  readonly cpus?: number | undefined;
}

/** Microseconds over which CPU time is shared out, as Linux has it by default. */
const CPU_PERIOD = 100_000;

/** Limits of memory and CPU time by control groups (cgroup v2), where the agent may make them. */
export class ResourceLimits {
  readonly #folder: string;
  #saidWhyNot = false;

  /**
   * @param root the device's, by which its control groups are told from another's
   * @param hierarchy where cgroup v2 is mounted
   */
  constructor(
    root: string,
    private readonly log: (message: string) => void,
    private readonly hierarchy = '/sys/fs/cgroup',
  ) {
    const id = createHash('sha256').update(root).digest('hex').slice(0, 12);
    this.#folder = join(hierarchy, `virtual-device-${id}`);
  }

  /**
   * Puts limits in force for a component.
   *
   * @returns the file by which a process joins its control group; undefined when it has no limits, or limits
   *   cannot be enforced here, which is logged once
   */
  groupOf(component: string, limits: SystemResourceLimits | undefined): string | undefined {
    const group = join(this.#folder, component);
    if (limits?.memory === undefined && limits?.cpus === undefined) {
      this.#remove(group);
      return undefined;
    }
    try {
      const there = readFileSync(join(this.hierarchy, 'cgroup.controllers'), 'utf8').trim().split(' ');
      const missing = ['cpu', 'memory'].filter((controller) => !there.includes(controller));
      if (missing.length > 0) throw new Error(`cgroup v2 has no controller ${missing.join(', ')} here`);
      mkdirSync(this.#folder, { recursive: true });
      for (const folder of [this.hierarchy, this.#folder]) {
        writeFileSync(join(folder, 'cgroup.subtree_control'), '+cpu +memory');
      }
      mkdirSync(group, { recursive: true });
      const memory = limits.memory === undefined ? 'max' : String(Math.round(limits.memory * 1024));
      const quota = limits.cpus === undefined ? 'max' : String(Math.round(limits.cpus * CPU_PERIOD));
      writeFileSync(join(group, 'memory.max'), memory);
      writeFileSync(join(group, 'cpu.max'), `${quota} ${CPU_PERIOD}`);
      return join(group, 'cgroup.procs');
    } catch (error) {
      if (!this.#saidWhyNot) this.log(`Limits of memory and CPU are not enforced: ${messageOf(error)}`);
      this.#saidWhyNot = true;
      return undefined;
    }
  }

  #remove(group: string): void {
    if (!existsSync(group)) return;
    try {
      rmdirSync(group);
    } catch {
      // A process is still in it.
    }
  }
}
