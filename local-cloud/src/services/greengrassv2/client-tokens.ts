import { patternViolation } from '../../constraints.js';
import type { Base } from '../../plugin.js';
import { key } from '../../store/store.js';
import { invalid } from './errors.js';

/** How long a successful answer is remembered, in milliseconds (API reference, `clientToken`). */
const REMEMBERED = 8 * 60 * 60 * 1000;
const PATTERN = '^[a-zA-Z0-9-]+$';

/** Makes requests idempotent: who repeats one with the same token gets the answer of the first. */
export interface ClientTokens {
  /**
   * The answer to an earlier request with this token, else that of `work`, kept together with what `work` writes.
   *
   * @throws ValidationException when the token is malformed.
   */
  once<Answer>(operation: string, token: string | undefined, work: () => Answer): Answer;
  /** The answer to an earlier request with this token. */
  answered<Answer>(operation: string, token: string | undefined): Answer | undefined;
}

export function clientTokens({ store, clock }: Pick<Base, 'store' | 'clock'>): ClientTokens {
  const answers = store.table<{ at: number; answer: unknown }>('greengrass.clientTokens');

  function answered<Answer>(operation: string, token: string | undefined): Answer | undefined {
    if (token === undefined) return undefined;
    if (token.length > 64 || !new RegExp(PATTERN).test(token)) {
      throw invalid(patternViolation(token, 'clientToken', PATTERN));
    }
    const known = answers.get(key(operation, token));
    return known && known.at + REMEMBERED > clock.now() ? (known.answer as Answer) : undefined;
  }

  return {
    answered,
    once<Answer>(operation: string, token: string | undefined, work: () => Answer): Answer {
      const before = answered<Answer>(operation, token);
      if (before !== undefined) return before;
      return store.transaction(() => {
        const answer = work();
        if (token === undefined) return answer;
        const now = clock.now();
        for (const [name, { at }] of [...answers.entries()]) {
          if (at + REMEMBERED <= now) answers.delete(name);
        }
        answers.put(key(operation, token), { at: now, answer });
        return answer;
      });
    },
  };
}
