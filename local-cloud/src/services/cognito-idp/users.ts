import { key } from '../../store/store.js';
import { noSuchUser } from './errors.js';
import { makeVerifier } from './srp.js';
import type { GroupRecord, UserPoolRecord, UserPoolTables, UserRecord } from './tables.js';

/** The users of pools, by their names as each pool compares them. */
export function userStore(tables: UserPoolTables) {
  const keyOf = ({ id, caseSensitive }: UserPoolRecord, username: string) =>
    key(id, caseSensitive ? username : username.toLowerCase());

  function find(pool: UserPoolRecord, username: string | undefined): UserRecord | undefined {
    if (username === undefined || username === '') return undefined;
    return tables.users.get(keyOf(pool, username));
  }

  function* groupsOf(pool: UserPoolRecord, username: string): Generator<GroupRecord> {
    const prefix = `${keyOf(pool, username)}\u001f`;
    for (const [member] of tables.memberships.entries({ prefix })) {
      const group = tables.groups.get(key(pool.id, member.slice(prefix.length)));
      if (group) yield group;
    }
  }

  return {
    find,
    /** @throws UserNotFoundException. */
    get(pool: UserPoolRecord, username: string | undefined): UserRecord {
      const user = find(pool, username);
      if (!user) throw noSuchUser();
      return user;
    },
    put: (pool: UserPoolRecord, user: UserRecord) => tables.users.put(keyOf(pool, user.username), user),
    delete(pool: UserPoolRecord, { username }: UserRecord): void {
      const prefix = `${keyOf(pool, username)}\u001f`;
      for (const [member] of [...tables.memberships.entries({ prefix })]) tables.memberships.delete(member);
      tables.users.delete(keyOf(pool, username));
    },
    all: (pool: UserPoolRecord) =>
      [...tables.users.entries({ prefix: `${pool.id}\u001f` })].map(([, user]) => user),
    /** The most important first: by precedence, then by name. */
    groupsOf: (pool: UserPoolRecord, { username }: UserRecord): GroupRecord[] => {
      const rank = ({ precedence }: GroupRecord) => precedence ?? Number.POSITIVE_INFINITY;
      return [...groupsOf(pool, username)].sort((a, b) => (rank(a) === rank(b) ? 0 : rank(a) - rank(b)));
    },
    join: (pool: UserPoolRecord, { username }: UserRecord, group: GroupRecord) =>
      tables.memberships.put(key(keyOf(pool, username), group.name), true),
    leave: (pool: UserPoolRecord, { username }: UserRecord, group: GroupRecord) =>
      tables.memberships.delete(key(keyOf(pool, username), group.name)),
    isMember: (pool: UserPoolRecord, { username }: UserRecord, group: GroupRecord) =>
      tables.memberships.get(key(keyOf(pool, username), group.name)) === true,
  };
}

export type Users = ReturnType<typeof userStore>;

/** What a user pool's id is behind its region: the name that passwords are bound to. */
export function poolName({ id }: Pick<UserPoolRecord, 'id'>): string {
  return id.slice(id.indexOf('_') + 1);
}

/** What is kept of a user's new password. */
export function newPassword(pool: UserPoolRecord, username: string, password: string) {
  return makeVerifier(poolName(pool), username, password);
}
