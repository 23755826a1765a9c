import { names } from '@mooring/contracts';
import { IdentityPool, UserPool, UserPoolClient } from '@pulumi/aws-native/cognito/index.js';
import type { Output } from '@pulumi/pulumi';

/** Who may sign in to the dashboard, and where its visitors get temporary credentials. */
export interface DashboardSignIn {
  readonly userPoolId: Output<string>;
  readonly clientId: Output<string>;
  readonly identityPoolId: Output<string>;
  /** Name of the user pool as a login of the identity pool: `cognito-idp.{region}.amazonaws.com/{user pool id}`. */
  readonly provider: Output<string>;
}

/**
 * Users are made by an operator, never by themselves; the page is a public client without a secret.
 *
 * @param guests whether those who did not sign in get credentials too.
 */
export function dashboardSignIn(guests: boolean): DashboardSignIn {
  const userPool = new UserPool('dashboard-users', {
    userPoolName: names.dashboardUserPool,
    adminCreateUserConfig: { allowAdminCreateUserOnly: true },
    accountRecoverySetting: { recoveryMechanisms: [{ name: 'admin_only', priority: 1 }] },
    policies: {
      passwordPolicy: {
        minimumLength: 12,
        requireLowercase: true,
        requireNumbers: true,
        requireSymbols: false,
        requireUppercase: true,
        temporaryPasswordValidityDays: 7,
      },
    },
    usernameConfiguration: { caseSensitive: false },
  });
  const { userPoolId, providerName: provider } = userPool;
  const client = new UserPoolClient('dashboard-client', {
    userPoolId,
    clientName: names.dashboardUserPool,
    generateSecret: false,
    explicitAuthFlows: ['ALLOW_USER_PASSWORD_AUTH', 'ALLOW_USER_SRP_AUTH', 'ALLOW_REFRESH_TOKEN_AUTH'],
    preventUserExistenceErrors: 'ENABLED',
    enableTokenRevocation: true,
    idTokenValidity: 60,
    accessTokenValidity: 60,
    // A working day: then the password is asked for again.
    refreshTokenValidity: 12,
    tokenValidityUnits: { idToken: 'minutes', accessToken: 'minutes', refreshToken: 'hours' },
  });
  const { clientId } = client;
  const identityPool = new IdentityPool('dashboard-identities', {
    identityPoolName: names.dashboardIdentityPool,
    allowUnauthenticatedIdentities: guests,
    allowClassicFlow: false,
    cognitoIdentityProviders: [{ clientId, providerName: provider, serverSideTokenCheck: true }],
  });
  return {
    userPoolId,
    clientId,
    identityPoolId: identityPool.awsId,
    provider,
  };
}
