import type { LogLevel } from '../log.js';
import type { DisconnectReason } from './contract.js';
import { ReasonCode } from './errors.js';

/** What a client of MQTT 5 is told when the broker ends its connection; nothing when the connection is lost. */
export const DISCONNECT_CODES: Readonly<Partial<Record<DisconnectReason, number>>> = {
  AUTH_ERROR: ReasonCode.NotAuthorized,
  FORBIDDEN_ACCESS: ReasonCode.NotAuthorized,
  CLIENT_ERROR: ReasonCode.ProtocolError,
  DUPLICATE_CLIENTID: ReasonCode.SessionTakenOver,
  MQTT_KEEP_ALIVE_TIMEOUT: ReasonCode.KeepAliveTimeout,
  SERVER_ERROR: ReasonCode.UnspecifiedError,
  SERVER_INITIATED_DISCONNECT: ReasonCode.ServerShuttingDown,
  API_INITIATED_DISCONNECT: ReasonCode.AdministrativeAction,
  WEBSOCKET_TTL_EXPIRATION: ReasonCode.AdministrativeAction,
  THROTTLED: ReasonCode.QuotaExceeded,
};

/** The return codes of MQTT 3 for refusals (MQTT 3.1.1 section 3.2.2.3). */
export const RETURN_CODES: ReadonlyMap<number, number> = new Map([
  [ReasonCode.ClientIdentifierNotValid, 2],
  [ReasonCode.UnspecifiedError, 3],
  [ReasonCode.BadUserNameOrPassword, 4],
  [ReasonCode.NotAuthorized, 5],
]);

/** How a refusal is logged: what a client is not allowed may be an attack, and an operator is to see it. */
export function refusalLevel(reasonCode: ReasonCode): LogLevel {
  return reasonCode === ReasonCode.NotAuthorized ? 'warn' : 'info';
}
