import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { flushFolder } from '../durable-file.js';
import type { PackageChange } from './journal.js';

/**
 * Recipes and artifacts that a deployment puts in the place of others of the same name and version. They are
 * made ready beside the package store and exchanged only when the deployment's change is committed.
 */
export class PackageStaging {
  readonly #changes = new Map<string, PackageChange>();
  #count = 0;

  constructor(private readonly folder: string) {}

  get changes(): PackageChange[] {
    return [...this.#changes.values()];
  }

  /** Where what is to be at a path is now: staged, or the path itself. */
  whereIs(path: string): string {
    return this.#changes.get(path)?.fresh ?? path;
  }

  isStaged(path: string): boolean {
    return this.#changes.has(path);
  }

  /** Makes the folder or file that is to take a path's place. */
  stage(path: string, make: (target: string) => void): void {
    const change = this.#note(path, true);
    if (change.fresh === null) return;
    mkdirSync(dirname(change.fresh), { recursive: true });
    rmSync(change.fresh, { recursive: true, force: true });
    make(change.fresh);
  }

  stageFile(path: string, content: string): void {
    this.stage(path, (target) => writeFileSync(target, content, { flush: true }));
  }

  /** Has what is at a path go, if anything is. */
  stageRemoval(path: string): void {
    if (existsSync(path)) this.#note(path, false);
  }

  /** Forgets everything that is staged or set aside. */
  clear(): void {
    this.#changes.clear();
    rmSync(this.folder, { recursive: true, force: true });
  }

  #note(path: string, isReplaced: boolean): PackageChange {
    const index = this.#count++;
    const change = {
      path,
      fresh: isReplaced ? join(this.folder, `${index}.fresh`) : null,
      old: join(this.folder, `${index}.old`),
      existed: existsSync(path),
    };
    this.#changes.set(path, change);
    return change;
  }
}

/** Puts the changes in place. Safe to repeat from wherever it was interrupted. */
export function applyPackageChanges(changes: readonly PackageChange[]): void {
  for (const { path, fresh, old } of changes) {
    if (fresh !== null && !existsSync(fresh)) continue;
    mkdirSync(dirname(path), { recursive: true });
    mkdirSync(dirname(old), { recursive: true });
    if (existsSync(path) && !existsSync(old)) renameSync(path, old);
    if (fresh !== null) renameSync(fresh, path);
    for (const folder of new Set([dirname(path), dirname(old)])) flushFolder(folder);
  }
}

/** Puts back what was there before the changes. Safe to repeat from wherever it was interrupted. */
export function revertPackageChanges(changes: readonly PackageChange[]): void {
  for (const { path, fresh, old, existed } of [...changes].reverse()) {
    if (existsSync(old)) {
      rmSync(path, { recursive: true, force: true });
      renameSync(old, path);
    } else if (!existed && (fresh === null || !existsSync(fresh))) {
      rmSync(path, { recursive: true, force: true });
    }
    flushFolder(dirname(path));
  }
}
