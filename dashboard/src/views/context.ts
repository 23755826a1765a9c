import { type Signal, useComputed, useSignal, useSignalEffect } from '@preact/signals';
import { createContext } from 'preact';
import { useContext, useEffect, useMemo, useRef } from 'preact/hooks';
import type { Dashboard } from '../dashboard.js';
import { Reading, type Resource } from '../model/reading.js';

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

/**
 * Reads something when the view appears, when `key` changes, when the cloud came back, and when `again` changes.
 */
export function useResource<T>(key: string, read: () => Promise<T>, again?: Signal<unknown>): Resource<T> {
  const { epoch } = useDashboard();
  const reading = useMemo(() => new Reading<T>(), []);
  const latest = useRef(read);
  latest.current = read;
  const wanted = useSignal(key);
  wanted.value = key;
  useSignalEffect(() => {
    epoch.value;
    again?.value;
    reading.ask(wanted.value, () => latest.current());
  });
  return reading.resource.value;
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
