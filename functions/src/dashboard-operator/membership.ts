import {
  type AllowlistChange,
  AllowlistError,
  THING_NAME,
  withoutSerials,
  withSerials,
} from '@mooring/contracts';
import { AllowlistBusyError, AllowlistChangesError, type AllowlistStore } from '../allowlist/store.js';
import { RequestProblem } from '../api/problem.js';
import type { Log } from '../rotation/log.js';

/** What a change of the fleet's membership needs of its surroundings. */
export interface MembershipPorts {
  readonly allowlist: AllowlistStore;
  /** Takes the device of a serial number out of the fleet. @returns ids of certificates that are gone. */
  readonly removeDevice: (thing: string) => Promise<string[]>;
  readonly log: Log;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** Who changes something, and in which request. */
export interface Author {
  /** ARN. */
  readonly by: string;
  /** Id of the temporary access key. */
  readonly accessKey: string | undefined;
  readonly requestId: string;
}

/** Puts a serial number on the allowlist: its device may join. */
export async function allow(
  serial: string,
  author: Author,
  ports: MembershipPorts,
): Promise<AllowlistChange> {
  checkSerial(serial);
  const changed = await change(serial, true, author, ports);
  ports.log('serial-allowed', { serial, changed, ...author });
  return { serial, allowed: true, changed };
}

/**
 * Takes a serial number off the allowlist, so that its device does not join again, and then the device out of the
 * fleet. What was interrupted is gone on with when it is asked for again.
 */
export async function remove(
  serial: string,
  author: Author,
  ports: MembershipPorts,
): Promise<AllowlistChange> {
  checkSerial(serial);
  const changed = await change(serial, false, author, ports);
  ports.log('serial-removed', { serial, changed, ...author });
  const certificates = await ports.removeDevice(serial);
  ports.log('device-removed', { thing: serial, certificates, ...author });
  return { serial, allowed: false, changed, certificates };
}

/**
 * Changes the list, and notes it for the repository, where the list comes from; also when the list is like that
 * already, as the repository's may not be. The note is written first: without it the next synchronisation would undo
 * the change.
 */
async function change(
  serial: string,
  allowed: boolean,
  { by }: Author,
  { allowlist, now }: MembershipPorts,
): Promise<boolean> {
  const note = { allowed, by, at: now() };
  try {
    await allowlist.editChanges((changes) => ({ ...changes, [serial]: note }));
    return await allowlist.edit((text) =>
      allowed ? withSerials(text, [serial]) : withoutSerials(text, [serial]),
    );
  } catch (error) {
    if (error instanceof AllowlistBusyError) {
      throw new RequestProblem(409, 'AllowlistBusy', 'others are changing the allowlist: try again', {
        cause: error,
      });
    }
    if (error instanceof AllowlistError || error instanceof AllowlistChangesError) {
      throw new RequestProblem(409, 'AllowlistMalformed', error.message, { cause: error });
    }
    throw error;
  }
}

function checkSerial(serial: string): void {
  if (THING_NAME.test(serial)) return;
  throw new RequestProblem(
    400,
    'BadSerial',
    `${JSON.stringify(serial)} is not a serial number: use 1 to 128 letters, digits, ":", "_" or "-"`,
  );
}
