import { writeProperties } from './codec/properties.js';
import type { Message, MessageProperties } from './contract.js';
import { MqttError, ReasonCode } from './errors.js';
import type { BrokerLimits } from './limits.js';
import { checkTopicName } from './topic.js';

/** Bytes of a string or of binary data: two bytes tell how many (MQTT 5 sections 1.5.4 and 1.5.6). */
const LONGEST_FIELD = 0xffff;

/**
 * Checks what the cloud itself wants to publish, which no decoder has checked: texts may come from anywhere.
 *
 * @throws MqttError when the topic is not valid to publish to, a property cannot be written, or the message is larger
 * than allowed.
 */
export function checkMessage(
  { topic, payload, properties = {} }: Pick<Message, 'topic' | 'payload' | 'properties'>,
  limits: BrokerLimits,
): void {
  checkTopicName(topic, limits);
  if (payload.length > limits.payload) {
    throw new MqttError(
      ReasonCode.PacketTooLarge,
      `The payload of ${payload.length} bytes is larger than the ${limits.payload} allowed`,
    );
  }
  const { responseTopic, contentType, correlationData, userProperties = [] } = properties;
  // [MQTT-3.3.2-14] No wildcards in a response topic.
  if (responseTopic !== undefined) checkTopicName(responseTopic, limits);
  if (contentType !== undefined) checkText('contentType', contentType);
  for (const text of userProperties.flat()) checkText('userProperties', text);
  checkLength('correlationData', correlationData?.length ?? 0);
  const size = Buffer.byteLength(topic) + payload.length + sizeOf(properties);
  if (size > limits.packet) {
    throw new MqttError(
      ReasonCode.PacketTooLarge,
      `The message of ${size} bytes is larger than the ${limits.packet} allowed`,
    );
  }
}

function checkText(property: string, text: string): void {
  // [MQTT-1.5.4-2] No U+0000.
  if (text.includes('\0')) {
    throw new MqttError(ReasonCode.MalformedPacket, `The property ${property} has the character U+0000`);
  }
  checkLength(property, Buffer.byteLength(text));
}

function checkLength(property: string, length: number): void {
  if (length <= LONGEST_FIELD) return;
  throw new MqttError(
    ReasonCode.MalformedPacket,
    `The property ${property} of ${length} bytes is longer than ${LONGEST_FIELD}`,
  );
}

function sizeOf({ userProperties, contentType, correlationData, responseTopic }: MessageProperties): number {
  return writeProperties({ userProperties, contentType, correlationData, responseTopic }).length;
}
