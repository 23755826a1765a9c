import { z } from 'zod';
import { FleetEvent } from './dashboard.js';
import { TelemetryMessage } from './messages.js';

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
