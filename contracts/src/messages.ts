import { z } from 'zod';

/** Slowest and fastest blinking that a device accepts, in hertz (whole on-off cycles a second). */
export const FREQUENCY_RANGE = { minimum: 0.1, maximum: 50 } as const;

/** Payload of the frequency topics: `{"frequency": 2}`, in hertz. */
export const FrequencyMessage = z.object({
  frequency: z.number().min(FREQUENCY_RANGE.minimum).max(FREQUENCY_RANGE.maximum),
});
export type FrequencyMessage = z.infer<typeof FrequencyMessage>;

/** Payload of the button topics: `{"state": false}`, blinking or not. */
export const ButtonMessage = z.object({ state: z.boolean() });
export type ButtonMessage = z.infer<typeof ButtonMessage>;

/** Payload of the topic that presses the button: `{}`. */
export const PressMessage = z.strictObject({});
export type PressMessage = z.infer<typeof PressMessage>;

/** Payload of the telemetry topic: the frequency in force, in hertz, and whether the LED blinks now. */
export const TelemetryMessage = FrequencyMessage.extend({ blinking: z.boolean() });
export type TelemetryMessage = z.infer<typeof TelemetryMessage>;

/** What parsing a message gives: its value, or one sentence on what is wrong with it. */
export type Parsed<T> = { ok: true; value: T } | { ok: false; problem: string };

/**
 * Parses a payload from outside against one of the schemas above.
 *
 * @param payload the bytes or text that arrived; it must be UTF-8 JSON.
 */
export function parseMessage<T>(schema: z.ZodType<T>, payload: Uint8Array | string): Parsed<T> {
  let json: unknown;
  try {
    json = JSON.parse(typeof payload === 'string' ? payload : UTF8.decode(payload));
  } catch {
    return { ok: false, problem: 'the payload is not JSON' };
  }
  const result = schema.safeParse(json);
  if (result.success) return { ok: true, value: result.data };
  const [issue] = result.error.issues;
  const where = issue?.path.length ? `${issue.path.join('.')}: ` : '';
  return { ok: false, problem: `${where}${issue?.message ?? 'not the expected shape'}` };
}

const UTF8 = new TextDecoder('utf-8', { fatal: true });
