import type { Will } from './codec/packets.js';
import type { Client } from './contract.js';
import type { Hub } from './hub.js';
import { inbound } from './publishing.js';
import type { Session } from './session.js';

/** Keeps the will of a connection and publishes it when the connection ended without being told to forget it. */
export class WillKeeper<P> {
  /** [MQTT-3.1.2-7] */
  #will: Will | undefined;

  constructor(
    private readonly hub: Hub<P>,
    private readonly client: Client<P>,
    private readonly session: Session,
    will: Will | undefined,
  ) {
    // What was received is only a part of a larger buffer, which is not kept for the will's sake.
    this.#will = will && { ...will, payload: Buffer.from(will.payload) };
  }

  remove(): void {
    this.#will = undefined;
  }

  /** The connection has ended; its session has not yet. */
  disconnected(): void {
    const { hub, session } = this;
    const delay = this.#will?.properties.willDelayInterval ?? 0;
    if (!this.#will) return;
    if (delay === 0 || !session.persistent) {
      this.#publish();
      return;
    }
    const cancelTimer = hub.wheel.at(hub.clock.now() + delay * 1000, () => session.delayedWill?.publish());
    const cancel = () => {
      cancelTimer();
      session.delayedWill = undefined;
    };
    session.delayedWill = {
      cancel,
      publish: () => {
        cancel();
        this.#publish();
      },
    };
  }

  /** [MQTT-3.1.2-8] Published after the connection ended; [MQTT-3.1.2-10] and then removed. */
  #publish(): void {
    const will = this.#will;
    this.#will = undefined;
    if (!will) return;
    const { hub, client } = this;
    // [MQTT-3.1.2-14] [MQTT-3.1.2-15] Retained or not, as Will Retain says.
    const publication = inbound(will.topic, will, client.clientId, hub.clock.now(), hub.limits);
    hub.dispatch(publication, client)?.catch((error: unknown) => {
      hub.log('error', 'A will could not be kept', { clientId: client.clientId, error: String(error) });
    });
  }
}
