/** What went wrong, for programs; the message says it to people. */
export type DeviceErrorCode =
  | 'ALREADY_RUNNING'
  | 'ARTIFACT_INVALID'
  | 'CLAIM_REFUSED'
  | 'CONFIG_INVALID'
  | 'DEPLOYMENT_INVALID'
  | 'HARDWARE_ABSENT'
  | 'NOT_PROVISIONED'
  | 'NOT_RUNNING'
  | 'OFFLINE'
  | 'PAYLOAD_TOO_LARGE'
  | 'PROVISIONING_REFUSED'
  | 'RECIPE_INVALID'
  | 'REQUEST_REFUSED'
  | 'ROOT_UNUSABLE'
  | 'SERVER_UNTRUSTED'
  | 'SPOOL_FULL'
  | 'STOPPED';

/** A failure that the device's user can understand and mend; the message is one sentence. */
export class DeviceError extends Error {
  override readonly name = 'DeviceError';

  constructor(
    readonly code: DeviceErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** What the command's exit status says, as its help lists. */
const EXIT_CODES: Partial<Record<DeviceErrorCode, number>> = {
  PROVISIONING_REFUSED: 3,
  CLAIM_REFUSED: 3,
  CONFIG_INVALID: 4,
  NOT_PROVISIONED: 4,
  ROOT_UNUSABLE: 5,
  ALREADY_RUNNING: 6,
  SERVER_UNTRUSTED: 7,
};

/** The exit status of the command for an error: 1 unless its kind has one of its own. */
export function exitCodeOf(error: unknown): number {
  return error instanceof DeviceError ? (EXIT_CODES[error.code] ?? 1) : 1;
}

/** The message of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The system's error code (`ENOENT`, …) of anything thrown. */
export function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
