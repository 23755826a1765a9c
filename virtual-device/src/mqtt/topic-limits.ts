/**
 * AWS IoT Core's limits on topics. It ends the connection of whoever breaks them, so they are checked before.
 * https://docs.aws.amazon.com/general/latest/gr/iot-core.html#limits_iot
 */
const MAX_SLASHES = 7;
const MAX_BYTES = 256;
/** AWS IoT's own topics (`$aws/…`) may be longer; which ones is its own affair. */
const MAX_RESERVED_BYTES = 512;
/** Segments that do not count. */
const BASIC_INGEST = /^\$aws\/rules\/[^/]+\//i;
const SHARED_SUBSCRIPTION = /^\$share\/[^/]+\//i;

/** What keeps a topic, or a topic filter, from being sent to AWS IoT Core, in a sentence; undefined when nothing does. */
export function topicProblem(topic: string, use: 'publish' | 'subscribe'): string | undefined {
  if (topic === '') return 'Topic must not be empty';
  if (topic.includes('\0')) return 'Topics must not contain the null character';
  if (use === 'publish' && /[#+]/.test(topic)) {
    return "Publish topics must not contain wildcard characters of '#' or '+'";
  }
  const counted = topic
    .replace(use === 'subscribe' ? SHARED_SUBSCRIPTION : BASIC_INGEST, '')
    .replace(BASIC_INGEST, '');
  if (counted === topic && topic.startsWith('$')) {
    if (Buffer.byteLength(topic) <= MAX_RESERVED_BYTES) return undefined;
    return `Reserved topics must not be larger than ${MAX_RESERVED_BYTES} bytes`;
  }
  if (counted.split('/').length - 1 > MAX_SLASHES) {
    return `The request topic must have no more than ${MAX_SLASHES} forward slashes (/)`;
  }
  if (Buffer.byteLength(counted) > MAX_BYTES) {
    return `The topic size of request must be no larger than ${MAX_BYTES} bytes of UTF-8 encoded characters`;
  }
  return undefined;
}
