import { MqttError, ReasonCode } from './errors.js';
import type { BrokerLimits } from './limits.js';

/** Topic names and topic filters (MQTT 5 section 4.7), with AWS IoT Core's limits. */

export type TopicLimits = Pick<BrokerLimits, 'topic' | 'slashes' | 'shareName'>;

/** A topic filter as SUBSCRIBE names it, taken apart. */
export interface Filter {
  /** What topics are matched against, without `$share/{name}/`. */
  readonly filter: string;
  /** The group's name of a shared subscription. */
  readonly shareName: string | undefined;
  readonly wildcard: boolean;
}

const SHARE = '$share/';

/** The first three segments of Basic Ingest topics count neither for length nor for slashes (AWS quotas). */
const BASIC_INGEST = /^\$aws\/rules\/[^/]*\//i;

/** @throws MqttError with `TopicNameInvalid` and a sentence that says why nothing can be published to `topic`. */
export function checkTopicName(topic: string, limits: TopicLimits): void {
  // [MQTT-4.7.3-1] At least one character.
  if (topic === '') throw invalidName('The topic name is empty');
  // [MQTT-3.3.2-2] [MQTT-4.7.0-1] No wildcards in a topic name.
  if (topic.includes('#') || topic.includes('+')) {
    throw invalidName(`The topic name "${topic}" has a wildcard character`);
  }
  const reason = exceeds(topic.replace(BASIC_INGEST, ''), limits);
  if (reason) throw invalidName(`The topic name "${topic}" ${reason}`);
}

/** @throws MqttError with `TopicFilterInvalid` and a sentence that says what is wrong with the filter. */
export function parseFilter(text: string, limits: TopicLimits): Filter {
  let filter = text;
  let shareName: string | undefined;
  if (text.startsWith(SHARE)) {
    // [MQTT-4.8.2-1] [MQTT-4.8.2-2] `$share/`, a name of at least one character without wildcards, `/`, a filter.
    const end = text.indexOf('/', SHARE.length);
    shareName = end < 0 ? '' : text.slice(SHARE.length, end);
    filter = end < 0 ? '' : text.slice(end + 1);
    if (shareName === '' || /[+#]/.test(shareName) || shareName.length > limits.shareName) {
      throw invalidFilter(`The topic filter "${text}" has no valid name for its shared subscription`);
    }
  }
  // [MQTT-4.7.3-1]
  if (filter === '') throw invalidFilter(`The topic filter "${text}" is empty`);
  const levels = filter.split('/');
  for (const [index, level] of levels.entries()) {
    // [MQTT-4.7.1-1] `#` stands alone in the last level.
    const misplacedHash = level.includes('#') && (level !== '#' || index !== levels.length - 1);
    // [MQTT-4.7.1-2] `+` stands alone in its level.
    const misplacedPlus = level.includes('+') && level !== '+';
    if (misplacedHash || misplacedPlus) {
      throw invalidFilter(`The topic filter "${text}" has a wildcard that is not a whole level`);
    }
  }
  const reason = exceeds(filter, limits);
  if (reason) throw invalidFilter(`The topic filter "${text}" ${reason}`);
  return { filter, shareName, wildcard: /[+#]/.test(filter) };
}

/**
 * Whether a topic filter (without `$share/{name}/`) matches a topic name: the definition that the subscription
 * tree is tested against. As in AWS IoT Core `a/#` matches what is below `a` but not `a` itself.
 */
export function matches(filter: string, topic: string): boolean {
  const pattern = filter.split('/');
  const levels = topic.split('/');
  // [MQTT-4.7.2-1] A wildcard in the first level does not match what starts with `$`.
  if (topic.startsWith('$') && (pattern[0] === '+' || pattern[0] === '#')) return false;
  for (const [index, part] of pattern.entries()) {
    if (part === '#') return levels.length > index;
    const level = levels[index];
    if (level === undefined || (part !== '+' && part !== level)) return false;
  }
  return levels.length === pattern.length;
}

function exceeds(text: string, limits: TopicLimits): string | undefined {
  // A UTF-16 unit is at most three bytes of UTF-8, so most topics need no count.
  if (text.length * 3 > limits.topic && Buffer.byteLength(text) > limits.topic) {
    return `is longer than ${limits.topic} bytes`;
  }
  let slashes = 0;
  for (let at = text.indexOf('/'); at >= 0; at = text.indexOf('/', at + 1)) slashes += 1;
  if (slashes > limits.slashes) return `has more than ${limits.slashes} slashes`;
  return hasControlCharacter(text) ? 'has a control character' : undefined;
}

/** U+0001 to U+001F, which a receiver may refuse (MQTT 5 section 1.5.4). The keys of the store need one of them. */
export function hasControlCharacter(text: string): boolean {
  for (let index = 0; index < text.length; index += 1) if (text.charCodeAt(index) < 0x20) return true;
  return false;
}

function invalidName(message: string): MqttError {
  return new MqttError(ReasonCode.TopicNameInvalid, message);
}

function invalidFilter(message: string): MqttError {
  return new MqttError(ReasonCode.TopicFilterInvalid, message);
}
