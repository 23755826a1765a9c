import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type AccessRequest,
  evaluate,
  PolicyDocumentError,
  type PolicyKind,
  parsePolicyDocument,
} from '../../src/policy/index.js';

function decide(statements: unknown, request: Partial<AccessRequest> = {}, kind: PolicyKind = 'identity') {
  const policy = parsePolicyDocument(JSON.stringify({ Version: '2012-10-17', Statement: statements }), kind);
  return evaluate([policy], {
    action: 's3:GetObject',
    resource: 'arn:aws:s3:::b/k',
    context: new Map(),
    ...request,
  });
}

const allow = { Effect: 'Allow', Action: 's3:*', Resource: '*' };

describe('statements', () => {
  test.each([
    ['nothing said', [{ Effect: 'Allow', Action: 'iot:*', Resource: '*' }], 'implicitDeny'],
    ['allowed', allow, 'allowed'],
    ['actions in any case', { ...allow, Action: ['S3:getobject'] }, 'allowed'],
    ['action by wildcard', { ...allow, Action: 's3:Get?bject' }, 'allowed'],
    ['deny wins', [allow, { ...allow, Effect: 'Deny', Action: 's3:Get*' }], 'explicitDeny'],
    ['NotAction', { Effect: 'Allow', NotAction: 's3:Delete*', Resource: '*' }, 'allowed'],
    ['NotAction that names it', { Effect: 'Allow', NotAction: 's3:Get*', Resource: '*' }, 'implicitDeny'],
    ['NotResource', { Effect: 'Allow', Action: '*', NotResource: 'arn:aws:s3:::c/*' }, 'allowed'],
    [
      'NotResource that names it',
      { Effect: 'Allow', Action: '*', NotResource: 'arn:aws:s3:::b/*' },
      'implicitDeny',
    ],
    ['another resource', { ...allow, Resource: 'arn:aws:s3:::b' }, 'implicitDeny'],
  ])('%s', (_name, statements, expected) => {
    expect(decide(statements)).toBe(expected);
  });

  test('whatever else is allowed, a matching deny denies', () => {
    const action = fc.constantFrom('s3:GetObject', 's3:*', '*', 'iot:Publish');
    const statement = fc.record({
      Effect: fc.constantFrom('Allow', 'Deny'),
      Action: action,
      Resource: fc.constantFrom('*', 'arn:aws:s3:::b/*', 'arn:aws:s3:::c/*'),
    });
    fc.assert(
      fc.property(fc.array(statement, { minLength: 1, maxLength: 6 }), (statements) => {
        const matching = statements.filter(
          ({ Action, Resource }) => Action !== 'iot:Publish' && !Resource.includes(':c/'),
        );
        const expected = matching.some(({ Effect }) => Effect === 'Deny')
          ? 'explicitDeny'
          : matching.length > 0
            ? 'allowed'
            : 'implicitDeny';
        expect(decide(statements)).toBe(expected);
      }),
    );
  });
});

describe('conditions', () => {
  const context = new Map<string, string | string[]>([
    ['aws:sourceaccount', '123'],
    ['aws:sourcearn', 'arn:aws:iot:eu:123:rule/x'],
    ['aws:securetransport', 'true'],
    ['aws:sourceip', '10.1.2.3'],
    ['aws:currenttime', '2026-01-01T00:00:00Z'],
    ['s3:max-keys', '10'],
    ['aws:tagkeys', ['a', 'b']],
  ]);

  test.each([
    [{ StringEquals: { 'aws:SourceAccount': '123' } }, true],
    [{ StringEquals: { 'aws:SourceAccount': ['1', '123'] } }, true],
    [{ StringEquals: { 'aws:SourceAccount': '124' } }, false],
    [{ StringEquals: { 'aws:Missing': '1' } }, false],
    [{ StringEqualsIfExists: { 'aws:Missing': '1' } }, true],
    [{ StringNotEquals: { 'aws:SourceAccount': ['1', '2'] } }, true],
    [{ StringNotEquals: { 'aws:SourceAccount': ['1', '123'] } }, false],
    [{ StringNotEquals: { 'aws:Missing': '1' } }, true],
    [{ StringLike: { 'aws:SourceArn': 'arn:*rule/?' } }, true],
    [{ StringEqualsIgnoreCase: { 'aws:SecureTransport': 'TRUE' } }, true],
    [{ ArnLike: { 'aws:SourceArn': 'arn:aws:iot:*:123:rule/*' } }, true],
    [{ ArnLike: { 'aws:SourceArn': 'arn:aws:iot:*:rule/*' } }, false],
    [{ ArnNotLike: { 'aws:SourceArn': 'arn:aws:iot:*:124:rule/*' } }, true],
    [{ Bool: { 'aws:SecureTransport': 'true' } }, true],
    [{ Bool: { 'aws:SecureTransport': false } }, false],
    [{ IpAddress: { 'aws:SourceIp': '10.0.0.0/8' } }, true],
    [{ IpAddress: { 'aws:SourceIp': ['192.168.0.0/16', '10.1.2.4'] } }, false],
    [{ NotIpAddress: { 'aws:SourceIp': '192.168.0.0/16' } }, true],
    [{ NumericLessThanEquals: { 's3:max-keys': 10 } }, true],
    [{ NumericLessThan: { 's3:max-keys': 10 } }, false],
    [{ DateLessThan: { 'aws:CurrentTime': '2026-06-01T00:00:00Z' } }, true],
    [{ DateGreaterThan: { 'aws:CurrentTime': '2026-06-01T00:00:00Z' } }, false],
    [{ Null: { 'aws:Missing': 'true' } }, true],
    [{ Null: { 'aws:SourceIp': 'true' } }, false],
    [{ 'ForAllValues:StringEquals': { 'aws:TagKeys': ['a', 'b', 'c'] } }, true],
    [{ 'ForAllValues:StringEquals': { 'aws:TagKeys': ['a'] } }, false],
    [{ 'ForAnyValue:StringEquals': { 'aws:TagKeys': ['a'] } }, true],
    [{ StringEquals: { 'aws:SourceAccount': '123' }, Bool: { 'aws:SecureTransport': 'false' } }, false],
  ])('%j: %s', (Condition, expected) => {
    expect(decide({ ...allow, Condition }, { context })).toBe(expected ? 'allowed' : 'implicitDeny');
  });
});

