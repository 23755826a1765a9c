import { existsSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';
import { writeFileDurably } from '../durable-file.js';
import { messageOf } from '../errors.js';
import { makeFolder } from '../folder.js';
import type { Log } from '../log/device-log.js';

/** Bytes that are uploaded, by component and identity of the file. */
const Positions = z.record(z.string(), z.record(z.string(), z.number().int().nonnegative()));

/** How far each log file is uploaded; every change is on disk before it counts. */
export class UploadPositions {
  readonly #byComponent: Map<string, Map<string, number>>;

  constructor(
    private readonly path: string,
    log: Log,
  ) {
    this.#byComponent = new Map();
    try {
      if (!existsSync(path)) return;
      for (const [component, files] of Object.entries(
        Positions.parse(JSON.parse(readFileSync(path, 'utf8'))),
      )) {
        this.#byComponent.set(component, new Map(Object.entries(files)));
      }
    } catch (error) {
      log(
        'warn',
        `${path} cannot be read, so log files are uploaded from their beginning: ${messageOf(error)}`,
      );
    }
  }

  get(component: string, identity: string): number {
    return this.#byComponent.get(component)?.get(identity) ?? 0;
  }

  /** @throws the system's error when it cannot be kept */
  set(component: string, identity: string, position: number): void {
    const files = this.#byComponent.get(component) ?? new Map<string, number>();
    this.#byComponent.set(component, files.set(identity, position));
    this.#write();
  }

  /** Forgets the component's files that are none of these. */
  keep(component: string, identities: ReadonlySet<string>): void {
    const files = this.#byComponent.get(component);
    const gone = [...(files?.keys() ?? [])].filter((identity) => !identities.has(identity));
    if (!files || gone.length === 0) return;
    for (const identity of gone) files.delete(identity);
    this.#write();
  }

  #write(): void {
    makeFolder(dirname(this.path));
    const content = Object.fromEntries(
      [...this.#byComponent].map(([component, files]) => [component, Object.fromEntries(files)]),
    );
    writeFileDurably(this.path, JSON.stringify(content));
  }
}
