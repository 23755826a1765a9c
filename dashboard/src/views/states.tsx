import type { ComponentChildren } from 'preact';

/** Something is on its way. */
export function Loading({ what }: { what: string }) {
  return (
    <p class="state" role="status">
      <span class="spinner" aria-hidden="true" />
      {what}
    </p>
  );
}

/** There is nothing to show, and that is fine. */
export function Empty({ children }: { children: ComponentChildren }) {
  return <p class="state state-empty">{children}</p>;
}

/** Something went wrong. */
export function Failed({ what, problem }: { what: string; problem: string }) {
  return (
    <p class="state state-failed" role="alert">
      <strong>{what}</strong>: {problem}
    </p>
  );
}
