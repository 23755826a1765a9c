import type { PendingOperation, StackState, StoredResource } from './state.js';

/** Where the state of one stack is stored. */
export interface StateStore {
  /** @returns undefined when the stack has never been deployed. */
  load(): Promise<StackState | undefined>;
  save(state: StackState): Promise<void>;
}

/** The state of a stack while it is deployed: changed in memory, then stored. */
export class StateKeeper {
  readonly #store: StateStore;
  readonly #state: StackState;
  /** The save that is to begin after the running one, and will contain every change made until then. */
  #next: Promise<void> | undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(store: StateStore, state: StackState) {
    this.#store = store;
    this.#state = state;
  }

  get state(): StackState {
    return this.#state;
  }

  /** The resource that the program means by `key`: the one that is not about to be deleted. */
  living(key: string): StoredResource | undefined {
    return this.#state.resources.find((resource) => resource.key === key && resource.condemned !== true);
  }

  add(resource: StoredResource): void {
    this.#state.resources.push(resource);
  }

  remove(resource: StoredResource): void {
    const index = this.#state.resources.indexOf(resource);
    if (index >= 0) this.#state.resources.splice(index, 1);
  }

  /** Removes a resource that never came to be; the one that it was to replace lives on. */
  removeUnborn(resource: StoredResource): void {
    this.remove(resource);
    const replaced = this.#state.resources.findLast(
      (other) => other.key === resource.key && other.pending === undefined,
    );
    if (replaced !== undefined) replaced.condemned = undefined;
  }

  /** Records that an operation is about to be sent, so that a later run can find out what became of it. */
  async intend(resource: StoredResource, pending: PendingOperation): Promise<void> {
    resource.pending = pending;
    await this.save();
  }

  /** Stores the state as it is now; resolves when it is stored. */
  save(): Promise<void> {
    this.#next ??= this.#running.then(() => {
      this.#next = undefined;
      return this.#store.save(this.#state);
    });
    this.#running = this.#next.catch(() => undefined);
    return this.#next;
  }
}
