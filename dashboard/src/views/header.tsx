import { hrefs, type Route } from '../model/route.js';
import { useDashboard } from './context.js';
import { ThemeToggle } from './theme.js';

const PLACES: readonly { label: string; href: string; pages: readonly Route['page'][] }[] = [
  { label: 'Fleet', href: hrefs.fleet, pages: ['fleet', 'device'] },
  { label: 'Deployments', href: hrefs.deployments, pages: ['deployments', 'deployment'] },
  { label: 'Events', href: hrefs.events, pages: ['events'] },
  { label: 'Access', href: hrefs.access, pages: ['access'] },
];

export function Header({ route }: { route: Route }) {
  const { config, session } = useDashboard();
  const nobody = session.visitor.value.kind === 'nobody';
  return (
    <header class="header">
      <a class="brand" href={hrefs.fleet}>
        <svg class="brand-mark" viewBox="0 0 32 32" width="28" height="28" aria-hidden="true">
          <path
            d="M8.5 7.5h15a2.2 2.2 0 0 1 0 4.4h-2.6l1.1 12.6h-12l1.1-12.6H8.5a2.2 2.2 0 0 1 0-4.4z"
            fill="currentColor"
          />
          <path class="brand-rope" d="M9.6 15.8c4.2 1.8 8.6 1.8 12.8 0M9.3 19.4c4.4 1.8 9 1.8 13.4 0" />
        </svg>
        <span class="brand-name">Mooring</span>
        <span class="brand-stack">{config.stack}</span>
      </a>
      {!nobody && (
        <nav class="nav" aria-label="Main">
          {PLACES.map(({ label, href, pages }) => (
            <a key={href} href={href} aria-current={pages.includes(route.page) ? 'page' : undefined}>
              {label}
            </a>
          ))}
        </nav>
      )}
      <div class="header-end">
        <LiveMark />
        <VisitorMark />
        <ThemeToggle />
      </div>
    </header>
  );
}

/** Whether live messages come in now. */
function LiveMark() {
  const { live, session } = useDashboard();
  if (session.visitor.value.kind === 'nobody') return null;
  const state = live.state.value;
  return (
    <span class={`live live-${state}`}>
      <span class="live-dot" aria-hidden="true" />
      {state === 'connected' ? 'live' : state === 'connecting' ? 'connecting' : 'offline'}
    </span>
  );
}

function VisitorMark() {
  const { session } = useDashboard();
  const visitor = session.visitor.value;
  if (visitor.kind === 'nobody') return null;
  if (visitor.kind === 'guest') {
    return (
      <span class="visitor">
        <span class="visitor-name">guest</span>
        <a class="header-button header-text" href={hrefs.signIn}>
          Sign in
        </a>
      </span>
    );
  }
  return (
    <span class="visitor">
      <span class="visitor-name">
        {visitor.name} <small>{visitor.operator ? 'operator' : 'viewer'}</small>
      </span>
      <button
        type="button"
        class="header-button header-text"
        onClick={() => {
          location.hash = hrefs.fleet;
          void session.signOut();
        }}
      >
        Sign out
      </button>
    </span>
  );
}
