import type { Qos } from '../ipc/capabilities.js';

/** What the listeners need of the device's connection to AWS IoT Core. */
export interface Messaging {
  readonly state: 'connecting' | 'connected' | 'disconnected' | 'closed';
  publish(topic: string, payload: Uint8Array, options: { qos: 1 }): Promise<void>;
  subscribe(
    filter: string,
    qos: Qos,
    handler: (packet: { readonly topic: string; readonly payload: Uint8Array | string }) => void,
  ): Promise<() => Promise<void>>;
  onState(listener: (state: string, detail: string) => void): () => void;
}

/** A message's payload as JSON; undefined when it is none. */
export function jsonOf({ payload }: { readonly payload: Uint8Array | string }): unknown {
  try {
    return JSON.parse(typeof payload === 'string' ? payload : Buffer.from(payload).toString('utf8'));
  } catch {
    return undefined;
  }
}
