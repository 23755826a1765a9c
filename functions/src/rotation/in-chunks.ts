/** Devices that a function works on at a time. */
const AT_A_TIME = 10;

/**
 * Does `work` with each item, some at a time.
 *
 * @param goOn asked after each chunk with how many items are done; false ends it early.
 * @returns how many items were worked on.
 */
export async function inChunks<T>(
  items: readonly T[],
  work: (item: T) => Promise<unknown>,
  goOn: (done: number) => boolean = () => true,
): Promise<number> {
  let done = 0;
  while (done < items.length) {
    const chunk = items.slice(done, done + AT_A_TIME);
    await Promise.all(chunk.map(work));
    done += chunk.length;
    if (!goOn(done)) break;
  }
  return done;
}
