import { DASHBOARD_CLIENT_PREFIX, names } from '@mooring/contracts';
import { IdentityPoolRoleAttachment, UserPoolGroup } from '@pulumi/aws-native/cognito/index.js';
import { Policy } from '@pulumi/aws-native/iot/index.js';
import { interpolate } from '@pulumi/pulumi';
import type { DashboardSignIn } from './dashboard-sign-in.js';
import { arn, type Place } from './place.js';
import { type PolicyDocument, policyDocument, type Statement } from './policy-document.js';
import { serviceRole } from './service-role.js';

/**
 * What visitors of the dashboard may do: viewers look, operators act as well. AWS IoT asks of those who signed in, besides
 * their role, for a policy on their identity, which the function `session` attaches.
 */
export function dashboardVisitors(
  place: Place,
  { identityPoolId, userPoolId, clientId, provider }: DashboardSignIn,
  guests: boolean,
): void {
  const iot = dashboardTopics(place);
  new Policy('dashboard-policy', {
    policyName: names.dashboardPolicy,
    policyDocument: policyDocument(...iot.look, ...iot.act),
  });
  const role = (
    name: string,
    roleName: string,
    description: string,
    visitors: readonly string[],
    topics: readonly Statement[],
    ...functions: readonly string[]
  ) =>
    serviceRole(place, name, {
      roleName,
      description,
      assumeRolePolicyDocument: identityPoolId.apply((pool) => trustVisitors(pool, visitors)),
      policies: [
        { policyName: 'live', policyDocument: policyDocument(...topics) },
        {
          policyName: 'functions',
          policyDocument: policyDocument(
            ...mayAsk(functions.map((functionName) => arn(place, 'lambda', `function:${functionName}`))),
          ),
        },
      ],
    });
  const viewers = role(
    'dashboard-viewers-role',
    names.viewersRole,
    'Assumed by visitors of the dashboard who may look',
    guests ? ['authenticated', 'unauthenticated'] : ['authenticated'],
    iot.look,
    names.dashboardSession,
    names.dashboardReader,
  );
  const operators = role(
    'dashboard-operators-role',
    names.operatorsRole,
    'Assumed by visitors of the dashboard who may look and act',
    ['authenticated'],
    [...iot.look, ...iot.act],
    names.dashboardSession,
    names.dashboardReader,
    names.dashboardOperator,
  );
  new UserPoolGroup('dashboard-operators', {
    userPoolId,
    groupName: names.operatorsGroup,
    description: 'Set frequencies, press buttons, rotate certificates, allow and remove devices',
    precedence: 1,
    roleArn: operators.arn,
  });
  new UserPoolGroup('dashboard-viewers', {
    userPoolId,
    groupName: names.viewersGroup,
    description: 'See the fleet',
    precedence: 2,
    roleArn: viewers.arn,
  });
  new IdentityPoolRoleAttachment('dashboard-roles', {
    identityPoolId,
    roles: { authenticated: viewers.arn, ...(guests && { unauthenticated: viewers.arn }) },
    roleMappings: {
      users: {
        identityProvider: interpolate`${provider}:${clientId}`,
        type: 'Token',
        ambiguousRoleResolution: 'AuthenticatedRole',
      },
    },
  });
}

/** Only this identity pool's visitors, and only of these kinds (Amazon Cognito developer guide, "Role trust"). */
function trustVisitors(identityPoolId: string, kinds: readonly string[]): PolicyDocument {
  return policyDocument({
    Effect: 'Allow',
    Principal: { Federated: 'cognito-identity.amazonaws.com' },
    Action: ['sts:AssumeRoleWithWebIdentity'],
    Condition: {
      StringEquals: { 'cognito-identity.amazonaws.com:aud': identityPoolId },
      'ForAnyValue:StringEquals': { 'cognito-identity.amazonaws.com:amr': kinds },
    },
  });
}

/** By their URLs alone: the function itself cannot be invoked past its URL. */
function mayAsk(arns: readonly string[]): Statement[] {
  return [
    {
      Effect: 'Allow',
      Action: ['lambda:InvokeFunctionUrl'],
      Resource: arns,
      Condition: { StringEquals: { 'lambda:FunctionUrlAuthType': 'AWS_IAM' } },
    },
    {
      Effect: 'Allow',
      Action: ['lambda:InvokeFunction'],
      Resource: arns,
      Condition: { Bool: { 'lambda:InvokedViaFunctionUrl': 'true' } },
    },
  ];
}

/** What passes between the fleet and its cloud may be seen; of what devices listen to, two topics may be written. */
function dashboardTopics(place: Place): Record<'look' | 'act', Statement[]> {
  const iot = (resource: string) => arn(place, 'iot', resource);
  const seen = ['$aws/events/*', 'device/*', 'lambda/*'];
  return {
    look: [
      { Effect: 'Allow', Action: ['iot:Connect'], Resource: [iot(`client/${DASHBOARD_CLIENT_PREFIX}*`)] },
      {
        Effect: 'Allow',
        Action: ['iot:Subscribe'],
        Resource: seen.map((filter) => iot(`topicfilter/${filter}`)),
      },
      { Effect: 'Allow', Action: ['iot:Receive'], Resource: seen.map((topic) => iot(`topic/${topic}`)) },
    ],
    act: [
      {
        Effect: 'Allow',
        Action: ['iot:Publish'],
        Resource: [iot('topic/device/*/frequency'), iot('topic/device/*/button')],
      },
    ],
  };
}
