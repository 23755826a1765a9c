import type { Clock } from '../../../clock.js';
import type { Broker } from '../../../mqtt/index.js';
import type { Peer } from '../devices/peer.js';
import type { ThingMessage, ThingTopics } from '../devices/thing-topics.js';
import { ShadowError } from './errors.js';
import { clientTokenIfAny, readRequest, readUpdate } from './request.js';
import { type ShadowService, shadowTopic } from './shadow-service.js';

const REQUEST = /^shadow\/(?:name\/([^/]+)\/)?(get|update|delete)$/;

/**
 * The MQTT API of shadows (AWS IoT developer guide, "Device Shadow MQTT topics"). Answers go to all who subscribe
 * to the answers' topics, so policies decide who sees them. Each request is answered at once, so there are never
 * more than ten of a client in flight, which AWS IoT would refuse (429).
 */
export function serveShadows(
  thingTopics: ThingTopics,
  shadows: ShadowService,
  broker: Broker<Peer>,
  clock: Clock,
  failed: (error: unknown) => void,
): void {
  thingTopics.on(REQUEST, async ({ thingName, suffix, payload }: ThingMessage) => {
    const [, shadowName, operation = ''] = REQUEST.exec(suffix) ?? [];
    const id = { thingName, shadowName };
    const reply = (answer: 'accepted' | 'rejected', body: object) =>
      broker.publish({
        topic: `${shadowTopic(id)}/${operation}/${answer}`,
        payload: Buffer.from(JSON.stringify(body)),
        qos: 1,
      });
    try {
      // Changes are told by the shadows themselves.
      if (operation === 'update') shadows.change(id, readUpdate(payload));
      else if (operation === 'delete') shadows.remove(id, readRequest(payload));
      else await reply('accepted', shadows.read(id, readRequest(payload)));
    } catch (error) {
      if (!(error instanceof ShadowError)) failed(error);
      const { code, message } =
        error instanceof ShadowError ? error : new ShadowError(500, 'Internal service failure');
      const timestamp = Math.floor(clock.now() / 1000);
      await reply('rejected', { code, message, timestamp, ...clientTokenIfAny(payload) });
    }
  });
}
