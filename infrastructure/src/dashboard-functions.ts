import { bucketNames, logGroups, names, objectKeys } from '@mooring/contracts';
import { type Function as LambdaFunction, Url } from '@pulumi/aws-native/lambda/index.js';
import type { UrlAllowMethodsItem } from '@pulumi/aws-native/types/enums/lambda/index.js';
import type { Input, Output } from '@pulumi/pulumi';
import { thingGroupArn } from './fleet-identity.js';
import { type FunctionInputs, type FunctionSettings, lambdaFunction } from './lambda-function.js';
import { arn, bucketArn, type Place } from './place.js';
import type { Statement } from './policy-document.js';

/** A function that is asked by its URL. */
export interface AskedFunction {
  readonly url: Output<string>;
}

export interface DashboardFunctions {
  readonly session: AskedFunction;
  readonly reader: AskedFunction;
  readonly operator: AskedFunction;
}

export interface DashboardInputs extends FunctionInputs {
  /** Days for which the table of events keeps its items. */
  readonly eventDays: number;
  /** Where visitors who signed in get their identity: the identity pool's id, and the user pool as a login of it. */
  readonly signIn: { readonly identityPoolId: Input<string>; readonly provider: Input<string> };
  /** Origins of pages that may ask; none where the page has the origin of the URLs. */
  readonly origins: readonly string[];
}

/** The functions behind the dashboard, each with what it may do and a URL that visitors' roles allow them to ask. */
export function dashboardFunctions(place: Place, inputs: DashboardInputs): DashboardFunctions {
  const provisioning = bucketNames(place.account, place.region).provisioning;
  const asked = (
    name: string,
    methods: readonly UrlAllowMethodsItem[],
    settings: FunctionSettings,
  ): AskedFunction => {
    const made = lambdaFunction(place, name, inputs, settings);
    return { url: functionUrl(name, made, methods, inputs.origins) };
  };
  return {
    session: asked('dashboard-session', ['POST'], {
      functionName: names.dashboardSession,
      description: 'Lets visitors of the dashboard who signed in use AWS IoT',
      policyName: 'open-sessions',
      mayDo: [
        // Identities of Amazon Cognito have no ARN. Whose identity it is, Amazon Cognito tells by the visitor's token; that
        // needs no permission.
        allow(['iot:AttachPolicy'], '*'),
      ],
      environment: {
        IDENTITY_POOL_ID: inputs.signIn.identityPoolId,
        LOGIN_PROVIDER: inputs.signIn.provider,
      },
      timeout: 15,
    }),
    reader: asked('dashboard-reader', ['GET'], {
      functionName: names.dashboardReader,
      description: 'Tells the dashboard about the fleet',
      policyName: 'read-the-fleet',
      mayDo: readerStatements(place),
      environment: {
        THING_GROUP_ARN: thingGroupArn(place),
        PROVISIONING_BUCKET: provisioning,
        LOG_DAYS: String(inputs.logRetentionDays),
        EVENT_DAYS: String(inputs.eventDays),
      },
      timeout: 30,
      // Processor time goes with it: a page of a large fleet, or of telemetry, is megabytes of JSON.
      memorySize: 512,
    }),
    operator: asked('dashboard-operator', ['DELETE', 'POST', 'PUT'], {
      functionName: names.dashboardOperator,
      description: 'Does what operators ask for on the dashboard',
      policyName: 'operate-the-fleet',
      mayDo: operatorStatements(place),
      environment: { PROVISIONING_BUCKET: provisioning },
      timeout: 60,
    }),
  };
}

/**
 * A URL for pages of some origins. That of the page is not known beforehand on AWS, where every origin may ask, and it does
 * not matter: requests are signed with credentials that another page does not have, and there are no cookies.
 *
 * Callers are roles of this account, whose own policies allow it: the function needs no policy for them.
 */
function functionUrl(
  name: string,
  { arn: targetFunctionArn }: LambdaFunction,
  methods: readonly UrlAllowMethodsItem[],
  origins: readonly string[],
) {
  return new Url(`${name}-url`, {
    targetFunctionArn,
    authType: 'AWS_IAM',
    ...(origins.length > 0 && {
      cors: {
        allowOrigins: [...origins],
        allowMethods: [...methods],
        allowHeaders: [
          'authorization',
          'content-type',
          'x-amz-content-sha256',
          'x-amz-date',
          'x-amz-security-token',
        ],
        maxAge: 3600,
      },
    }),
  }).functionUrl;
}

