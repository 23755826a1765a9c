/** The reason codes of MQTT 5 (section 2.4) that this broker sends. */
export const ReasonCode = {
  Success: 0x00,
  DisconnectWithWill: 0x04,
  NoMatchingSubscribers: 0x10,
  NoSubscriptionExisted: 0x11,
  UnspecifiedError: 0x80,
  MalformedPacket: 0x81,
  ProtocolError: 0x82,
  UnsupportedProtocolVersion: 0x84,
  ClientIdentifierNotValid: 0x85,
  BadUserNameOrPassword: 0x86,
  NotAuthorized: 0x87,
  ServerShuttingDown: 0x8b,
  BadAuthenticationMethod: 0x8c,
  KeepAliveTimeout: 0x8d,
  SessionTakenOver: 0x8e,
  TopicFilterInvalid: 0x8f,
  TopicNameInvalid: 0x90,
  PacketIdentifierInUse: 0x91,
  ReceiveMaximumExceeded: 0x93,
  TopicAliasInvalid: 0x94,
  PacketTooLarge: 0x95,
  QuotaExceeded: 0x97,
  AdministrativeAction: 0x98,
  QosNotSupported: 0x9b,
  SubscriptionIdentifiersNotSupported: 0xa1,
} as const;

export type ReasonCode = (typeof ReasonCode)[keyof typeof ReasonCode];

/** What a client sent, or asks for, that the broker does not accept. */
export class MqttError extends Error {
  override readonly name = 'MqttError';

  constructor(
    readonly reasonCode: ReasonCode,
    message: string,
  ) {
    super(message);
  }
}
