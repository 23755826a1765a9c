import { parseAllowlist, provisioningParameters } from '@mooring/contracts';
import { z } from 'zod';

/**
 * What AWS IoT sends to a pre-provisioning hook of payload version 2020-04-01 (AWS IoT developer guide,
 * "Pre-provisioning hooks"), as far as the decision needs it.
 */
const HookEvent = z.object({
  certificateId: z.string().optional(),
  parameters: z.record(z.string(), z.string()),
});

/** The answer that AWS IoT waits for. */
export interface HookResponse {
  readonly allowProvisioning: boolean;
}

/** What the hook needs of its surroundings. */
export interface HookPorts {
  /** The allowlist's text as it is now; rejects when it cannot be read. */
  readonly readAllowlist: () => Promise<string>;
  /** Takes one line for the function's log. */
  readonly log: (line: string) => void;
}

/**
 * Decides whether a device may be provisioned: its serial number must be on the allowlist, exactly as it is
 * written there. Whatever goes wrong, the device is refused; one log line tells the serial number and why.
 *
 * Never rejects.
 */
export async function decide(event: unknown, ports: HookPorts): Promise<HookResponse> {
  const request = HookEvent.safeParse(event);
  if (!request.success) {
    return refuse(ports, undefined, 'the request is not one of a pre-provisioning hook');
  }
  const serial = request.data.parameters[provisioningParameters.serialNumber];
  if (serial === undefined || serial === '') {
    return refuse(ports, undefined, `the parameter ${provisioningParameters.serialNumber} is missing`);
  }
  let text: string;
  try {
    text = await ports.readAllowlist();
  } catch (error) {
    return refuse(ports, serial, `the allowlist cannot be read: ${describe(error)}`);
  }
  let allowlist: ReadonlySet<string>;
  try {
    allowlist = parseAllowlist(text);
  } catch (error) {
    return refuse(ports, serial, describe(error));
  }
  if (allowlist.size === 0) return refuse(ports, serial, 'the allowlist is empty');
  if (!allowlist.has(serial)) return refuse(ports, serial, 'it is not on the allowlist');
  ports.log(`provisioning allowed: serial number ${quote(serial)} is on the allowlist`);
  return { allowProvisioning: true };
}

function refuse(ports: HookPorts, serial: string | undefined, reason: string): HookResponse {
  const who = serial === undefined ? 'no serial number' : `serial number ${quote(serial)}`;
  ports.log(`provisioning refused: ${who}: ${reason}`);
  return { allowProvisioning: false };
}

/** A device chose this text: one line, and no longer than any serial number that could be listed. */
function quote(serial: string): string {
  return JSON.stringify(serial.length > 128 ? `${serial.slice(0, 128)}…` : serial);
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { name, message } = error;
  if (name === 'Error' || name === 'AllowlistError') return message;
  // The names of S3's errors say more than their messages, which may be empty.
  const said = `${name}: ${message}`;
  return name === 'AccessDenied' ? `${said} (S3 says so of a missing object too)` : said;
}
