import type { Value } from './values.js';

/** An evaluation stops for what it has to wait for, and starts again with the answer. */
class Suspension {
  constructor(readonly answer: Promise<Value>) {}
}

/**
 * Answers of the functions whose answer is not the same each time, or has to be waited for, in the order in which
 * they are called: an evaluation that starts again takes the same way and gets the same answers.
 */
export class Replay {
  readonly #answers: Value[] = [];
  #next = 0;

  restart(): void {
    this.#next = 0;
  }

  keep(answer: Value): void {
    this.#answers.push(answer);
  }

  /** @throws Suspension with the promise that `ask` returns. */
  answer(ask: () => Value | Promise<Value>): Value {
    const index = this.#next;
    this.#next += 1;
    if (index < this.#answers.length) return this.#answers[index];
    const answer = ask();
    if (answer instanceof Promise) throw new Suspension(answer);
    this.#answers.push(answer);
    return answer;
  }
}

/** Evaluates at once; or again and again, each time with one answer more that it has to wait for. */
export function settle<T>(waits: boolean, work: (replay: Replay | undefined) => T): T | Promise<T> {
  return waits ? settleLater(work) : work(undefined);
}

async function settleLater<T>(work: (replay: Replay) => T): Promise<T> {
  const replay = new Replay();
  for (;;) {
    replay.restart();
    try {
      return work(replay);
    } catch (reason) {
      if (!(reason instanceof Suspension)) throw reason;
      replay.keep(await reason.answer);
    }
  }
}
