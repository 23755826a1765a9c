import type { MqttClient } from 'mqtt';
import { z } from 'zod';
import type { Clock } from '../clock.js';
import { messageOf } from '../errors.js';

/** AWS IoT's refusal of a request made over MQTT. */
export class RequestRejected extends Error {
  override readonly name = 'RequestRejected';

  constructor(
    readonly topic: string,
    readonly statusCode: number,
    readonly errorCode: string,
    readonly errorMessage: string,
  ) {
    super(`${errorCode} (${statusCode}): ${errorMessage}`);
  }

  /** Throttling and the service's own failures pass; what is wrong with the request stays wrong. */
  get isTransient(): boolean {
    return this.statusCode === 429 || this.statusCode >= 500;
  }
}

/** The connection ended, or no answer came; asking again may help. */
export class RequestLost extends Error {
  override readonly name = 'RequestLost';
}

/** The broker did not let the request's topics be used. */
export class RequestForbidden extends Error {
  override readonly name = 'RequestForbidden';
}

const Rejection = z.object({
  statusCode: z.number().default(500),
  errorCode: z.string().default('Unknown'),
  errorMessage: z.string().default('no reason given'),
});

/** How long AWS IoT may take to answer, in milliseconds. */
const ANSWER_TIMEOUT = 30_000;

/**
 * One request of AWS IoT's MQTT request/response pattern: publish to `topic`, the answer comes on
 * `topic/accepted` or `topic/rejected`.
 *
 * @throws RequestRejected, RequestLost, RequestForbidden, or the signal's reason
 */
export async function request(
  client: MqttClient,
  topic: string,
  payload: unknown,
  clock: Clock,
  signal: AbortSignal,
): Promise<unknown> {
  const accepted = `${topic}/accepted`;
  const rejected = `${topic}/rejected`;
  const answer = awaitAnswer(client, topic, clock, signal);
  try {
    await Promise.race([subscribeTo(client, [accepted, rejected]), answer.promise]);
    await Promise.race([publish(client, topic, payload), answer.promise]);
    return await answer.promise;
  } finally {
    answer.stop();
  }
}

function awaitAnswer(client: MqttClient, topic: string, clock: Clock, signal: AbortSignal) {
  let stop = () => {};
  const promise = new Promise<unknown>((resolve, reject) => {
    const onMessage = (from: string, payload: Buffer) => {
      if (from === `${topic}/accepted`) resolve(parseJson(payload));
      if (from !== `${topic}/rejected`) return;
      const { statusCode, errorCode, errorMessage } = Rejection.catch({
        statusCode: 500,
        errorCode: 'Unknown',
        errorMessage: payload.toString('utf8'),
      }).parse(parseJson(payload));
      reject(new RequestRejected(topic, statusCode, errorCode, errorMessage));
    };
    const onClose = () => reject(new RequestLost(`the connection was closed while ${topic} was asked`));
    const onAbort = () => reject(signal.reason);
    const timer = clock.after(ANSWER_TIMEOUT, () =>
      reject(new RequestLost(`no answer to ${topic} within ${ANSWER_TIMEOUT / 1000} s`)),
    );
    client.on('message', onMessage);
    client.on('close', onClose);
    signal.addEventListener('abort', onAbort, { once: true });
    stop = () => {
      timer.cancel();
      client.off('message', onMessage);
      client.off('close', onClose);
      signal.removeEventListener('abort', onAbort);
    };
  });
  // Whoever races against the answer sees its failure; one that nobody waits for any more is no defect.
  promise.catch(() => {});
  return { promise, stop: () => stop() };
}

/** Resolves when the broker granted the topics; a lost connection is told by the answer's own failure. */
function subscribeTo(client: MqttClient, topics: string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    client.subscribe(topics, { qos: 1 }, (error, granted) => {
      const refused = granted?.find((grant) => grant.qos >= 128);
      if (refused || (error && client.connected)) {
        const detail = refused ? `subscribing to ${refused.topic}` : messageOf(error);
        reject(new RequestForbidden(`AWS IoT does not allow the claim certificate this: ${detail}`));
      } else if (!error) resolve();
    });
  });
}

function publish(client: MqttClient, topic: string, payload: unknown): Promise<void> {
  return new Promise((resolve, reject) => {
    client.publish(topic, JSON.stringify(payload), { qos: 1 }, (error) => {
      if (!error) resolve();
      else if (client.connected) {
        reject(new RequestForbidden(`AWS IoT does not allow the claim certificate to publish to ${topic}`));
      }
    });
  });
}

function parseJson(payload: Buffer): unknown {
  try {
    return JSON.parse(payload.toString('utf8'));
  } catch {
    return undefined;
  }
}
