import { execFileSync } from 'node:child_process';
import { chownSync, existsSync, lchownSync, lstatSync, readdirSync, readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { DeviceError } from '../errors.js';

/** A user and group of this machine that a script is to run as. */
export interface PosixUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
  /** Whether the machine knows the user by name, and so its supplementary groups. */
  readonly isNamed: boolean;
}

/**
 * Finds a user by `user[:group]`, each a name or number.
 *
 * @returns undefined when that is the agent itself
 * @throws DeviceError CONFIG_INVALID naming what does not exist, or what the agent may not become
 */
export function findPosixUser(text: string, component: string): PosixUser | undefined {
  const [user = '', group, ...rest] = text.split(':');
  const wrong = (what: string) =>
    new DeviceError('CONFIG_INVALID', `${component} is to run as ${text}, but ${what}.`);
  if (user === '' || group === '' || rest.length > 0) throw wrong('that is no user[:group]');
  const [name = user, , uidText, gidText, , home = '/'] = lookUp('passwd', user) ?? [];
  const uid = Number(uidText ?? user);
  if (!Number.isInteger(uid)) throw wrong(`this machine has no user ${user}`);
  const groupEntry = group === undefined ? undefined : lookUp('group', group);
  const gid = Number(group === undefined ? (gidText ?? uid) : (groupEntry?.[2] ?? group));
  if (!Number.isInteger(gid)) throw wrong(`this machine has no group ${group}`);
  const own = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  if (uid === own.uid && (group === undefined || gid === own.gid)) return undefined;
  if (own.uid !== 0) {
    throw wrong(`the device runs as ${userInfo().username} and only root may run scripts as another user`);
  }
  return { name, uid, gid, home, isNamed: uidText !== undefined };
}

/** An entry of the machine's user or group database. */
function lookUp(table: 'passwd' | 'group', key: string): string[] | undefined {
  if (!/^[A-Za-z0-9_.@$-]+$/.test(key)) return undefined;
  try {
    const line = execFileSync('getent', [table, key], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return line.trimEnd().split(':');
  } catch {
    // Not every machine has getent; every one has the file.
    const lines = existsSync(`/etc/${table}`) ? readFileSync(`/etc/${table}`, 'utf8').split('\n') : [];
    return lines.map((line) => line.split(':')).find(([name, , id]) => name === key || id === key);
  }
}

/** The command that becomes a user, with its supplementary groups, and then runs what follows. */
export function becomeUser({ name, uid, gid, isNamed }: PosixUser): readonly [string, ...string[]] {
  const groups = isNamed ? [`--init-groups`] : ['--clear-groups'];
  return ['setpriv', `--reuid=${isNamed ? name : uid}`, `--regid=${gid}`, ...groups, '--'];
}

/** What a login would set. */
export function userEnvironment({ name, home }: PosixUser): Record<string, string> {
  return { HOME: home, USER: name, LOGNAME: name };
}

/** Gives a folder, or only what is in it, to a user; what is the user's already is left alone. */
export function giveTo({ uid, gid }: PosixUser, folder: string, withFolder: boolean): void {
  if (!existsSync(folder)) return;
  if (withFolder) chownSync(folder, uid, gid);
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    const owner = lstatSync(path);
    if (owner.uid !== uid || owner.gid !== gid) lchownSync(path, uid, gid);
    if (entry.isDirectory()) giveTo({ uid, gid } as PosixUser, path, false);
  }
}