function readerStatements(place: Place): Statement[] {
  const iot = (resource: string) => arn(place, 'iot', resource);
  const greengrass = (resource: string) => arn(place, 'greengrass', resource);
  const table = (name: string) => arn(place, 'dynamodb', `table/${name}`);
  return [
    allow(['iot:SearchIndex'], iot('index/AWS_Things')),
    allow(['iot:ListThingsInThingGroup'], thingGroupArn(place)),
    // Things are named by serial numbers, certificates by hashes, jobs and deployments by AWS.
    allow(
      ['iot:DescribeJobExecution', 'iot:GetThingConnectivityData', 'iot:ListThingPrincipals'],
      iot('thing/*'),
    ),
    allow(['iot:GetThingShadow'], iot(`thing/*/${names.rotationShadow}`)),
    allow(['iot:DescribeCertificate'], iot('cert/*')),
    allow(['iot:DescribeJob', 'iot:DescribeJobExecution', 'iot:ListJobExecutionsForJob'], iot('job/*')),
    allow(
      [
        'greengrass:GetCoreDevice',
        'greengrass:ListEffectiveDeployments',
        'greengrass:ListInstalledComponents',
      ],
      greengrass('coreDevices:*'),
    ),
    allow(['greengrass:GetDeployment'], greengrass('deployments:*')),
    allow(['greengrass:DescribeComponent'], greengrass('components:*:versions:*')),
    // AWS IoT Greengrass defines no resource for these actions.
    allow(['greengrass:ListCoreDevices', 'greengrass:ListDeployments'], '*'),
    allow(
      ['dynamodb:Query'],
      table(names.telemetryTable),
      table(names.eventsTable),
      `${table(names.eventsTable)}/index/by-thing`,
    ),
    // A group for each component, and a stream for each day and thing.
    allow(['logs:GetLogEvents'], arn(place, 'logs', `log-group:${logGroups.prefix}*`)),
    ...allowlistStatements(place, [objectKeys.allowlist], ['s3:GetObject']),
  ];
}

function operatorStatements(place: Place): Statement[] {
  const iot = (resource: string) => arn(place, 'iot', resource);
  return [
    allow(['lambda:InvokeFunction'], arn(place, 'lambda', `function:${names.rotationRequestFunction}`)),
    ...allowlistStatements(
      place,
      [objectKeys.allowlist, objectKeys.allowlistChanges],
      ['s3:GetObject', 's3:PutObject'],
    ),
    // What a device has is taken from it. Things are named by serial numbers, certificates by hashes.
    allow(
      ['iot:DeleteThing', 'iot:DeleteThingShadow', 'iot:ListNamedShadowsForThing', 'iot:ListThingPrincipals'],
      iot('thing/*'),
    ),
    allow(
      [
        'iot:DeleteCertificate',
        'iot:DetachPolicy',
        'iot:DetachThingPrincipal',
        'iot:ListAttachedPolicies',
        'iot:UpdateCertificate',
      ],
      iot('cert/*'),
    ),
    // AWS IoT defines no resource for this action.
    allow(['iot:ListPrincipalThings'], '*'),
    allow(['iot:DeleteConnection'], iot('client/*')),
    allow(['greengrass:DeleteCoreDevice'], arn(place, 'greengrass', 'coreDevices:*')),
  ];
}

/** Objects of the provisioning bucket, which is listed so that S3 says of a missing one that it is missing. */
function allowlistStatements(place: Place, keys: readonly string[], actions: readonly string[]): Statement[] {
  const { provisioning } = bucketNames(place.account, place.region);
  return [
    allow(['s3:ListBucket'], bucketArn(place, provisioning)),
    allow(actions, ...keys.map((key) => bucketArn(place, provisioning, key))),
  ];
}

function allow(actions: readonly string[], ...resources: readonly string[]): Statement {
  return { Effect: 'Allow', Action: actions, Resource: resources };
}
