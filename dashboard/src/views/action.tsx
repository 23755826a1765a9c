import { type Signal, useSignal } from '@preact/signals';
import { sentenceOf } from '../cloud/problem.js';

/** How something that the visitor asked for went. */
type Outcome =
  | { state: 'none' }
  | { state: 'waiting'; words: string }
  | { state: 'done'; words: string }
  | { state: 'failed'; words: string };

export interface Action {
  outcome: Signal<Outcome>;
  busy: boolean;
  /** Does it, and shows what came of it; `act` returns that in words. */
  run: (waiting: string, act: () => Promise<string>) => Promise<boolean>;
}

export function useAction(): Action {
  const outcome = useSignal<Outcome>({ state: 'none' });
  return {
    outcome,
    busy: outcome.value.state === 'waiting',
    run: async (waiting, act) => {
      outcome.value = { state: 'waiting', words: waiting };
      try {
        outcome.value = { state: 'done', words: await act() };
        return true;
      } catch (error) {
        outcome.value = { state: 'failed', words: sentenceOf(error) };
        return false;
      }
    },
  };
}

const TONE = { waiting: 'soft', done: 'answer-ok', failed: 'answer-bad' } as const;

/** Says it; its place is kept free, so that nothing moves. */
export function Answer({ outcome }: { outcome: Signal<Outcome> }) {
  const { value } = outcome;
  return (
    <p class="answer-place" role="status">
      {value.state !== 'none' && <span class={`answer ${TONE[value.state]}`}>{value.words}</span>}
    </p>
  );
}
