import type { Clock, Timer } from '../../../clock.js';
import { refuse } from '../errors.js';
import type { LambdaFunction } from '../functions.js';
import { Sandbox, type SandboxOptions } from './sandbox.js';

/** A process of a function that is lent out for one invocation. */
export interface Lease {
  readonly sandbox: Sandbox;
  readonly logStream: string;
  /** Whether the process was started for this invocation. */
  readonly isCold: boolean;
  /** Gives the process back: to be kept for the next invocation, or to be ended. */
  release(isReusable: boolean): void;
}

export interface PoolLimits {
  /** Processes of one function at the same time. */
  readonly processes: number;
  /** Invocations of one function that wait for a process. */
  readonly waiting: number;
  /** Milliseconds that a process is kept without an event. */
  readonly idle: number;
  /** Milliseconds after which a process takes no more events: its credentials do not last for ever. */
  readonly age: number;
}

export const POOL_LIMITS: PoolLimits = {
  processes: 4,
  waiting: 100,
  idle: 5 * 60_000,
  age: 6 * 3_600_000,
};

/** The processes of all functions: started when they are needed, kept warm, ended when they are idle. */
export interface SandboxPool {
  /** @throws TooManyRequestsException when too many invocations of the function wait already. */
  lease(lambda: LambdaFunction): Promise<Lease>;
  /** Ends the processes of a function that was changed or deleted; those at work finish their event. */
  retire(functionName: string): void;
  close(): Promise<void>;
}

interface Entry {
  sandbox: Sandbox;
  logStream: string;
  revisionId: string;
  startedAt: number;
  isBusy: boolean;
  isRetired: boolean;
  idleTimer?: Timer;
}

interface Fleet {
  entries: Set<Entry>;
  waiting: (() => void)[];
}

export function sandboxPool(
  clock: Clock,
  prepare: (lambda: LambdaFunction, logStream: string) => Promise<SandboxOptions>,
  newLogStream: () => string,
  limits: PoolLimits = POOL_LIMITS,
): SandboxPool {
  const fleets = new Map<string, Fleet>();
  let isClosed = false;

  function fleetOf(name: string): Fleet {
    let fleet = fleets.get(name);
    if (!fleet) {
      fleet = { entries: new Set(), waiting: [] };
      fleets.set(name, fleet);
    }
    return fleet;
  }

  function end(fleet: Fleet, entry: Entry): void {
    entry.idleTimer?.cancel();
    entry.sandbox.kill();
    fleet.entries.delete(entry);
    fleet.waiting.shift()?.();
  }

  async function start(lambda: LambdaFunction, fleet: Fleet): Promise<Entry> {
    const logStream = newLogStream();
    // Counted from now on, so that no more than the limit are being started.
    const placeholder = { isBusy: true } as Entry;
    fleet.entries.add(placeholder);
    try {
      const options = await prepare(lambda, logStream);
      if (isClosed) throw new Error('The local cloud is stopping');
      const entry: Entry = {
        sandbox: new Sandbox(options),
        logStream,
        revisionId: lambda.revisionId,
        startedAt: clock.now(),
        isBusy: true,
        isRetired: false,
      };
      fleet.entries.add(entry);
      void entry.sandbox.ended.then(() => fleet.entries.has(entry) && end(fleet, entry));
      return entry;
    } catch (error) {
      // Its place is free for who waits.
      fleet.waiting.shift()?.();
      throw error;
    } finally {
      fleet.entries.delete(placeholder);
    }
  }

  function leaseOf(fleet: Fleet, entry: Entry, isCold: boolean): Lease {
    entry.isBusy = true;
    entry.idleTimer?.cancel();
    return {
      sandbox: entry.sandbox,
      logStream: entry.logStream,
      isCold,
      release(isReusable) {
        entry.isBusy = false;
        const isUsable = isReusable && !entry.isRetired && !isClosed && !entry.sandbox.isEnded;
        if (!isUsable) return end(fleet, entry);
        entry.idleTimer = clock.after(limits.idle, () => end(fleet, entry));
        fleet.waiting.shift()?.();
      },
    };
  }

  return {
    async lease(lambda) {
      const fleet = fleetOf(lambda.name);
      for (;;) {
        if (isClosed) throw new Error('The local cloud is stopping');
        for (const entry of fleet.entries) {
          if (entry.isBusy) continue;
          const isFresh =
            entry.revisionId === lambda.revisionId && entry.startedAt + limits.age > clock.now();
          if (isFresh && !entry.sandbox.isEnded) return leaseOf(fleet, entry, false);
          end(fleet, entry);
        }
        if (fleet.entries.size < limits.processes) return leaseOf(fleet, await start(lambda, fleet), true);
        if (fleet.waiting.length >= limits.waiting) throw refuse.throttled();
        await new Promise<void>((resolve) => fleet.waiting.push(resolve));
      }
    },
    retire(functionName) {
      const fleet = fleets.get(functionName);
      for (const entry of [...(fleet?.entries ?? [])]) {
        entry.isRetired = true;
        if (fleet && !entry.isBusy) end(fleet, entry);
      }
    },
    async close() {
      isClosed = true;
      const ends: Promise<string>[] = [];
      for (const fleet of fleets.values()) {
        for (const entry of [...fleet.entries]) {
          if (!entry.sandbox) continue;
          ends.push(entry.sandbox.ended);
          end(fleet, entry);
        }
        for (const proceed of fleet.waiting.splice(0)) proceed();
      }
      await Promise.all(ends);
    },
  };
}