describe('principals', () => {
  const statement = (Principal: unknown, Effect = 'Allow') => ({ ...allow, Effect, Principal });
  const role = {
    kind: 'role',
    accountId: '000000000000',
    arns: ['arn:aws:iam::000000000000:role/r', 'arn:aws:sts::000000000000:assumed-role/r/s'],
  } as const;
  const root = 'arn:aws:iam::000000000000:root';

  test.each([
    ['everybody', statement('*'), { kind: 'anonymous' } as const, 'allowed'],
    ['nobody known', statement({ AWS: root }), { kind: 'anonymous' } as const, 'implicitDeny'],
    [
      'the account',
      statement({ AWS: root }),
      { kind: 'account', accountId: '000000000000' } as const,
      'allowed',
    ],
    [
      'another account',
      statement({ AWS: '111111111111' }),
      { kind: 'account', accountId: '000000000000' } as const,
      'implicitDeny',
    ],
    ['the role', statement({ AWS: role.arns[0] }), role, 'allowed'],
    ['the session', statement({ AWS: role.arns[1] }), role, 'allowed'],
    ['the account, for a role', statement({ AWS: root }), role, 'implicitDeny'],
    ['the account denied, for a role', statement({ AWS: root }, 'Deny'), role, 'explicitDeny'],
    [
      'the service',
      statement({ Service: 'iot.amazonaws.com' }),
      { kind: 'service', name: 'iot.amazonaws.com' } as const,
      'allowed',
    ],
    [
      'another service',
      statement({ Service: ['a.amazonaws.com'] }),
      { kind: 'service', name: 'iot.amazonaws.com' } as const,
      'implicitDeny',
    ],
  ])('%s', (_name, statements, principal, expected) => {
    expect(decide(statements, { principal }, 'resource')).toBe(expected);
  });
});

describe('documents', () => {
  test.each([
    ['{', 'identity', 'This policy contains invalid Json'],
    ['[]', 'identity', 'Syntax errors in policy.'],
    [
      { Version: '2020-01-01', Statement: allow },
      'identity',
      'The policy must contain a valid version string',
    ],
    [{ Statement: [] }, 'identity', 'Missing required field Statement'],
    [{ Statement: { ...allow, Efect: 'Allow' } }, 'identity', 'Unknown field Efect'],
    [{ Statement: { ...allow, Effect: 'allow' } }, 'identity', 'Invalid effect: allow'],
    [{ Statement: { Effect: 'Allow', Resource: '*' } }, 'identity', 'Policy statement must contain actions.'],
    [
      { Statement: { Effect: 'Allow', Action: 's3:*' } },
      'identity',
      'Policy statement must contain resources.',
    ],
    [
      { Statement: { ...allow, Principal: '*' } },
      'identity',
      'Policy document should not specify a principal.',
    ],
    [
      { Statement: { ...allow, Action: 'GetObject' } },
      'identity',
      'Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.',
    ],
    [
      { Statement: { ...allow, Resource: 'bucket' } },
      'identity',
      'Resource bucket must be in ARN format or "*".',
    ],
    [
      { Statement: { ...allow, Condition: { Equals: { a: 'b' } } } },
      'identity',
      'Invalid Condition type : Equals.',
    ],
    [
      {
        Statement: [
          { ...allow, Sid: 'x' },
          { ...allow, Sid: 'x' },
        ],
      },
      'identity',
      'Statement IDs (SID) in a single policy must be unique.',
    ],
    [{ Statement: { ...allow, Principal: '*' } }, 'trust', 'Has prohibited field Resource'],
    [
      { Statement: { Effect: 'Allow', Action: 'sts:AssumeRole' } },
      'trust',
      'Missing required field Principal',
    ],
  ] as const)('%j is no %s policy: %s', (document, kind, message) => {
    const text = typeof document === 'string' ? document : JSON.stringify(document);
    expect(() => parsePolicyDocument(text, kind)).toThrow(new PolicyDocumentError(message));
  });

  test('any text is a policy or an error that says why', () => {
    const field = fc.constantFrom(
      'Version',
      'Statement',
      'Effect',
      'Action',
      'Resource',
      'Principal',
      'Condition',
    );
    const value = fc.letrec((tie) => ({
      any: fc.oneof(
        { depthSize: 'small' },
        fc.constantFrom('Allow', 's3:*', '*', '2012-10-17'),
        fc.jsonValue({ maxDepth: 1 }),
        fc.array(tie('any'), { maxLength: 2 }),
        fc.dictionary(field, tie('any'), { maxKeys: 4 }),
      ),
    })).any;
    fc.assert(
      fc.property(value, fc.constantFrom('identity', 'resource', 'trust'), (document, kind) => {
        try {
          parsePolicyDocument(JSON.stringify(document), kind);
        } catch (error) {
          expect(error).toBeInstanceOf(PolicyDocumentError);
        }
      }),
    );
  });
});
