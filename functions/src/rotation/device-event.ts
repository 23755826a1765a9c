import { THING_NAME } from '@mooring/contracts';
import { z } from 'zod';

/**
 * What the rules add to a device's message, checked for what AWS IoT itself guarantees: `topic(2)` is the name of a
 * thing, and `principal()` is a certificate id when the connection was made with one.
 */
export const deviceContext = {
  thing: z.string().regex(THING_NAME),
  principal: z.string().regex(/^[0-9a-f]{64}$/),
} as const;

const Texts = z.object({
  thing: z.string().optional().catch(undefined),
  principal: z.string().optional().catch(undefined),
});

/** What a log can say of an event that is not what it should be. */
export function whoSent(event: unknown): { thing?: string | undefined; principal?: string | undefined } {
  return Texts.safeParse(event).data ?? {};
}
