import { type Signal, signal } from '@preact/signals';
import { sentenceOf } from '../cloud/problem.js';

/** Something that is read from the cloud. What was read before stays while it is read anew. */
export interface Resource<T> {
  value: T | undefined;
  loading: boolean;
  problem: string | undefined;
}

/**
 * Reads something again and again, one time after the other: who asks while it is being read gets another reading
 * after that one, however often they ask.
 */
export class Reading<T> {
  readonly resource: Signal<Resource<T>> = signal({ value: undefined, loading: true, problem: undefined });
  private key: string | undefined;
  private busy = false;
  private again = false;

  /** Reads with `read`; what has another `key` is something else, and what was read before goes. */
  ask(key: string, read: () => Promise<T>): void {
    if (this.key === key && this.busy) {
      this.again = true;
      return;
    }
    const value = this.key === key ? this.resource.peek().value : undefined;
    this.key = key;
    this.busy = true;
    this.again = false;
    this.resource.value = { value, loading: true, problem: undefined };
    read().then(
      (result) => this.end(key, read, { value: result, loading: false, problem: undefined }),
      (error: unknown) => this.end(key, read, { value, loading: false, problem: sentenceOf(error) }),
    );
  }

  private end(key: string, read: () => Promise<T>, resource: Resource<T>): void {
    if (key !== this.key) return;
    this.busy = false;
    this.resource.value = resource;
    if (this.again) this.ask(key, read);
  }
}
