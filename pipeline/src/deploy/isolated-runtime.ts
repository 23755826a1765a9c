import { createRequire } from 'node:module';

/** The part of the Pulumi runtime's state that this module uses; its declarations leave it out. */
interface LocalStore {
  readonly leakCandidates: Set<unknown>;
}

const { getStore, withLocalStorage } = createRequire(import.meta.url)('@pulumi/pulumi/runtime/state.js') as {
  getStore: () => LocalStore;
  withLocalStorage: <T>(run: () => T) => T;
};

/**
 * Runs `run` with a Pulumi runtime of its own, so that evaluations in one process do not see each other's
 * monitor, configuration or pending calls. An evaluation that is given up leaves promises that never settle;
 * the runtime would call them leaks when the process exits, so they are taken off its list.
 */
export function inIsolatedRuntime<T>(run: () => Promise<T>): Promise<T> {
  return withLocalStorage(async () => {
    try {
      return await run();
    } finally {
      getStore().leakCandidates.clear();
    }
  });
}
