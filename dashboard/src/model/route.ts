/** Where in the page the visitor is; in the address after `#`, so that the files need no server that knows. */
export type Route =
  | { page: 'fleet' }
  | { page: 'device'; thing: string }
  | { page: 'deployments' }
  | { page: 'deployment'; id: string }
  | { page: 'events' }
  | { page: 'access' }
  | { page: 'sign-in' }
  | { page: 'unknown' };

export function routeOf(hash: string): Route {
  const [page = '', name, ...rest] = hash.replace(/^#\/?/, '').split('/');
  if (rest.length > 0) return { page: 'unknown' };
  const decoded = name === undefined ? undefined : decode(name);
  switch (page) {
    case '':
      return { page: 'fleet' };
    case 'devices':
      if (name === undefined) return { page: 'fleet' };
      return decoded ? { page: 'device', thing: decoded } : { page: 'unknown' };
    case 'deployments':
      if (name === undefined) return { page: 'deployments' };
      return decoded ? { page: 'deployment', id: decoded } : { page: 'unknown' };
    case 'events':
    case 'access':
    case 'sign-in':
      return name === undefined ? { page } : { page: 'unknown' };
    default:
      return { page: 'unknown' };
  }
}

export const hrefs = {
  fleet: '#/',
  device: (thing: string) => `#/devices/${encodeURIComponent(thing)}`,
  deployments: '#/deployments',
  deployment: (id: string) => `#/deployments/${encodeURIComponent(id)}`,
  events: '#/events',
  access: '#/access',
  signIn: '#/sign-in',
} as const;

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
