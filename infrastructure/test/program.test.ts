import { readFileSync } from 'node:fs';
import {
  bucketNames,
  componentNames,
  containerComponents,
  eventRules,
  logGroups,
  names,
  objectKeys,
} from '@mooring/contracts';
import { beforeAll, describe, expect, it } from 'vitest';
import program from '../src/index.js';
import { inputsFromEnvironment } from '../src/program-inputs.js';
import { BUNDLE_SHA256, evaluate, INPUTS, named, PLACE, type Registered } from './evaluate.js';

const buckets = bucketNames(PLACE.account, PLACE.region);
let resources: readonly Registered[];
const inputs = (name: string) => named(resources, name).inputs;

beforeAll(async () => {
  resources = await evaluate();
});

/** Every policy statement of the program, with the resource that it belongs to. */
function statements(): { owner: string; statement: Record<string, unknown> }[] {
  const found: { owner: string; statement: Record<string, unknown> }[] = [];
  const walk = (owner: string, value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    if ('Statement' in value && Array.isArray(value.Statement)) {
      for (const statement of value.Statement) found.push({ owner, statement });
    }
    for (const child of Object.values(value)) walk(owner, child);
  };
  for (const resource of resources) walk(resource.name, resource.inputs);
  return found;
}

/** What visitors of the dashboard see is the whole fleet; of what they do, the device is unknown beforehand. */
const VISITORS_EXCEPTIONS = [
  ...['dashboard-policy', 'dashboard-viewers-role', 'dashboard-operators-role'].flatMap((owner) =>
    ['client/dashboard-*', 'topicfilter/$aws/events/*', 'topicfilter/device/*', 'topicfilter/lambda/*']
      .concat(['topic/$aws/events/*', 'topic/device/*', 'topic/lambda/*'])
      .concat(owner.includes('viewers') ? [] : ['topic/device/*/frequency', 'topic/device/*/button'])
      .map((resource) => ({ owner, pattern: `arn:aws:iot:eu-west-1:123456789012:${resource}` })),
  ),
  {
    owner: 'dashboard-bucket-policy',
    pattern: 'arn:aws:s3:::mooring-dashboard-123456789012-eu-west-1/*',
  },
].map((exception) => ({ ...exception, reason: 'any device of the fleet, any file of the page' }));

