import { CloudFrontClient, paginateListDistributions } from '@aws-sdk/client-cloudfront';
import {
  CognitoIdentityClient,
  DescribeIdentityPoolCommand,
  paginateListIdentityPools,
} from '@aws-sdk/client-cognito-identity';
import {
  CognitoIdentityProviderClient,
  paginateListUserPoolClients,
  paginateListUserPools,
} from '@aws-sdk/client-cognito-identity-provider';
import { DescribeEndpointCommand, IoTClient } from '@aws-sdk/client-iot';
import { GetFunctionUrlConfigCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { bucketNames, type DashboardConfig, names } from '@mooring/contracts';
import { MooringError } from '../errors.js';
import { clientConfig, type Target } from '../target.js';

/** What the infrastructure made is not there. */
function notDeployed(what: string): MooringError {
  return new MooringError('NotDeployed', `There is no ${what}: run \`mooring deploy\` first`);
}

/**
 * The address of the dashboard.
 *
 * @param account 12 digits.
 * @throws MooringError `NotDeployed` when there is no distribution for its bucket.
 */
export async function dashboardUrl(target: Target, account: string): Promise<string> {
  const bucket = bucketNames(account, target.region).dashboard;
  const cloudFront = new CloudFrontClient(clientConfig(target));
  try {
    for await (const { DistributionList } of paginateListDistributions({ client: cloudFront }, {})) {
      for (const { Id, DomainName, Origins } of DistributionList?.Items ?? []) {
        if (!Origins?.Items?.some((origin) => origin.DomainName?.startsWith(`${bucket}.`))) continue;
        // The local cloud has no names of its own in DNS: a distribution is a path of its address.
        return target.endpoint === undefined
          ? `https://${DomainName}/`
          : new URL(`/_cloudfront/${Id}/`, target.endpoint).href;
      }
    }
    throw notDeployed(`CloudFront distribution for the bucket ${bucket}`);
  } finally {
    cloudFront.destroy();
  }
}

/**
 * The user pool of the dashboard, by its name.
 *
 * @throws MooringError `NotDeployed`.
 */
export async function userPoolId(cognito: CognitoIdentityProviderClient): Promise<string> {
  for await (const { UserPools } of paginateListUserPools({ client: cognito }, { MaxResults: 60 })) {
    const id = UserPools?.find(({ Name }) => Name === names.dashboardUserPool)?.Id;
    if (id !== undefined) return id;
  }
  throw notDeployed(`user pool ${names.dashboardUserPool}`);
}

/**
 * Where the page finds its cloud, asked of the cloud itself.
 *
 * @throws MooringError `NotDeployed` naming what is missing.
 */
export async function dashboardConfig(target: Target): Promise<DashboardConfig> {
  const cognito = new CognitoIdentityProviderClient(clientConfig(target));
  const identities = new CognitoIdentityClient(clientConfig(target));
  const lambda = new LambdaClient(clientConfig(target));
  const iot = new IoTClient(clientConfig(target));
  const { region, endpoint, stack } = target;
  try {
    const pool = await userPoolId(cognito);
    const [client, identityPool, sessionUrl, readerUrl, operatorUrl, mqttUrl] = await Promise.all([
      userPoolClientId(cognito, pool),
      findIdentityPool(identities),
      functionUrl(lambda, names.dashboardSession),
      functionUrl(lambda, names.dashboardReader),
      functionUrl(lambda, names.dashboardOperator),
      webSocketUrl(iot, target),
    ]);
    return {
      stack,
      region,
      cognitoUserPoolsUrl: endpoint ?? `https://cognito-idp.${region}.amazonaws.com`,
      cognitoIdentityUrl: endpoint ?? `https://cognito-identity.${region}.amazonaws.com`,
      mqttUrl,
      sessionUrl,
      readerUrl,
      operatorUrl,
      userPoolId: pool,
      userPoolClientId: client,
      identityPoolId: identityPool.id,
      guests: identityPool.guests,
    };
  } finally {
    for (const sdk of [cognito, identities, lambda, iot]) sdk.destroy();
  }
}

async function userPoolClientId(client: CognitoIdentityProviderClient, UserPoolId: string): Promise<string> {
  for await (const { UserPoolClients } of paginateListUserPoolClients({ client }, { UserPoolId })) {
    const id = UserPoolClients?.find(({ ClientName }) => ClientName === names.dashboardUserPool)?.ClientId;
    if (id !== undefined) return id;
  }
  throw notDeployed(`client ${names.dashboardUserPool} of the user pool ${UserPoolId}`);
}

async function findIdentityPool(client: CognitoIdentityClient): Promise<{ id: string; guests: boolean }> {
  for await (const { IdentityPools } of paginateListIdentityPools({ client }, { MaxResults: 60 })) {
    const found = IdentityPools?.find(
      ({ IdentityPoolName }) => IdentityPoolName === names.dashboardIdentityPool,
    );
    if (found?.IdentityPoolId === undefined) continue;
    const { AllowUnauthenticatedIdentities } = await client.send(
      new DescribeIdentityPoolCommand({ IdentityPoolId: found.IdentityPoolId }),
    );
    return { id: found.IdentityPoolId, guests: AllowUnauthenticatedIdentities === true };
  }
  throw notDeployed(`identity pool ${names.dashboardIdentityPool}`);
}

/** Without the slash at the end. */
async function functionUrl(lambda: LambdaClient, FunctionName: string): Promise<string> {
  try {
    const { FunctionUrl } = await lambda.send(new GetFunctionUrlConfigCommand({ FunctionName }));
    return (FunctionUrl ?? '').replace(/\/$/, '');
  } catch (error) {
    if (error instanceof Error && error.name === 'ResourceNotFoundException') {
      throw notDeployed(`URL of the function ${FunctionName}`);
    }
    throw error;
  }
}

async function webSocketUrl(iot: IoTClient, { endpoint }: Target): Promise<string> {
  if (endpoint !== undefined) return new URL('/mqtt', endpoint.replace(/^http/, 'ws')).href;
  const { endpointAddress } = await iot.send(new DescribeEndpointCommand({ endpointType: 'iot:Data-ATS' }));
  return `wss://${endpointAddress}/mqtt`;
}
