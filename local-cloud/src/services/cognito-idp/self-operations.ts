import type * as sdk from '@aws-sdk/client-cognito-identity-provider';
import type { Base } from '../../plugin.js';
import type { Operations } from '../../service.js';
import { notAuthorized } from './errors.js';
import { checkPassword } from './password-policy.js';
import { isPassword } from './srp.js';
import type { Tokens } from './tokens.js';
import { attributeList } from './user-operations.js';
import { newPassword, poolName, type Users } from './users.js';

/** What users do for themselves, with their access tokens. */
export function selfOperations({ store, clock }: Base, { users, tokens }: { users: Users; tokens: Tokens }) {
  const operations = {
    async GetUser({ AccessToken }: sdk.GetUserCommandInput) {
      const { user } = await tokens.userOf(AccessToken);
      return { Username: user.username, UserAttributes: attributeList(user) };
    },

    async ChangePassword(input: sdk.ChangePasswordCommandInput) {
      const { pool, user } = await tokens.userOf(input.AccessToken);
      if (!isPassword(poolName(pool), user.username, input.PreviousPassword ?? '', user.password)) {
        throw notAuthorized('Incorrect username or password.');
      }
      const password = input.ProposedPassword ?? '';
      checkPassword(password, pool.passwordPolicy);
      store.transaction(() =>
        users.put(pool, {
          ...users.get(pool, user.username),
          password: newPassword(pool, user.username, password),
          modified: clock.now(),
        }),
      );
      return {};
    },

    async GlobalSignOut({ AccessToken }: sdk.GlobalSignOutCommandInput) {
      const { pool, user } = await tokens.userOf(AccessToken);
      tokens.revokeAll(pool, user);
      return {};
    },
  } satisfies Operations<typeof sdk>;

  return { operations };
}
