import type { Files } from '../../certificate-rotator/src/files.js';

interface TextFile {
  text: string;
}
interface Link {
  readonly target: string;
}
interface Folder {
  /** What the folder has been since it was last flushed, the present last. */
  history: Map<string, Entry>[];
}
type Entry = TextFile | Link | Folder;

/** Where a process is killed: every operation passes here several times, and none comes back after the end. */
export class Gate {
  #left = Number.POSITIVE_INFINITY;
  #closed = false;

  /** Ends whoever passes for the n-th time from now. */
  closeAfter(passages: number): void {
    this.#left = passages;
  }

  get closed(): boolean {
    return this.#closed;
  }

  close(): void {
    this.#closed = true;
  }

  async pass(): Promise<void> {
    if (!this.#closed && this.#left-- <= 0) this.#closed = true;
    if (this.#closed) await new Promise(() => {});
  }
}

/**
 * A folder in memory that remembers what a power cut could leave of it: of each folder's names those of any moment
 * since it was flushed. What a file holds is there when its writing has ended, and half before.
 */
export class CrashDisk {
  #root: Folder = { history: [new Map()] };

  /** What a process sees until its gate is closed. */
  files(gate: Gate, onChange: () => void = () => {}): Files {
    const change = async (folder: Folder, edit: (entries: Map<string, Entry>) => void) => {
      await gate.pass();
      const entries = new Map(folder.history.at(-1));
      edit(entries);
      folder.history.push(entries);
      onChange();
      await gate.pass();
    };
    const remove = async (path: string): Promise<void> => {
      const entry = this.#find(path);
      if (entry === undefined) return;
      if ('history' in entry) {
        for (const name of entry.history.at(-1)?.keys() ?? []) await remove(`${path}/${name}`);
      }
      await change(this.#parent(path), (entries) => entries.delete(nameOf(path)));
    };
    return {
      list: async (path) => {
        await gate.pass();
        return [...(this.#folder(path).history.at(-1)?.keys() ?? [])];
      },
      read: async (path) => {
        await gate.pass();
        const entry = this.#find(path);
        return entry && 'text' in entry ? entry.text : undefined;
      },
      readLink: async (path) => {
        await gate.pass();
        const entry = this.#find(path, false);
        return entry && 'target' in entry ? entry.target : undefined;
      },
      makeFolder: (path) =>
        change(this.#parent(path), (entries) => entries.set(nameOf(path), { history: [new Map()] })),
      write: async (path, text) => {
        const file = { text: text.slice(0, text.length / 2) };
        await change(this.#parent(path), (entries) => entries.set(nameOf(path), file));
        file.text = text;
        onChange();
        await gate.pass();
      },
      link: (target, path) => change(this.#parent(path), (entries) => entries.set(nameOf(path), { target })),
      rename: (from, to) =>
        change(this.#parent(from), (entries) => {
          const entry = entries.get(nameOf(from));
          if (!entry) throw new Error(`${from} is not there`);
          entries.delete(nameOf(from));
          entries.set(nameOf(to), entry);
        }),
      remove,
      flush: async (path) => {
        await gate.pass();
        const folder = this.#folder(path);
        folder.history = folder.history.slice(-1);
        await gate.pass();
      },
    };
  }

  /**
   * A power cut.
   *
   * @param pick chooses one of so many, counted from 0
   */
  cutPower(pick: (count: number) => number): void {
    const settle = (folder: Folder) => {
      const left = folder.history[pick(folder.history.length)] ?? new Map<string, Entry>();
      folder.history = [left];
      for (const entry of left.values()) if ('history' in entry) settle(entry);
    };
    settle(this.#root);
  }

  /** What a file holds now; undefined when it is not there. */
  text(path: string): string | undefined {
    const entry = this.#find(path);
    return entry && 'text' in entry ? entry.text : undefined;
  }

  names(): string[] {
    return [...(this.#root.history.at(-1)?.keys() ?? [])];
  }

  #find(path: string, follow = true): Entry | undefined {
    let entry: Entry | undefined = this.#root;
    const names = path.split('/').filter((name) => name !== '');
    for (const [index, name] of names.entries()) {
      if (!entry || !('history' in entry)) return undefined;
      const entries: Map<string, Entry> | undefined = entry.history.at(-1);
      entry = entries?.get(name);
      if (entry && 'target' in entry && (follow || index < names.length - 1)) {
        entry = entries?.get(entry.target);
      }
    }
    return entry;
  }

  #folder(path: string): Folder {
    const entry = this.#find(path);
    if (entry && 'history' in entry) return entry;
    throw new Error(`${path} is no folder`);
  }

  #parent(path: string): Folder {
    return this.#folder(path.slice(0, path.lastIndexOf('/')));
  }
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
