import { readdirSync, readFileSync } from 'node:fs';

/** What `/proc/<pid>/stat` says of a process that is not a zombie. */
export interface ProcessEntry {
  readonly pid: number;
  readonly group: number;
  readonly session: number;
  /** Clock ticks since boot; with the pid it tells a process from a later one of the same number. */
  readonly startTime: number;
}

/** A process; undefined when there is none of that number, or only its remains. */
export function readProcess(pid: number): ProcessEntry | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return undefined;
  }
  // The command, in parentheses, may itself hold spaces and parentheses (proc(5)).
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state, , group, session] = fields;
  if (state === undefined || state === 'Z' || state === 'X') return undefined;
  return { pid, group: Number(group), session: Number(session), startTime: Number(fields[19]) };
}

/** Every process of the machine that this user may see. */
export function listProcesses(): ProcessEntry[] {
  const entries: ProcessEntry[] = [];
  for (const name of readdirSync('/proc')) {
    const entry = /^\d+$/.test(name) ? readProcess(Number(name)) : undefined;
    if (entry) entries.push(entry);
  }
  return entries;
}

/** Whether a process was started with a variable of exactly this value. */
export function hasEnvironment(pid: number, name: string, value: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(`${name}=${value}`);
  } catch {
    return false;
  }
}

/** Whether any process of a group is left. */
export function groupIsAlive(group: number): boolean {
  try {
    process.kill(-group, 0);
  } catch {
    return false;
  }
  // Zombies that nobody has waited for yet still answer to the signal.
  return listProcesses().some((entry) => entry.group === group);
}

/** Sends a signal to a group, if it is still there. */
export function signalGroup(group: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-group, signal);
  } catch {
    // The group ended meanwhile.
  }
}
