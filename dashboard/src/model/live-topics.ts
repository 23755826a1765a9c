import {
  ButtonMessage,
  CertificateMessage,
  FrequencyMessage,
  parseMessage,
  THING_NAME,
} from '@mooring/contracts';
import { z } from 'zod';

/** What a message of the fleet means for the page. */
export type Change =
  | { kind: 'frequency'; thing: string; frequency: number }
  | { kind: 'button'; thing: string; blinking: boolean }
  | { kind: 'connection'; thing: string; connected: boolean; at: number }
  | { kind: 'rotation'; thing: string; stage: 'requested' | 'issued' | 'completed'; certificateId?: string }
  | { kind: 'job'; thing: string | undefined; jobId: string }
  | { kind: 'thing'; thing: string; exists: boolean };

/** Filters of everything that {@link changeOf} understands: as many as one SUBSCRIBE packet may have. */
export const FLEET_FILTERS = [
  '$aws/events/presence/+/+',
  '$aws/events/jobExecution/+/+',
  '$aws/events/thing/+/+',
  'lambda/+/frequency',
  'lambda/+/button',
  'device/+/csr_req',
  'device/+/crt',
  'device/+/crt_done',
] as const;

/** AWS IoT Core developer guide, "Lifecycle events". */
const Presence = z.object({
  clientId: z.string(),
  timestamp: z.number(),
  eventType: z.enum(['connected', 'disconnected']),
});

/** AWS IoT Core developer guide, "Jobs events". */
const JobExecution = z.object({ jobId: z.string(), thingArn: z.string().optional() });

/**
 * Reads a message of the topics above.
 *
 * @returns nothing when it is none that the page understands; whoever may publish there may send anything.
 */
export function changeOf(topic: string, payload: Uint8Array): Change | undefined {
  if (topic.startsWith('$aws/events/')) return eventOf(topic.split('/').slice(2), payload);
  const [direction, thing = '', what, ...rest] = topic.split('/');
  if (rest.length > 0 || !THING_NAME.test(thing)) return undefined;
  switch (`${direction}/${what}`) {
    case 'lambda/frequency': {
      const message = parseMessage(FrequencyMessage, payload);
      return message.ok ? { kind: 'frequency', thing, frequency: message.value.frequency } : undefined;
    }
    case 'lambda/button': {
      const message = parseMessage(ButtonMessage, payload);
      return message.ok ? { kind: 'button', thing, blinking: message.value.state } : undefined;
    }
    case 'device/csr_req':
      return { kind: 'rotation', thing, stage: 'requested' };
    case 'device/crt': {
      const message = parseMessage(CertificateMessage, payload);
      if (!message.ok) return undefined;
      return { kind: 'rotation', thing, stage: 'issued', certificateId: message.value.certificateId };
    }
    case 'device/crt_done':
      return { kind: 'rotation', thing, stage: 'completed' };
    default:
      return undefined;
  }
}

function eventOf(levels: readonly string[], payload: Uint8Array): Change | undefined {
  const [family, name = '', what] = levels;
  switch (family) {
    case 'presence': {
      const message = parseMessage(Presence, payload);
      // A core device has more connections than the one that says whether it is there: `{thing}#2` and so on.
      if (!message.ok || message.value.clientId.includes('#')) return undefined;
      const { clientId, eventType, timestamp } = message.value;
      return { kind: 'connection', thing: clientId, connected: eventType === 'connected', at: timestamp };
    }
    case 'jobExecution': {
      const message = parseMessage(JobExecution, payload);
      if (!message.ok) return undefined;
      const { jobId, thingArn } = message.value;
      return { kind: 'job', thing: thingArn?.split(':thing/').at(1), jobId };
    }
    case 'thing':
      if (!THING_NAME.test(name) || (what !== 'created' && what !== 'deleted')) return undefined;
      return { kind: 'thing', thing: name, exists: what === 'created' };
    default:
      return undefined;
  }
}
