/** Pieces of the service model's shapes that several operations share. */
import { z } from 'zod';
import type { JsonValue } from './capabilities.js';

/** Whatever JSON can carry; the request was JSON, so there is nothing to check. */
export const jsonValue: z.ZodType<JsonValue> = z.custom<JsonValue>((value) => value !== undefined);

/** A blob, as base64 text. */
export const base64 = z
  .string()
  .refine((text) => /^[A-Za-z0-9+/]*={0,2}$/.test(text), 'not base64')
  .transform((text) => Buffer.from(text, 'base64'));

/** The model has `"0"` and `"1"`; some clients send numbers. */
export const qos = z
  .union([z.enum(['0', '1']), z.literal(0), z.literal(1)])
  .transform((value) => (Number(value) === 1 ? 1 : 0));

/** Longest text that MQTT can carry in a field, in characters: each takes a byte at least. */
const MAX_TOPIC_LENGTH = 65_535;

/** A topic or topic filter; matching it against policies takes time that grows with its length. */
export const topic = (whenEmpty: string) =>
  z
    .string(whenEmpty)
    .min(1, whenEmpty)
    .max(MAX_TOPIC_LENGTH, `A topic has at most ${MAX_TOPIC_LENGTH} characters`);
