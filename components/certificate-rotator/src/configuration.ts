import { z } from 'zod';

/** Kinds of key that a new certificate may be for. */
export const KEY_ALGORITHMS = ['EC-P256', 'EC-P384', 'RSA-2048', 'RSA-3072', 'RSA-4096'] as const;
export type KeyAlgorithm = (typeof KEY_ALGORITHMS)[number];

const Seconds = z.number().positive().max(86_400);

/** The configuration of the certificate rotator, but for what its recipe's script uses itself. */
export const RotatorConfiguration = z.object({
  keyAlgorithm: z.enum(KEY_ALGORITHMS).default('EC-P256'),
  /** Pauses between attempts, in seconds: each is twice the one before, up to the longest, and none is exact. */
  pauses: z
    .object({ first: Seconds.default(30), longest: Seconds.default(3_600) })
    .default({ first: 30, longest: 3_600 })
    .refine(({ first, longest }) => first <= longest, 'first must not be more than longest'),
});
export type RotatorConfiguration = z.infer<typeof RotatorConfiguration>;
