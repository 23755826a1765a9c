import { z } from 'zod';
import { FleetEvent } from './dashboard.js';
import { TelemetryMessage } from './messages.js';
import { THING_NAME } from './topics.js';

/**
 * An item of the table {@link names.telemetryTable}, as the rule writes it: partition key `thing`, sort key `at`
 * (milliseconds since 1970). `expires`, in seconds since 1970, is DynamoDB's time to live.
 */
export const TelemetryItem = TelemetryMessage.extend({
  thing: z.string(),
  at: z.number(),
  expires: z.number(),
});
export type TelemetryItem = z.infer<typeof TelemetryItem>;

/**
 * An item of the table {@link names.eventsTable}, as the rules write it: partition key `day` (`yyyy-MM-dd`, UTC), sort
 * key `id` (milliseconds since 1970, a `#`, and a UUID). Global secondary index `by-thing`: partition key `thing`, sort
 * key `id`. `expires`, in seconds since 1970, is DynamoDB's time to live.
 */
export const EventItem = z.object({
  day: z.string(),
  id: z.string(),
  at: z.number(),
  type: FleetEvent.shape.type,
  thing: z.string(),
  detail: z.string().optional(),
  expires: z.number(),
});
export type EventItem = z.infer<typeof EventItem>;

/**
 * What was changed of the allowlist on the dashboard and is not in the repository's `allowlist.txt` yet, by serial
 * number: the object {@link objectKeys.allowlistChanges}, beside the list itself.
 */
export const AllowlistChanges = z.record(
  z.string().regex(THING_NAME),
  z.object({
    /** Whether it was put on the list, or taken off. */
    allowed: z.boolean(),
    /** ARN of who did it. */
    by: z.string(),
    /** Milliseconds since 1970. */
    at: z.number(),
  }),
);
export type AllowlistChanges = z.infer<typeof AllowlistChanges>;
