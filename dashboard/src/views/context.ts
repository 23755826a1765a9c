import { type Signal, useComputed, useSignal, useSignalEffect } from '@preact/signals';
import { createContext } from 'preact';
import { useContext, useEffect } from 'preact/hooks';
import { sentenceOf } from '../cloud/problem.js';
import type { Dashboard } from '../dashboard.js';

const DashboardContext = createContext<Dashboard | undefined>(undefined);
export const DashboardProvider = DashboardContext.Provider;

export function useDashboard(): Dashboard {
  const dashboard = useContext(DashboardContext);
  if (dashboard === undefined) throw new Error('there is no dashboard above this view');
  return dashboard;
}

/** Whether controls that change things are shown; the cloud decides whether they work. */
export function useOperator(): boolean {
  const { session } = useDashboard();
  const visitor = session.visitor.value;
  return visitor.kind === 'user' && visitor.operator;
}

/** Something that is read from the cloud. What was read before stays while it is read anew. */
export interface Resource<T> {
  value: T | undefined;
  loading: boolean;
  problem: string | undefined;
}

/**
 * Reads something when the view appears, when `key` changes, when the cloud came back, and when `again` changes.
 */
export function useResource<T>(key: string, read: () => Promise<T>, again?: Signal<unknown>): Resource<T> {
  const { epoch } = useDashboard();
  const state = useSignal<Resource<T> & { key: string }>({
    key,
    value: undefined,
    loading: true,
    problem: undefined,
  });
  const wanted = useSignal(key);
  wanted.value = key;
  useSignalEffect(() => {
    const asked = wanted.value;
    epoch.value;
    again?.value;
    const before = state.peek();
    const value = before.key === asked ? before.value : undefined;
    let ended = false;
    state.value = { key: asked, value, loading: true, problem: undefined };
    read().then(
      (value) => {
        if (!ended) state.value = { key: asked, value, loading: false, problem: undefined };
      },
      (error: unknown) => {
        if (!ended) state.value = { key: asked, value, loading: false, problem: sentenceOf(error) };
      },
    );
    return () => {
      ended = true;
    };
  });
  return state.value;
}

/** The time, every `ms` milliseconds: for ages. */
export function useNow(ms = 5_000): number {
  const now = useSignal(Date.now());
  useEffect(() => {
    const timer = setInterval(() => {
      now.value = Date.now();
    }, ms);
    return () => clearInterval(timer);
  }, [ms, now]);
  return useComputed(() => now.value).value;
}

/** Names the page in the window's title. */
export function useTitle(title: string): void {
  useEffect(() => {
    document.title = `${title} · Mooring`;
  }, [title]);
}
