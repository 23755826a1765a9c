/** Listeners by event; one that throws does not keep the others from being called. */
export class Emitter<Events> {
  readonly #listeners = new Map<keyof Events, Set<(event: never) => void>>();

  constructor(private readonly failed: (error: unknown) => void) {}

  /** Returns how to stop listening. */
  on<E extends keyof Events>(name: E, listener: (event: Events[E]) => void): () => void {
    let listeners = this.#listeners.get(name);
    if (!listeners) {
      listeners = new Set();
      this.#listeners.set(name, listeners);
    }
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  /** Whether anyone listens, so that an event need not be made for no one. */
  has(name: keyof Events): boolean {
    return (this.#listeners.get(name)?.size ?? 0) > 0;
  }

  emit<E extends keyof Events>(name: E, event: Events[E]): void {
    for (const listener of this.#listeners.get(name) ?? []) {
      try {
        (listener as (event: Events[E]) => void)(event);
      } catch (error) {
        this.failed(error);
      }
    }
  }
}
