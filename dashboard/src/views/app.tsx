import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { hrefs, type Route, routeOf } from '../model/route.js';
import { AccessPage } from './access-page.js';
import { Banner } from './banner.js';
import { useDashboard } from './context.js';
import { DeploymentPage } from './deployment-page.js';
import { DeploymentsPage } from './deployments-page.js';
import { DevicePage } from './device-page.js';
import { EventsPage } from './events-page.js';
import { FleetPage } from './fleet-page.js';
import { Header } from './header.js';
import { SignInPage } from './sign-in.js';
import { Empty } from './states.js';

/** The page: header, banner, and the view of the route. */
export function App() {
  const { session } = useDashboard();
  const route = useRoute();
  const main = useRef<HTMLElement>(null);
  const place = JSON.stringify(route);
  const first = useRef(place);
  useEffect(() => {
    // Another view: whoever uses a keyboard or a screen reader goes on at its beginning.
    if (first.current !== place) main.current?.focus();
    first.current = '';
  }, [place]);
  const nobody = session.visitor.value.kind === 'nobody';
  return (
    <>
      <button type="button" class="skip" onClick={() => main.current?.focus()}>
        Skip to the content
      </button>
      <Header route={route} />
      <Banner />
      <main id="main" ref={main} tabIndex={-1}>
        {nobody || route.page === 'sign-in' ? <SignInPage /> : <View route={route} />}
      </main>
    </>
  );
}

function View({ route }: { route: Route }) {
  switch (route.page) {
    case 'fleet':
      return <FleetPage />;
    case 'device':
      return <DevicePage key={route.thing} thing={route.thing} />;
    case 'deployments':
      return <DeploymentsPage />;
    case 'deployment':
      return <DeploymentPage key={route.id} id={route.id} />;
    case 'events':
      return <EventsPage />;
    case 'access':
      return <AccessPage />;
    default:
      return (
        <Empty>
          There is nothing at this address. <a href={hrefs.fleet}>To the fleet</a>
        </Empty>
      );
  }
}

function useRoute(): Route {
  const route = useSignal(routeOf(location.hash));
  useEffect(() => {
    const changed = () => {
      const next = routeOf(location.hash);
      if (JSON.stringify(next) !== JSON.stringify(route.peek())) route.value = next;
    };
    addEventListener('hashchange', changed);
    // It may have changed since the first drawing.
    changed();
    return () => removeEventListener('hashchange', changed);
  }, [route]);
  return route.value;
}
