/** Rows of a list, by index; `end` is the first that is not among them. */
export interface Rows {
  first: number;
  end: number;
}

/** Rows that are drawn above and below those that can be seen. */
const AROUND = 6;

/**
 * The rows that can be seen, and some around them.
 *
 * @param scrolled how far, `height` of what can be seen, and `rowHeight`, in pixels.
 */
export function rowsIn(scrolled: number, height: number, count: number, rowHeight: number): Rows {
  const first = Math.floor(scrolled / rowHeight) - AROUND;
  const end = Math.ceil((scrolled + height) / rowHeight) + AROUND;
  // Steps of an even number: scrolling by a row does not draw anew each time.
  const stepped = Math.floor(first / 2) * 2;
  return { first: Math.min(Math.max(0, stepped), count), end: Math.min(Math.max(0, end), count) };
}
