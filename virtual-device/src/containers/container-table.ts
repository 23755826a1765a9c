import { chmodSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { readProcess } from '../component/process-table.js';
import { writeFileDurably } from '../durable-file.js';
import { makeFolder } from '../folder.js';

const ContainerRecord = z.object({
  /** 64 hexadecimal digits, as Docker's. */
  id: z.string(),
  name: z.string(),
  /** As it was named to `docker run`. */
  image: z.string(),
  imageId: z.string(),
  argv: z.array(z.string()),
  createdAt: z.number(),
  pid: z.number().int(),
  /** With the pid it tells the process from a later one. */
  startTime: z.number(),
  /** Whether it is forgotten when its process has ended. */
  remove: z.boolean(),
  /** Its own file system. */
  rootfs: z.string(),
  /** Where a detached container's output goes. */
  log: z.string().optional(),
});
/** What is known of a container that was started as a process. */
export type ContainerRecord = z.infer<typeof ContainerRecord>;

/** The containers of one device, one file each; whether one runs is seen from its process. */
export class ContainerTable {
  constructor(private readonly folder: string) {
    makeFolder(folder);
    // Components that run as other users may have containers, as members of the group docker do.
    if (process.getuid?.() === 0) chmodSync(folder, 0o1777);
  }

  /** Where a container's log is kept. */
  logOf(id: string): string {
    return join(this.folder, `${id}.log`);
  }

  put(container: ContainerRecord): void {
    writeFileDurably(join(this.folder, `${container.id}.json`), JSON.stringify(container));
  }

  /** All containers, the latest first; those that were to be removed at their end are. */
  list(): ContainerRecord[] {
    const containers: ContainerRecord[] = [];
    for (const file of readdirSync(this.folder)) {
      if (!file.endsWith('.json') || file.startsWith('.')) continue;
      const container = readContainer(join(this.folder, file));
      if (container?.remove && !isRunning(container)) this.remove(container);
      else if (container) containers.push(container);
    }
    return containers.sort((a, b) => b.createdAt - a.createdAt);
  }

  /** A container by its name, id, or the beginning of its id. */
  find(nameOrId: string): ContainerRecord | undefined {
    const containers = this.list();
    return (
      containers.find(({ id, name }) => id === nameOrId || name === nameOrId.replace(/^\//, '')) ??
      (/^[0-9a-f]+$/.test(nameOrId) ? containers.find(({ id }) => id.startsWith(nameOrId)) : undefined)
    );
  }

  /** Forgets a container and its file system. */
  remove(container: ContainerRecord): void {
    try {
      rmSync(container.rootfs, { recursive: true, force: true });
      for (const suffix of ['.json', '.log']) {
        rmSync(join(this.folder, `${container.id}${suffix}`), { force: true });
      }
    } catch {
      // Another user's container: its owner, or the device, removes it.
    }
  }
}

export function isRunning({ pid, startTime }: ContainerRecord): boolean {
  return readProcess(pid)?.startTime === startTime;
}

function readContainer(path: string): ContainerRecord | undefined {
  try {
    return ContainerRecord.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    return undefined;
  }
}
