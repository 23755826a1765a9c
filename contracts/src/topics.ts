import { names } from './names.js';

/**
 * The MQTT topics that cloud and devices share.
 *
 * Cloud to device topics start with `device/{thing}/`, device to cloud with `lambda/{thing}/`; topics that
 * never leave the device start with `device/`. `{thing}` is the thing name, which is the serial number.
 */
export const topics = {
  /** Cloud to LED: {@link FrequencyMessage}, the frequency to blink at. */
  setFrequency: (thing: string) => `device/${topicLevel(thing)}/frequency`,
  /** LED to cloud: {@link FrequencyMessage}, the frequency now in force. */
  frequency: (thing: string) => `lambda/${topicLevel(thing)}/frequency`,
  /** On the device only: the button tells the LED what to do and the LED how it is, {@link ButtonMessage}; `{}` asks. */
  localButton: () => 'device/button',
  /** LED to cloud: {@link ButtonMessage}, whether the LED blinks now. */
  button: (thing: string) => `lambda/${topicLevel(thing)}/button`,
  /** Cloud to button: `{}`, a press as if by hand. */
  pressButton: (thing: string) => `device/${topicLevel(thing)}/button`,
  /**
   * LED to cloud, {@link TelemetryMessage}: what it does, now and then. Straight to the rule that stores it (Basic
   * Ingest, AWS IoT Core developer guide, "Reducing messaging costs with Basic Ingest"), so nobody can subscribe to it.
   */
  telemetry: (thing: string) => `$aws/rules/${names.telemetryRule}/${topicLevel(thing)}/telemetry`,
  /** Cloud to certificate rotator: asks for a certificate signing request. */
  csrRequest: (thing: string) => `device/${topicLevel(thing)}/csr_req`,
  /** Certificate rotator to cloud: the certificate signing request. */
  csrResponse: (thing: string) => `lambda/${topicLevel(thing)}/csr_res`,
  /** Cloud to certificate rotator: the new certificate. */
  certificate: (thing: string) => `device/${topicLevel(thing)}/crt`,
  /** Certificate rotator to cloud, over a connection made with the new certificate. */
  certificateAck: (thing: string) => `lambda/${topicLevel(thing)}/crt_ack`,
  /** Cloud to certificate rotator: the acknowledgement was taken, and the old certificate is gone. */
  certificateDone: (thing: string) => `device/${topicLevel(thing)}/crt_done`,
} as const;

/**
 * Returns `name` when it can stand as one level of an MQTT topic name and of an IoT policy resource.
 *
 * @throws RangeError when it is empty or has a separator, a wildcard, a policy variable or a control character.
 */
function topicLevel(name: string): string {
  if (!THING_NAME.test(name)) {
    throw new RangeError(
      `"${name}" is not a thing name: use 1 to 128 letters, digits, colons, underscores or hyphens`,
    );
  }
  return name;
}

/** AWS IoT `ThingName`: 1 to 128 of `[a-zA-Z0-9:_-]` (AWS IoT API reference, CreateThing). */
export const THING_NAME = /^[a-zA-Z0-9:_-]{1,128}$/;
