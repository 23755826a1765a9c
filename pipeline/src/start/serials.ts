import { parseAllowlist } from '@mooring/contracts';

/** The devices to boot, and an allowlist that has them all. */
export interface FleetOfThisMachine {
  readonly serials: readonly string[];
  /** The given allowlist, and behind it the serial numbers that were made up. */
  readonly allowlist: string;
  readonly madeUp: readonly string[];
}

/**
 * Chooses the serial numbers of `count` devices: those of the allowlist first, in its order, then further ones
 * that are made up, counting on from 1000000000000001.
 *
 * @throws AllowlistError
 */
export function chooseSerials(allowlist: string, count: number): FleetOfThisMachine {
  const listed = parseAllowlist(allowlist);
  const serials = [...listed].slice(0, count);
  const madeUp: string[] = [];
  for (let number = 1_000_000_000_000_001n; serials.length + madeUp.length < count; number += 1n) {
    const serial = String(number);
    if (!listed.has(serial)) madeUp.push(serial);
  }
  if (madeUp.length === 0) return { serials, allowlist, madeUp };
  const end = allowlist === '' || allowlist.endsWith('\n') ? '' : '\n';
  return {
    serials: [...serials, ...madeUp],
    allowlist: `${allowlist}${end}# Made up by \`mooring start --devices ${count}\`\n${madeUp.join('\n')}\n`,
    madeUp,
  };
}
