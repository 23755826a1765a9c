import { useDashboard } from './context.js';

/** Says when the cloud is away, and when it is back. It lies over the page, so that nothing moves. */
export function Banner() {
  const { connectivity, live } = useDashboard();
  const reach = connectivity.reach.value;
  return (
    <div class="banner-place" role="status">
      {reach === 'lost' && (
        <p class="banner banner-lost">
          <span class="spinner" aria-hidden="true" />
          Connection to the cloud lost, trying again. {live.problem.value ?? 'What you see may be old.'}
        </p>
      )}
      {reach === 'back' && <p class="banner banner-back">Reconnected; everything was read anew.</p>}
    </div>
  );
}
