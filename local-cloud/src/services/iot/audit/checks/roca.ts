/** Primes below 168 but 2: of the modulus of every size that the Infineon library makes. */
const PRIMES = [
  3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107,
  109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
];
const GENERATOR = 65_537;

/** By prime, the remainders that powers of the generator leave. */
const REMAINDERS = PRIMES.map((prime) => {
  const remainders = new Set<number>();
  for (let power = 1; !remainders.has(power); power = (power * GENERATOR) % prime) remainders.add(power);
  return { prime: BigInt(prime), remainders };
});

/**
 * Whether an RSA modulus has the form of the keys of CVE-2017-15361 ("The Return of Coppersmith's Attack", Nemec and
 * others, 2017, section 2.2): its remainder modulo each small prime is a power of 65537. Others have that form with
 * a probability of less than 2^-27.
 */
export function hasRocaFingerprint(modulus: bigint): boolean {
  return modulus > 0n && REMAINDERS.every(({ prime, remainders }) => remainders.has(Number(modulus % prime)));
}