describe('least privilege', () => {
  /** Wildcards that are there for a reason: the resource that has them, what it says, and why. */
  const EXCEPTIONS: readonly { owner: string; pattern: string; reason: string }[] = [
    {
      owner: 'provisioning-role',
      pattern: '*',
      reason: 'AWS IoT defines no resource for the three list and register actions',
    },
    {
      owner: 'provisioning-role',
      pattern: 'arn:aws:iot:eu-west-1:123456789012:thing/*',
      reason: 'the hook decides on serial numbers',
    },
    {
      owner: 'provisioning-role',
      pattern: 'arn:aws:iot:eu-west-1:123456789012:cert/*',
      reason: 'a certificate id is unknown beforehand',
    },
    {
      owner: 'token-exchange-role',
      pattern: `arn:aws:s3:::${buckets.artifacts}/*`,
      reason: 'all artifacts of one bucket',
    },
    {
      owner: 'token-exchange-role',
      pattern: '*',
      reason: 'Amazon ECR defines no resource for GetAuthorizationToken',
    },
    {
      owner: 'token-exchange-role',
      pattern: 'arn:aws:logs:eu-west-1:123456789012:log-group:/aws/greengrass/*',
      reason: 'the log manager names its groups and streams',
    },
    {
      owner: 'allowlist-hook-role',
      pattern: `arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/${names.allowlistFunction}:*`,
      reason: 'the log streams of one group',
    },
    ...[
      { owner: 'rotation-request', functionName: names.rotationRequestFunction, topic: 'csr_req' },
      { owner: 'csr-signer', functionName: names.csrFunction, topic: 'crt' },
      {
        owner: 'certificate-retirement',
        functionName: names.certificateRetirementFunction,
        topic: 'crt_done',
      },
    ].flatMap(({ owner, functionName, topic }) =>
      [
        { pattern: `iot:eu-west-1:123456789012:topic/device/*/${topic}`, reason: 'one topic of each device' },
        {
          pattern: `iot:eu-west-1:123456789012:thing/*/${names.rotationShadow}`,
          reason: 'one shadow of each device',
        },
        { pattern: 'iot:eu-west-1:123456789012:thing/*', reason: 'serial numbers are unknown beforehand' },
        {
          pattern: `logs:eu-west-1:123456789012:log-group:/aws/lambda/${functionName}:*`,
          reason: 'the log streams of one group',
        },
      ].map(({ pattern, reason }) => ({ owner: `${owner}-role`, pattern: `arn:aws:${pattern}`, reason })),
    ),
    ...['rotation-request-role', 'csr-signer-role', 'certificate-retirement-role', 'audit-role'].map(
      (owner) => ({
        owner,
        pattern: '*',
        reason: 'AWS IoT defines no resource for these list and create actions',
      }),
    ),
    ...['csr-signer-role', 'certificate-retirement-role', 'audit-role'].map((owner) => ({
      owner,
      pattern: 'arn:aws:iot:eu-west-1:123456789012:cert/*',
      reason: 'a certificate id is unknown beforehand',
    })),
    ...['telemetry-role', 'fleet-events-role'].map((owner) => ({
      owner,
      pattern: `arn:aws:logs:eu-west-1:123456789012:log-group:${logGroups.rules}:*`,
      reason: 'the log streams of one group',
    })),
    ...[
      { owner: 'dashboard-session', functionName: names.dashboardSession },
      { owner: 'dashboard-reader', functionName: names.dashboardReader },
      { owner: 'dashboard-operator', functionName: names.dashboardOperator },
    ].flatMap(({ owner, functionName }) => [
      {
        owner: `${owner}-role`,
        pattern: `arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/${functionName}:*`,
        reason: 'the log streams of one group',
      },
      {
        owner: `${owner}-role`,
        pattern: '*',
        reason: 'AWS defines no resource for listing these, nor for identities of Amazon Cognito',
      },
    ]),
    ...[
      { pattern: 'iot:eu-west-1:123456789012:thing/*', reason: 'serial numbers are unknown beforehand' },
      { pattern: 'iot:eu-west-1:123456789012:cert/*', reason: 'a certificate id is unknown beforehand' },
      { pattern: 'greengrass:eu-west-1:123456789012:coreDevices:*', reason: 'they are the things' },
    ].flatMap(({ pattern, reason }) =>
      ['dashboard-reader-role', 'dashboard-operator-role'].map((owner) => ({
        owner,
        pattern: `arn:aws:${pattern}`,
        reason,
      })),
    ),
    ...[
      {
        pattern: `iot:eu-west-1:123456789012:thing/*/${names.rotationShadow}`,
        reason: 'one shadow of each device',
      },
      { pattern: 'iot:eu-west-1:123456789012:job/*', reason: 'AWS names the jobs of deployments' },
      { pattern: 'greengrass:eu-west-1:123456789012:deployments:*', reason: 'AWS names deployments' },
      {
        pattern: 'greengrass:eu-west-1:123456789012:components:*:versions:*',
        reason: 'a deployment may be of any component',
      },
      {
        pattern: 'logs:eu-west-1:123456789012:log-group:/aws/greengrass/*',
        reason: 'the log manager names its groups and streams',
      },
    ].map(({ pattern, reason }) => ({
      owner: 'dashboard-reader-role',
      pattern: `arn:aws:${pattern}`,
      reason,
    })),
    {
      owner: 'dashboard-operator-role',
      pattern: 'arn:aws:iot:eu-west-1:123456789012:client/*',
      reason: 'devices connect under their serial numbers',
    },
    ...VISITORS_EXCEPTIONS,
    {
      owner: 'iot-logging-role',
      pattern: `arn:aws:logs:eu-west-1:123456789012:log-group:${logGroups.iot}:*`,
      reason: 'the log streams of one group',
    },
    {
      owner: 'device-policy',
      pattern: 'arn:aws:greengrass:eu-west-1:123456789012:coreDevices:*',
      reason: 'HTTPS calls carry no thing variables',
    },
    {
      owner: 'device-policy',
      pattern: 'arn:aws:greengrass:eu-west-1:123456789012:components:*',
      reason: 'the components of the fleet',
    },
    {
      owner: 'device-policy',
      pattern: 'arn:aws:greengrass:eu-west-1:aws:components:*',
      reason: 'the components that AWS publishes',
    },
  ];
  /**
   * A wildcard below the device's own name, in the UUID of a claim's client id, or for the answers to a
   * provisioning request reaches nobody else's.
   */
  const bounded = (pattern: string) =>
    /\/\$\{iot:Connection\.Thing\.ThingName\}[/#]/.test(pattern) ||
    /:client\/\*\?{8}(-\?{4}){3}-\?{12}$/.test(pattern) ||
    /\$aws\/(certificates\/create(-from-csr)?|provisioning-templates\/\w+\/provision)\/json\/\*$/.test(
      pattern,
    );

  it('allows wildcard resources only where each is named with its reason', () => {
    const seen = new Set<string>();
    for (const { owner, statement } of statements()) {
      if (statement.Effect !== 'Allow') continue;
      for (const pattern of [statement.Resource ?? []].flat().map(String)) {
        if (!/[*?]/.test(pattern) || bounded(pattern)) continue;
        const exception = EXCEPTIONS.find((one) => one.owner === owner && one.pattern === pattern);
        expect(exception, `${owner} allows ${pattern}`).toBeDefined();
        seen.add(`${owner} ${pattern}`);
      }
    }
    expect(seen.size, 'an exception that nothing needs any more').toBe(EXCEPTIONS.length);
  });

  it('allows no wildcard action and grants nothing to everybody', () => {
    for (const { owner, statement } of statements()) {
      if (statement.Effect !== 'Allow') continue;
      for (const action of [statement.Action].flat()) expect(action, owner).not.toMatch(/[*?]/);
      expect(statement.Principal, owner).not.toBe('*');
      expect(statement.NotAction ?? statement.NotResource ?? statement.NotPrincipal, owner).toBeUndefined();
    }
  });

  it('lets the hook read the allowlist and nothing else', () => {
    const own = statements().filter(
      ({ owner, statement }) => owner === 'allowlist-hook-role' && statement.Resource,
    );
    expect(own.map(({ statement }) => [statement.Action, statement.Resource])).toEqual([
      [['s3:GetObject'], [`arn:aws:s3:::${buckets.provisioning}/${objectKeys.allowlist}`]],
      [
        ['logs:CreateLogStream', 'logs:PutLogEvents'],
        [`arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/${names.allowlistFunction}:*`],
      ],
    ]);
  });

  it('allows the resource * only for actions that have no other', () => {
    const actions = statements()
      .filter(({ statement }) => statement.Effect === 'Allow' && [statement.Resource].flat().includes('*'))
      .flatMap(({ statement }) => [statement.Action].flat());
    expect(new Set(actions)).toEqual(
      new Set([
        'ecr:GetAuthorizationToken',
        'greengrass:ListCoreDevices',
        'greengrass:ListDeployments',
        // Of an identity of Amazon Cognito, which has no ARN.
        'iot:AttachPolicy',
        'iot:CreateCertificateFromCsr',
        'iot:ListAuditFindings',
        'iot:ListCertificates',
        'iot:ListPrincipalPolicies',
        'iot:ListPrincipalThings',
        'iot:RegisterThing',
      ]),
    );
  });

  it('lets AWS IoT assume its roles for this account alone', () => {
    for (const role of [
      'provisioning-role',
      'token-exchange-role',
      'rotation-rules-role',
      'telemetry-role',
      'fleet-events-role',
      'iot-logging-role',
      'audit-role',
      'audit-notification-role',
    ]) {
      expect(inputs(role).assumeRolePolicyDocument).toMatchObject({
        Statement: [{ Condition: { StringEquals: { 'aws:SourceAccount': PLACE.account } } }],
      });
    }
  });
});

describe('the pre-provisioning hook', () => {
  it('is wired to the template and allowed to be called by it', () => {
    expect(inputs('provisioning-template')).toMatchObject({
      templateName: names.provisioningTemplate,
      templateType: 'FLEET_PROVISIONING',
      enabled: true,
      provisioningRoleArn: 'arn-of:provisioning-role',
      preProvisioningHook: { payloadVersion: '2020-04-01', targetArn: 'arn-of:allowlist-hook' },
    });
    expect(inputs('allowlist-hook-permission')).toEqual({
      action: 'lambda:InvokeFunction',
      functionName: 'arn-of:allowlist-hook',
      principal: 'iot.amazonaws.com',
      sourceAccount: PLACE.account,
      sourceArn: `arn:aws:iot:eu-west-1:123456789012:provisioningtemplate/${names.provisioningTemplate}`,
    });
    expect(named(resources, 'provisioning-template').after).toEqual(
      expect.arrayContaining(['allowlist-hook-permission', 'thing-group', 'device-policy', 'allowlist-hook']),
    );
  });

  it('runs the uploaded bundle, reads the allowlist, and logs to a group that forgets', () => {
    expect(inputs('allowlist-hook')).toMatchObject({
      functionName: names.allowlistFunction,
      role: 'arn-of:allowlist-hook-role',
      code: {
        s3Bucket: buckets.bootstrap,
        s3Key: objectKeys.functionBundle(names.allowlistFunction, BUNDLE_SHA256),
      },
      environment: {
        variables: { ALLOWLIST_BUCKET: buckets.provisioning, ALLOWLIST_KEY: objectKeys.allowlist },
      },
      timeout: 5,
    });
    expect(inputs('allowlist-hook-logs')).toEqual({
      logGroupName: `/aws/lambda/${names.allowlistFunction}`,
      retentionInDays: 7,
    });
    expect(named(resources, 'allowlist-hook').after).toContain('allowlist-hook-logs');
  });
});

describe('the provisioning template', () => {
  it('names the thing by its serial number and makes its certificate active, its own, and bound to the policy', () => {
    const body: unknown = JSON.parse(String(inputs('provisioning-template').templateBody));
    expect(body).toEqual({
      Parameters: { SerialNumber: { Type: 'String' }, 'AWS::IoT::Certificate::Id': { Type: 'String' } },
      Resources: {
        thing: {
          Type: 'AWS::IoT::Thing',
          Properties: {
            ThingName: { Ref: 'SerialNumber' },
            ThingGroups: [names.thingGroup],
            AttributePayload: { fleet: names.thingGroup },
          },
          OverrideSettings: { ThingGroups: 'REPLACE', AttributePayload: 'MERGE' },
        },
        certificate: {
          Type: 'AWS::IoT::Certificate',
          Properties: {
            CertificateId: { Ref: 'AWS::IoT::Certificate::Id' },
            Status: 'ACTIVE',
            ThingPrincipalType: 'EXCLUSIVE_THING',
          },
        },
        policy: { Type: 'AWS::IoT::Policy', Properties: { PolicyName: names.devicePolicy } },
      },
    });
  });
});

describe('the buckets', () => {
  it.each(['provisioning', 'artifacts'] as const)(
    '%s is private, encrypted, versioned and speaks only TLS',
    (bucket) => {
      expect(inputs(`${bucket}-bucket`)).toEqual({
        bucketName: buckets[bucket],
        bucketEncryption: {
          serverSideEncryptionConfiguration: [{ serverSideEncryptionByDefault: { sseAlgorithm: 'AES256' } }],
        },
        ownershipControls: { rules: [{ objectOwnership: 'BucketOwnerEnforced' }] },
        publicAccessBlockConfiguration: {
          blockPublicAcls: true,
          blockPublicPolicy: true,
          ignorePublicAcls: true,
          restrictPublicBuckets: true,
        },
        versioningConfiguration: { status: 'Enabled' },
      });
      expect(inputs(`${bucket}-bucket-policy`)).toMatchObject({
        bucket: buckets[bucket],
        policyDocument: {
          Statement: [
            {
              Effect: 'Deny',
              Principal: '*',
              Action: ['s3:*'],
              Resource: [`arn:aws:s3:::${buckets[bucket]}`, `arn:aws:s3:::${buckets[bucket]}/*`],
              Condition: { Bool: { 'aws:SecureTransport': 'false' } },
            },
          ],
        },
      });
    },
  );

  it('are the only ones', () => {
    expect(resources.filter(({ type }) => type === 'aws-native:s3:Bucket').map(({ name }) => name)).toEqual([
      'provisioning-bucket',
      'artifacts-bucket',
      'images-bucket',
      'dashboard-bucket',
    ]);
  });
});

describe('the images of components', () => {
  const repositories = () => resources.filter(({ type }) => type === 'aws-native:ecr:Repository');

  it('have a repository of each component’s name, whose tags stay what they are', () => {
    expect(repositories().map(({ inputs }) => inputs.repositoryName)).toEqual(containerComponents);
    for (const { inputs } of repositories()) {
      expect(inputs).toMatchObject({
        imageTagMutability: 'IMMUTABLE',
        imageScanningConfiguration: { scanOnPush: true },
      });
    }
  });

  it('expire only without a tag', () => {
    for (const { inputs } of repositories()) {
      const { lifecyclePolicyText } = Object(inputs.lifecyclePolicy);
      const { rules } = JSON.parse(lifecyclePolicyText) as { rules: { selection: { tagStatus: string } }[] };
      expect(rules.map(({ selection }) => selection.tagStatus)).toEqual(['untagged']);
    }
  });

  it('are what the devices’ components may pull, from these repositories alone', () => {
    const pulls = statements().filter(({ statement }) =>
      [statement.Action].flat().includes('ecr:BatchGetImage'),
    );
    expect(pulls.map(({ owner, statement }) => [owner, statement.Resource])).toEqual([
      [
        'token-exchange-role',
        containerComponents.map((name) => `arn:aws:ecr:eu-west-1:123456789012:repository/${name}`),
      ],
    ]);
  });
});

describe('the tables of the fleet’s history', () => {
  it.each([
    ['telemetry-table', names.telemetryTable, ['thing', 'at'], []],
    ['events-table', names.eventsTable, ['day', 'id'], [['by-thing', 'thing', 'id']]],
  ] as const)(
    '%s costs by use, forgets, and can be restored where the stack says so',
    (name, tableName, key, indexes) => {
      const table = inputs(name);
      const keyNames = (schema: unknown) => Object(schema).map((part: object) => Object(part).attributeName);
      expect(table).toMatchObject({
        tableName,
        billingMode: 'PAY_PER_REQUEST',
        timeToLiveSpecification: { attributeName: 'expires', enabled: true },
        pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      });
      expect(keyNames(table.keySchema)).toEqual(key);
      const found = Object(table.globalSecondaryIndexes ?? []).map((index: object) => [
        Object(index).indexName,
        ...keyNames(Object(index).keySchema),
      ]);
      expect(found).toEqual(indexes);
    },
  );

  it('are written by rules, each by a role that may write that table alone', () => {
    const writes = statements().filter(({ statement }) =>
      [statement.Action].flat().includes('dynamodb:PutItem'),
    );
    expect(writes.map(({ owner, statement }) => [owner, statement.Resource])).toEqual([
      ['telemetry-role', [`arn:aws:dynamodb:eu-west-1:123456789012:table/${names.telemetryTable}`]],
      ['fleet-events-role', [`arn:aws:dynamodb:eu-west-1:123456789012:table/${names.eventsTable}`]],
    ]);
    const storing = resources.filter(
      ({ type, inputs: { topicRulePayload } }) =>
        type === 'aws-native:iot:TopicRule' && 'dynamoDBv2' in Object(topicRulePayload).actions[0],
    );
    expect(storing.map(({ inputs: { ruleName } }) => ruleName)).toEqual([
      names.telemetryRule,
      ...Object.values(eventRules),
    ]);
    for (const { inputs: rule } of storing) {
      expect(rule.topicRulePayload).toMatchObject({
        awsIotSqlVersion: '2016-03-23',
        ruleDisabled: false,
        sql: expect.stringMatching(/floor\(timestamp\(\) \/ 1000\) \+ (2592000|7776000) AS expires/),
        errorAction: { cloudwatchLogs: { logGroupName: logGroups.rules } },
      });
    }
  });
});

describe('the logs of devices', () => {
  it('go to groups that forget, one a component and one of the core', () => {
    const groups = resources.filter(({ name }) => name.endsWith('-device-logs'));
    expect(groups.map(({ inputs }) => inputs)).toEqual(
      [
        logGroups.system(PLACE.region),
        ...Object.values(componentNames).map((name) => logGroups.component(PLACE.region, name)),
      ].map((logGroupName) => ({ logGroupName, retentionInDays: 7 })),
    );
  });
});

describe('AWS IoT’s own log', () => {
  it('tells errors, and goes to a group that forgets', () => {
    expect(inputs('iot-logging')).toEqual({
      accountId: PLACE.account,
      roleArn: 'arn-of:iot-logging-role',
      defaultLogLevel: 'ERROR',
    });
    expect(inputs('iot-logs')).toEqual({ logGroupName: 'AWSIotLogsV2', retentionInDays: 7 });
    expect(named(resources, 'iot-logging').after).toContain('iot-logs');
  });
});

describe('the fleet', () => {
  it('keeps the names that devices and people know', () => {
    expect(inputs('thing-group').thingGroupName).toBe(names.thingGroup);
    expect(inputs('device-policy').policyName).toBe(names.devicePolicy);
    expect(inputs('claim-policy').policyName).toBe(names.claimPolicy);
    expect(inputs('role-alias')).toMatchObject({
      roleAlias: names.roleAlias,
      roleArn: 'arn-of:token-exchange-role',
    });
  });

  it('uses aws-native types only', () => {
    for (const { type } of resources) expect(type).toMatch(/^aws-native:/);
  });
});

describe('the program’s entry', () => {
  it('exports the program alone, so that the Pulumi command takes it', async () => {
    expect(Object.keys(await import('../src/index.js'))).toEqual(['default']);
    expect(readFileSync(new URL('../Pulumi.yaml', import.meta.url), 'utf8')).toMatch(
      /^main: dist\/index\.js$/m,
    );
    expect(program.length).toBe(0);
  });

  it('takes the bundles from the environment', () => {
    const functionBundles = { GreengrassAllowlistHook: BUNDLE_SHA256 };
    expect(inputsFromEnvironment({ MOORING_FUNCTION_BUNDLES: JSON.stringify(functionBundles) })).toEqual({
      functionBundles,
    });
  });

  it.each([
    [undefined, /is not set: run "mooring deploy/],
    ['{', /is not a JSON object/],
    ['[]', /is not a JSON object/],
    ['{"GreengrassAllowlistHook":1}', /GreengrassAllowlistHook is not a string/],
  ])('refuses %s', (MOORING_FUNCTION_BUNDLES, message) => {
    expect(() => inputsFromEnvironment({ MOORING_FUNCTION_BUNDLES })).toThrow(message);
  });

  it.each(Object.keys(INPUTS.functionBundles))('registers no %s without its bundle', async (name) => {
    for (const sha256 of [undefined, 'x']) {
      const { [name]: _, ...others } = INPUTS.functionBundles;
      const functionBundles = { ...others, ...(sha256 !== undefined && { [name]: sha256 }) };
      await expect(evaluate({ functionBundles })).rejects.toThrow(
        `the function bundles name no SHA-256 for ${name}: upload the functions first`,
      );
    }
  });
});
