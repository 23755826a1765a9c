import { useSignal } from '@preact/signals';
import type { RefObject } from 'preact';
import { useEffect } from 'preact/hooks';
import { type Rows, rowsIn } from '../model/rows.js';

/** Which rows of a scrolled list are on the screen, and some around them. */
export function useVisibleRows(
  scroller: RefObject<HTMLElement | null>,
  count: number,
  rowHeight: number,
): Rows {
  const rows = useSignal<Rows>({ first: 0, end: 0 });
  useEffect(() => {
    const element = scroller.current;
    if (element === null) return;
    const measure = () => {
      const next = rowsIn(element.scrollTop, element.clientHeight, count, rowHeight);
      const { first, end } = rows.peek();
      if (next.first !== first || next.end !== end) rows.value = next;
    };
    measure();
    element.addEventListener('scroll', measure, { passive: true });
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => {
      element.removeEventListener('scroll', measure);
      observer.disconnect();
    };
  }, [scroller, count, rowHeight, rows]);
  return rows.value;
}

const PHONE = '(max-width: 720px)';

/** Whether the page is as narrow as a phone. */
export function useNarrow(): boolean {
  const narrow = useSignal(matchMedia(PHONE).matches);
  useEffect(() => {
    const query = matchMedia(PHONE);
    const changed = () => {
      narrow.value = query.matches;
    };
    query.addEventListener('change', changed);
    changed();
    return () => query.removeEventListener('change', changed);
  }, [narrow]);
  return narrow.value;
}
