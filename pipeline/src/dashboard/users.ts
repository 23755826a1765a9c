import { randomInt } from 'node:crypto';
import {
  AdminAddUserToGroupCommand,
  AdminCreateUserCommand,
  AdminDeleteUserCommand,
  AdminListGroupsForUserCommand,
  AdminRemoveUserFromGroupCommand,
  AdminSetUserPasswordCommand,
  CognitoIdentityProviderClient,
  paginateListUsers,
  UserNotFoundException,
  UsernameExistsException,
} from '@aws-sdk/client-cognito-identity-provider';
import { names } from '@mooring/contracts';
import { MooringError } from '../errors.js';
import { clientConfig, type Target } from '../target.js';
import { userPoolId } from './cloud.js';

/** What someone who signs in to the dashboard may do. */
export type DashboardRole = 'operator' | 'viewer';

/** Someone who may sign in. */
export interface DashboardUser {
  readonly name: string;
  readonly role: DashboardRole;
  /** `CONFIRMED`, or `FORCE_CHANGE_PASSWORD` until the first sign-in. */
  readonly status: string;
  readonly enabled: boolean;
  /** ISO 8601. */
  readonly created: string | undefined;
}

const GROUPS = { operator: names.operatorsGroup, viewer: names.viewersGroup } as const;

/** User names as this command takes them: what people can type and Cognito allows. */
const USER_NAME = /^[A-Za-z0-9][A-Za-z0-9._@+-]{0,127}$/;

/** The users of the dashboard. */
export interface DashboardUsers {
  list(): Promise<DashboardUser[]>;
  /**
   * Makes a user, who has to choose a password at the first sign-in.
   *
   * @returns the password for the first sign-in.
   * @throws MooringError `UserExists`.
   */
  add(name: string, role: DashboardRole): Promise<string>;
  /** Makes the user if there is none, with this password for good, in this role alone. */
  ensure(name: string, role: DashboardRole, password: string): Promise<void>;
  /** @throws MooringError `NoSuchUser`. */
  remove(name: string): Promise<void>;
}

/**
 * Does `work` with the users of the dashboard.
 *
 * @throws MooringError `NotDeployed` when there is no user pool.
 */
export async function withDashboardUsers<T>(
  target: Target,
  work: (users: DashboardUsers) => Promise<T>,
): Promise<T> {
  const cognito = new CognitoIdentityProviderClient(clientConfig(target));
  try {
    return await work(dashboardUsers(cognito, await userPoolId(cognito)));
  } finally {
    cognito.destroy();
  }
}

function dashboardUsers(cognito: CognitoIdentityProviderClient, UserPoolId: string): DashboardUsers {
  async function create(name: string, temporaryPassword: string): Promise<void> {
    if (!USER_NAME.test(name)) {
      throw new MooringError(
        'InvalidUserName',
        `${JSON.stringify(name)} is not a user name: use letters, digits and . _ @ + -, at most 128`,
      );
    }
    await cognito.send(
      new AdminCreateUserCommand({
        UserPoolId,
        Username: name,
        TemporaryPassword: temporaryPassword,
        MessageAction: 'SUPPRESS',
      }),
    );
  }

  async function rolesOf(Username: string): Promise<string[]> {
    const { Groups } = await cognito.send(new AdminListGroupsForUserCommand({ UserPoolId, Username }));
    return (Groups ?? []).flatMap(({ GroupName }) => (GroupName === undefined ? [] : [GroupName]));
  }

  async function setRole(Username: string, role: DashboardRole): Promise<void> {
    const had = await rolesOf(Username);
    for (const GroupName of had.filter((group) => group !== GROUPS[role])) {
      await cognito.send(new AdminRemoveUserFromGroupCommand({ UserPoolId, Username, GroupName }));
    }
    if (!had.includes(GROUPS[role])) {
      await cognito.send(new AdminAddUserToGroupCommand({ UserPoolId, Username, GroupName: GROUPS[role] }));
    }
  }

  return {
    async list() {
      const users: DashboardUser[] = [];
      for await (const { Users } of paginateListUsers({ client: cognito }, { UserPoolId })) {
        for (const { Username = '', UserStatus = '', Enabled, UserCreateDate } of Users ?? []) {
          const groups = await rolesOf(Username);
          users.push({
            name: Username,
            role: groups.includes(names.operatorsGroup) ? 'operator' : 'viewer',
            status: UserStatus,
            enabled: Enabled !== false,
            created: UserCreateDate?.toISOString(),
          });
        }
      }
      return users.sort((a, b) => (a.name < b.name ? -1 : 1));
    },

    async add(name, role) {
      const password = newPassword();
      try {
        await create(name, password);
      } catch (error) {
        if (!(error instanceof UsernameExistsException)) throw error;
        throw new MooringError(
          'UserExists',
          `There is a user ${name} already: remove it first with \`mooring dashboard users remove ${name}\``,
        );
      }
      await setRole(name, role);
      return password;
    },

    async ensure(name, role, password) {
      try {
        await create(name, password);
      } catch (error) {
        if (!(error instanceof UsernameExistsException)) throw error;
      }
      await cognito.send(
        new AdminSetUserPasswordCommand({ UserPoolId, Username: name, Password: password, Permanent: true }),
      );
      await setRole(name, role);
    },

    async remove(name) {
      try {
        await cognito.send(new AdminDeleteUserCommand({ UserPoolId, Username: name }));
      } catch (error) {
        if (!(error instanceof UserNotFoundException)) throw error;
        throw new MooringError(
          'NoSuchUser',
          `There is no user ${name}: \`mooring dashboard users list\` shows them`,
        );
      }
    },
  };
}

/** Without characters that are taken for one another. */
const ALPHABET = 'ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789';
const GROUP_LENGTH = 5;

/** A random password of 15 characters (87 bits) that every policy of the user pool accepts. */
export function newPassword(): string {
  for (;;) {
    const text = Array.from({ length: 3 * GROUP_LENGTH }, () => ALPHABET[randomInt(ALPHABET.length)]).join(
      '',
    );
    if (!/[A-Z]/.test(text) || !/[a-z]/.test(text) || !/[0-9]/.test(text)) continue;
    return [0, 1, 2].map((group) => text.slice(group * GROUP_LENGTH, (group + 1) * GROUP_LENGTH)).join('-');
  }
}
