import { existsSync, readFileSync, rmSync } from 'node:fs';
import { z } from 'zod';
import { readProcess } from './component/process-table.js';
import { writeFileDurably } from './durable-file.js';
import { DeviceError } from './errors.js';
import type { Layout } from './layout.js';

const AgentRecord = z.object({ pid: z.number().int().positive(), startTime: z.number() });
type AgentRecord = z.infer<typeof AgentRecord>;

/** Roots that this process itself runs a device on. */
const ours = new Set<string>();

/**
 * Takes a root for this agent alone, until the returned function is called or the process ends.
 *
 * @throws DeviceError ALREADY_RUNNING
 */
export function takeRoot(layout: Layout): () => void {
  const holder = readHolder(layout.agent);
  if (ours.has(layout.root) || (isAlive(holder) && holder?.pid !== process.pid)) {
    throw new DeviceError(
      'ALREADY_RUNNING',
      `A device is already running in ${layout.root} (process ${holder?.pid}).`,
    );
  }
  const self = { pid: process.pid, startTime: readProcess(process.pid)?.startTime ?? 0 };
  writeFileDurably(layout.agent, JSON.stringify(self));
  ours.add(layout.root);
  return () => {
    ours.delete(layout.root);
    rmSync(layout.agent, { force: true });
  };
}

/** Whether an agent runs on a root now. */
export function isTaken(layout: Layout): boolean {
  return isAlive(readHolder(layout.agent));
}

function isAlive(holder: AgentRecord | undefined): boolean {
  return holder !== undefined && readProcess(holder.pid)?.startTime === holder.startTime;
}

function readHolder(path: string): AgentRecord | undefined {
  if (!existsSync(path)) return undefined;
  try {
    return AgentRecord.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    return undefined;
  }
}
