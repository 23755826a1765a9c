import { BlockList, isIP } from 'node:net';

/** How values of conditions are compared, in IAM's policies and in those of AWS IoT alike. */

/** Milliseconds of an ISO 8601 date or of epoch seconds; NaN, which compares as false, for anything else. */
export function timeOf(text: string): number {
  return /^\d+(\.\d+)?$/.test(text) ? Number(text) * 1000 : Date.parse(text);
}

/** NaN, which compares as false, for what is no number. */
export function numberOf(text: string): number {
  return text.trim() === '' ? Number.NaN : Number(text);
}

/** Whether an address is in a network in CIDR notation, or is the address itself; never of the other IP version. */
export function inNetwork(address: string, network: string): boolean {
  const [base = '', length, ...more] = network.split('/');
  // A link-local address names its interface behind a percent sign.
  const [plain = ''] = address.split('%');
  const version = isIP(plain);
  if (version === 0 || isIP(base) !== version || base.includes('%') || more.length > 0) return false;
  const most = version === 4 ? 32 : 128;
  if (length !== undefined && !/^\d{1,3}$/.test(length)) return false;
  const bits = length === undefined ? most : Number(length);
  if (bits > most) return false;
  const family = version === 4 ? 'ipv4' : 'ipv6';
  const list = new BlockList();
  list.addSubnet(base, bits, family);
  return list.check(plain, family);
}
