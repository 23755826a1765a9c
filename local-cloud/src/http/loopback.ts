import type { HttpRequest } from './messages.js';

const LOOPBACK_ADDRESS = /^(127\.|::1$)/;
const LOOPBACK_NAME = /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/i;

/** Whether an address is one of this machine alone. IPv4 addresses as such, not mapped into IPv6. */
export function isLoopback(address: string): boolean {
  return LOOPBACK_ADDRESS.test(address);
}

/**
 * Whether a request comes from this machine and not from a page of somebody else's site that a browser here shows:
 * neither with another origin, nor under a name that such a site lets point to this machine.
 */
export function isFromThisMachine({ sourceIp, headers }: HttpRequest): boolean {
  const { host, origin } = headers;
  if (!isLoopback(sourceIp)) return false;
  if (host !== undefined && !LOOPBACK_NAME.test(host)) return false;
  return origin === undefined || LOOPBACK_NAME.test(origin.replace(/^https?:\/\//, ''));
}
