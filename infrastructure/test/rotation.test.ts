import { names, topics } from '@mooring/contracts';
import { beforeAll, describe, expect, it } from 'vitest';
import { BUNDLE_SHA256, evaluate, named, type Registered } from './evaluate.js';

let resources: readonly Registered[];
const inputs = (name: string) => named(resources, name).inputs;
const iot = (resource: string) => `arn:aws:iot:eu-west-1:123456789012:${resource}`;
const QUEUE = `arn:aws:sqs:eu-west-1:123456789012:${names.rotationDeadLetters}`;
const TOPIC = `arn:aws:sns:eu-west-1:123456789012:${names.certificateExpiringTopic}`;

beforeAll(async () => {
  resources = await evaluate();
});

/** What a role allows: each action with its resources. */
function allowedTo(role: string): [string, string[]][] {
  const { policies } = inputs(role) as {
    policies: { policyDocument: { Statement: { Effect: string; Action: string[]; Resource: string[] }[] } }[];
  };
  return policies
    .flatMap(({ policyDocument }) => policyDocument.Statement)
    .flatMap(({ Action, Resource }) => Action.map((action): [string, string[]] => [action, Resource]))
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

describe('the functions of the rotation', () => {
  it.each([
    ['rotation-request', names.rotationRequestFunction, 900],
    ['csr-signer', names.csrFunction, 30],
    ['certificate-retirement', names.certificateRetirementFunction, 60],
  ])(
    '%s runs its bundle, logs to a group that forgets, and keeps what it cannot handle',
    (name, functionName, timeout) => {
      expect(inputs(name)).toMatchObject({
        functionName,
        role: `arn-of:${name}-role`,
        runtime: 'nodejs22.x',
        code: { s3Key: `functions/${functionName}/${BUNDLE_SHA256}.zip` },
        timeout,
        deadLetterConfig: { targetArn: 'arn-of:rotation-dead-letters' },
      });
      expect(inputs(`${name}-logs`)).toEqual({
        logGroupName: `/aws/lambda/${functionName}`,
        retentionInDays: 7,
      });
      expect(inputs(`${name}-events`)).toMatchObject({
        functionName,
        qualifier: '$LATEST',
        maximumRetryAttempts: 2,
      });
      expect(named(resources, name).after).toContain(`${name}-logs`);
    },
  );

  it('is told its pace by the configuration', () => {
    expect(inputs('rotation-request').environment).toEqual({
      variables: { ROTATIONS_PER_SECOND: '3', ROTATION_PATIENCE_SECONDS: '72000' },
    });
  });

  const certificates = [iot('cert/*')];
  const states = [iot(`thing/*/${names.rotationShadow}`)];
  const logs = (functionName: string) => [
    `arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/${functionName}:*`,
  ];
  const everyFunction = (functionName: string, topic: string): [string, string[]][] => [
    ['iot:GetThingShadow', states],
    ['iot:ListPrincipalThings', ['*']],
    ['iot:ListThingPrincipals', [iot('thing/*')]],
    ['iot:Publish', [iot(`topic/device/*/${topic}`)]],
    ['iot:UpdateThingShadow', states],
    ['logs:CreateLogStream', logs(functionName)],
    ['logs:PutLogEvents', logs(functionName)],
    ['sqs:SendMessage', [QUEUE]],
  ];
  const withdraw = [
    'iot:DeleteCertificate',
    'iot:DescribeCertificate',
    'iot:DetachPolicy',
    'iot:DetachThingPrincipal',
    'iot:ListAttachedPolicies',
    'iot:UpdateCertificate',
  ].map((action): [string, string[]] => [action, certificates]);

  it.each<[string, [string, string[]][]]>([
    [
      'rotation-request-role',
      [
        ...everyFunction(names.rotationRequestFunction, 'csr_req'),
        ['iot:ListAuditFindings', ['*']],
        [
          'lambda:InvokeFunction',
          [`arn:aws:lambda:eu-west-1:123456789012:function:${names.rotationRequestFunction}`],
        ],
      ],
    ],
    [
      'csr-signer-role',
      [
        ...everyFunction(names.csrFunction, 'crt'),
        ...withdraw,
        ['iot:AttachPolicy', certificates],
        ['iot:AttachThingPrincipal', certificates],
        ['iot:CreateCertificateFromCsr', ['*']],
        ['iot:ListCertificates', ['*']],
      ],
    ],
    [
      'certificate-retirement-role',
      [...everyFunction(names.certificateRetirementFunction, 'crt_done'), ...withdraw],
    ],
  ])('%s may do this and nothing else', (role, expected) => {
    expect(allowedTo(role)).toEqual(expected.sort(([a], [b]) => (a < b ? -1 : 1)));
  });
});

describe('the rules of the rotation', () => {
  it.each([
    ['csr-rule', names.csrRule, 'csr', topics.csrResponse, 'csr-signer'],
    [
      'certificate-ack-rule',
      names.certificateAckRule,
      'certificateArn',
      topics.certificateAck,
      'certificate-retirement',
    ],
  ] as const)(
    '%s hands over what comes from the topic and the connection',
    (name, ruleName, member, topic, to) => {
      expect(inputs(name)).toEqual({
        ruleName,
        topicRulePayload: {
          awsIotSqlVersion: '2016-03-23',
          sql: `SELECT ${member}, topic(2) AS thing, principal() AS principal, clientid() AS clientId FROM '${topic('X').replace('X', '+')}'`,
          ruleDisabled: false,
          actions: [{ lambda: { functionArn: `arn-of:${to}` } }],
          errorAction: {
            sqs: {
              queueUrl: 'url-of:rotation-dead-letters',
              roleArn: 'arn-of:rotation-rules-role',
              useBase64: false,
            },
          },
        },
      });
      expect(inputs(`${name}-permission`)).toEqual({
        action: 'lambda:InvokeFunction',
        functionName: `arn-of:${to}`,
        principal: 'iot.amazonaws.com',
        sourceAccount: '123456789012',
        sourceArn: iot(`rule/${ruleName}`),
      });
      expect(named(resources, name).after).toContain(`${name}-permission`);
    },
  );

  it('keep what they cannot hand over, in a role that may do only that, for these two rules', () => {
    expect(allowedTo('rotation-rules-role')).toEqual([['sqs:SendMessage', [QUEUE]]]);
    expect(inputs('rotation-rules-role').assumeRolePolicyDocument).toMatchObject({
      Statement: [
        {
          Principal: { Service: 'iot.amazonaws.com' },
          Condition: {
            StringEquals: { 'aws:SourceAccount': '123456789012' },
            ArnLike: {
              'aws:SourceArn': [iot(`rule/${names.csrRule}`), iot(`rule/${names.certificateAckRule}`)],
            },
          },
        },
      ],
    });
  });

  it('keep it encrypted, for 14 days', () => {
    expect(inputs('rotation-dead-letters')).toEqual({
      queueName: names.rotationDeadLetters,
      messageRetentionPeriod: 1_209_600,
      sqsManagedSseEnabled: true,
    });
  });
});

describe('the audit of certificates', () => {
  it('runs daily, once the account is set up for it', () => {
    expect(inputs('certificate-audit')).toEqual({
      scheduledAuditName: names.certificateAudit,
      frequency: 'DAILY',
      targetCheckNames: ['DEVICE_CERTIFICATE_EXPIRING_CHECK'],
    });
    expect(inputs('audit-configuration')).toEqual({
      accountId: '123456789012',
      roleArn: 'arn-of:audit-role',
      auditCheckConfigurations: { deviceCertificateExpiringCheck: { enabled: true } },
      auditNotificationTargetConfigurations: {
        sns: {
          enabled: true,
          roleArn: 'arn-of:audit-notification-role',
          targetArn: 'arn-of:certificate-expiring-topic',
        },
      },
    });
    expect(named(resources, 'certificate-audit').after).toContain('audit-configuration');
  });

  it('may look at certificates, and tell the topic', () => {
    expect(allowedTo('audit-role')).toEqual([
      ['iot:DescribeCertificate', [iot('cert/*')]],
      ['iot:ListCertificates', ['*']],
    ]);
    expect(allowedTo('audit-notification-role')).toEqual([['sns:Publish', [TOPIC]]]);
  });

  it('tells a topic that nobody else publishes to, and the topic the function', () => {
    expect(inputs('certificate-expiring-topic')).toEqual({ topicName: names.certificateExpiringTopic });
    const { policyDocument } = inputs('certificate-expiring-topic-policy') as {
      policyDocument: { Statement: object[] };
    };
    expect(policyDocument.Statement).toEqual([
      {
        Sid: 'OnlyAudits',
        Effect: 'Allow',
        Principal: { AWS: 'arn:aws:iam::123456789012:role/GreengrassAuditNotificationRole' },
        Action: ['sns:Publish'],
        Resource: [TOPIC],
      },
      {
        Sid: 'OnlyOverTls',
        Effect: 'Deny',
        Principal: '*',
        Action: ['sns:Publish'],
        Resource: [TOPIC],
        Condition: { Bool: { 'aws:SecureTransport': 'false' } },
      },
    ]);
    expect(inputs('audit-notification-role').roleName).toBe('GreengrassAuditNotificationRole');
    expect(inputs('certificate-expiring-subscription')).toEqual({
      topicArn: 'arn-of:certificate-expiring-topic',
      protocol: 'lambda',
      endpoint: 'arn-of:rotation-request',
    });
    expect(inputs('certificate-expiring-permission')).toEqual({
      action: 'lambda:InvokeFunction',
      functionName: 'arn-of:rotation-request',
      principal: 'sns.amazonaws.com',
      sourceArn: TOPIC,
    });
    expect(named(resources, 'certificate-expiring-subscription').after).toContain(
      'certificate-expiring-permission',
    );
  });
});
