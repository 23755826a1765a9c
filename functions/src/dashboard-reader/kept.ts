/**
 * Keeps what `read` resolves with for a while, for the requests that come to the same instance of the function. Those
 * that come meanwhile wait for the same answer; a failure is not kept.
 *
 * @param milliseconds for how long, from when it was asked for.
 * @param now milliseconds of a clock.
 */
export function kept<T, Arguments extends readonly unknown[]>(
  read: (...args: Arguments) => Promise<T>,
  milliseconds: number,
  now: () => number,
): (...args: Arguments) => Promise<T> {
  let last: { readonly at: number; readonly value: Promise<T> } | undefined;
  return (...args) => {
    if (last !== undefined && now() - last.at < milliseconds) return last.value;
    const value = read(...args);
    const mine = { at: now(), value };
    last = mine;
    value.catch(() => {
      if (last === mine) last = undefined;
    });
    return value;
  };
}
