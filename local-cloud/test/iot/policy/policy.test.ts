import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PolicyDocumentError, parsePolicyDocument } from '../../../src/services/iot/policy/document.js';
import { compileStatements } from '../../../src/services/iot/policy/evaluate.js';
import { compilePattern, parsePattern } from '../../../src/services/iot/policy/pattern.js';
import { type ConnectionFacts, policyVariables } from '../../../src/services/iot/policy/variables.js';

const none = () => undefined;
const matches = (pattern: string, text: string) => compilePattern(parsePattern(pattern), none)?.(text);

/** Few characters, so that patterns and texts often fit. */
const unit = fc.constantFrom('a', 'b', '/', '+', '#', '$', '{', '}', 'é');
const text = fc.array(unit, { maxLength: 12 }).map((units) => units.join(''));
const pattern = fc
  .array(fc.oneof(unit, fc.constantFrom('*', '?')), { maxLength: 12 })
  .map((units) => units.join(''))
  .filter((source) => !source.includes('${'));

describe('patterns', () => {
  test('match as the regular expression that they mean', () => {
    fc.assert(
      fc.property(pattern, text, (source, value) => {
        const expression = [...source]
          .map((part) => (part === '*' ? '.*' : part === '?' ? '.' : part.replace(/[^\w]/g, '\\$&')))
          .join('');
        expect(matches(source, value)).toBe(new RegExp(`^${expression}$`, 's').test(value));
      }),
      { numRuns: 2000 },
    );
  });

  test('match themselves when they have no wildcards, and nothing else', () => {
    fc.assert(
      fc.property(text, text, (a, b) => {
        fc.pre(!a.includes('${'));
        expect(matches(a, a)).toBe(true);
        expect(matches(a, b)).toBe(a === b);
      }),
    );
  });

  test('put values in literally, whatever characters they have', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (value, other) => {
        const compiled = compilePattern(parsePattern('x/${v}/y'), () => value);
        expect(compiled?.(`x/${value}/y`)).toBe(true);
        expect(compiled?.(`x/${other}/y`)).toBe(value === other);
      }),
    );
  });

  test('take time in proportion to the lengths, also where backtracking would explode', () => {
    expect(matches('*a*a*a*a*a*a*a*a*a*a*b', 'a'.repeat(5000))).toBe(false);
  });

  test.each([
    ['a${*}b', 'a*b', true],
    ['a${*}b', 'axb', false],
    ['a${?}b', 'a?b', true],
    ['a${$}b', 'a$b', true],
    ['a/+/b', 'a/+/b', true],
    ['a/+/b', 'a/x/b', false],
    ['', '', true],
    ['**', 'anything', true],
  ])('%s and %s: %s', (source, value, expected) => {
    expect(matches(source, value)).toBe(expected);
  });

  test('match nothing when a variable has no value', () => {
    expect(compilePattern(parsePattern('a/${iot:ClientId}'), none)).toBeUndefined();
  });
});

const facts: ConnectionFacts = {
  sourceIp: '192.0.2.7',
  domainName: 'localhost',
  clientId: 'thing-1#2',
  thing: { thingName: 'thing-1', thingTypeName: 'board', attributes: { site: 'bern' } },
  certificate: {
    certificateId: 'c0ffee',
    serialNumber: '01',
    subject: { CommonName: 'AWS IoT Certificate' },
    issuer: { CommonName: 'Root' },
  },
};

function decide(statements: object[], overrides: Partial<ConnectionFacts> = {}) {
  const document = JSON.stringify({ Version: '2012-10-17', Statement: statements });
  return compileStatements(parsePolicyDocument(document), policyVariables({ ...facts, ...overrides }));
}

describe('statements', () => {
  test('deny what nothing allows, and deny explicitly whatever else allows', () => {
    const answer = decide([
      { Effect: 'Allow', Action: 'iot:*', Resource: 'arn:aws:iot:r:a:topic/*' },
      { Effect: 'Deny', Action: ['iot:Publish'], Resource: ['arn:aws:iot:r:a:topic/secret/?'] },
    ]);
    expect(answer('iot:Publish', 'arn:aws:iot:r:a:topic/x')).toBe('allowed');
    expect(answer('iot:publish', 'arn:aws:iot:r:a:topic/x')).toBe('allowed');
    expect(answer('iot:Publish', 'arn:aws:iot:r:a:topic/secret/1')).toBe('explicitDeny');
    expect(answer('iot:Receive', 'arn:aws:iot:r:a:topic/secret/1')).toBe('allowed');
    expect(answer('iot:Connect', 'arn:aws:iot:r:a:client/x')).toBe('implicitDeny');
    expect(answer('greengrass:X', 'arn:aws:iot:r:a:topic/x')).toBe('implicitDeny');
  });

  test.each([
    ['${iot:ClientId}', 'thing-1#2'],
    ['${iot:Connection.Thing.ThingName}', 'thing-1'],
    ['${iot:Connection.Thing.ThingTypeName}', 'board'],
    ['${iot:Connection.Thing.Attributes[site]}', 'bern'],
    ['${iot:Connection.Thing.IsAttached}', 'true'],
    ['${iot:CertificateId}', 'c0ffee'],
    ['${iot:Certificate.Subject.CommonName}', 'AWS IoT Certificate'],
    ['${iot:Certificate.Issuer.CommonName}', 'Root'],
    ['${iot:DomainName}', 'localhost'],
    ['${aws:SourceIp}', '192.0.2.7'],
  ])('resolve %s', (variable, value) => {
    const answer = decide([{ Effect: 'Allow', Action: 'iot:Publish', Resource: `arn:topic/${variable}` }]);
    expect(answer('iot:Publish', `arn:topic/${value}`)).toBe('allowed');
    expect(answer('iot:Publish', `arn:topic/${variable}`)).toBe('implicitDeny');
  });

  test('match nothing where a thing variable has no value, but elsewhere as before', () => {
    const answer = decide(
      [
        {
          Effect: 'Allow',
          Action: 'iot:Publish',
          Resource: ['arn:topic/${iot:Connection.Thing.ThingName}/*', 'arn:topic/all'],
        },
      ],
      { thing: undefined },
    );
    expect(answer('iot:Publish', 'arn:topic//x')).toBe('implicitDeny');
    expect(answer('iot:Publish', 'arn:topic/all')).toBe('allowed');
  });

  test.each<[string, object, boolean]>([
    ['Bool', { Bool: { 'iot:Connection.Thing.IsAttached': ['true'] } }, true],
    ['Bool as boolean', { Bool: { 'iot:Connection.Thing.IsAttached': true } }, true],
    ['Bool false', { Bool: { 'iot:Connection.Thing.IsAttached': 'false' } }, false],
    ['StringEquals', { StringEquals: { 'iot:ClientId': ['x', 'thing-1#2'] } }, true],
    ['StringNotEquals', { StringNotEquals: { 'iot:ClientId': ['x', 'thing-1#2'] } }, false],
    [
      'StringLike with a variable',
      { StringLike: { 'iot:ClientId': '${iot:Connection.Thing.ThingName}*' } },
      true,
    ],
    ['StringNotLike', { StringNotLike: { 'iot:ClientId': 'other*' } }, true],
    ['a key without a value', { StringEquals: { 'iot:Nothing': 'x' } }, false],
    ['IfExists', { StringEqualsIfExists: { 'iot:Nothing': 'x' } }, true],
    ['Null', { Null: { 'iot:Nothing': 'true' } }, true],
    ['not Null', { Null: { 'iot:ClientId': 'true' } }, false],
    ['IpAddress', { IpAddress: { 'aws:SourceIp': '192.0.2.0/24' } }, true],
    ['IpAddress elsewhere', { IpAddress: { 'aws:SourceIp': ['10.0.0.0/8', '192.0.2.8'] } }, false],
    ['NotIpAddress', { NotIpAddress: { 'aws:SourceIp': '10.0.0.0/8' } }, true],
    [
      'two keys are both needed',
      { StringEquals: { 'iot:ClientId': 'thing-1#2', 'iot:DomainName': 'x' } },
      false,
    ],
    ['ForAnyValue', { 'ForAnyValue:StringEquals': { many: ['b', 'z'] } }, true],
    ['ForAllValues', { 'ForAllValues:StringEquals': { many: ['a', 'z'] } }, false],
    ['ForAllValues without a value', { 'ForAllValues:StringEquals': { none: ['a'] } }, true],
    ['ForAnyValue without a value', { 'ForAnyValue:StringEquals': { none: ['a'] } }, false],
  ])('with the condition %s', (_name, Condition, expected) => {
    const answer = decide([{ Effect: 'Allow', Action: 'iot:Connect', Resource: '*', Condition }]);
    const keys = (name: string) => (name === 'many' ? ['a', 'b'] : undefined);
    expect(answer('iot:Connect', 'arn:x', keys)).toBe(expected ? 'allowed' : 'implicitDeny');
  });

  test('know networks of IPv6', () => {
    const condition = { IpAddress: { 'aws:SourceIp': '2001:db8::/32' } };
    const statement = { Effect: 'Allow', Action: 'iot:Connect', Resource: '*', Condition: condition };
    expect(decide([statement], { sourceIp: '2001:db8:1::2' })('iot:Connect', 'arn:x')).toBe('allowed');
    expect(decide([statement], { sourceIp: '2001:db9::1' })('iot:Connect', 'arn:x')).toBe('implicitDeny');
    expect(decide([statement], { sourceIp: '::1' })('iot:Connect', 'arn:x')).toBe('implicitDeny');
  });
});

test('an address is in a network or not, whatever either is', () => {
  const address = fc.oneof(fc.ipV4(), fc.ipV6(), fc.string(), fc.constant('fe80::1%eth0'));
  const network = fc
    .tuple(address, fc.option(fc.nat(140)))
    .map(([base, bits]) => (bits ? `${base}/${bits}` : base));
  fc.assert(
    fc.property(address, network, (sourceIp, range) => {
      const Condition = { IpAddress: { 'aws:SourceIp': range } };
      const answer = decide([{ Effect: 'Allow', Action: 'iot:Connect', Resource: '*', Condition }], {
        sourceIp,
      });
      expect(['allowed', 'implicitDeny']).toContain(answer('iot:Connect', 'arn:x'));
    }),
  );
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (sourceIp) => {
      const Condition = { IpAddress: { 'aws:SourceIp': sourceIp } };
      const answer = decide([{ Effect: 'Allow', Action: 'iot:Connect', Resource: '*', Condition }], {
        sourceIp,
      });
      expect(answer('iot:Connect', 'arn:x')).toBe('allowed');
    }),
  );
});

test.each(['iot:Connection.Thing.Attributes[constructor]', 'iot:Certificate.Subject.constructor'])(
  '%s is not what all objects have',
  (variable) => {
    const answer = decide([
      { Effect: 'Allow', Action: 'iot:Publish', Resource: `arn:topic/\${${variable}}` },
    ]);
    expect(answer('iot:Publish', 'arn:topic/x')).toBe('implicitDeny');
  },
);

describe('documents', () => {
  const good = { Effect: 'Allow', Action: 'iot:Connect', Resource: '*' };

  test.each<[string, unknown]>([
    ['no JSON', '{'],
    ['no statement', { Version: '2012-10-17' }],
    ['no effect', { Statement: { ...good, Effect: undefined } }],
    ['no such effect', { Statement: { ...good, Effect: 'Maybe' } }],
    ['no action', { Statement: { Effect: 'Allow', Resource: '*' } }],
    ['no resource', { Statement: { Effect: 'Allow', Action: 'iot:Connect' } }],
    ['a resource that is no ARN', { Statement: { ...good, Resource: 'topic/x' } }],
    ['an action that is none', { Statement: { ...good, Action: 'Connect' } }],
    ['an element that AWS IoT does not have', { Statement: { ...good, Principal: '*' } }],
    ['another version', { Version: '2020-01-01', Statement: good }],
    ['an unknown condition operator', { Statement: { ...good, Condition: { Equals: { a: 'b' } } } }],
    ['too many characters', { Statement: { ...good, Resource: `arn:${'x'.repeat(2048)}` } }],
  ])('are refused with %s', (_name, document) => {
    const source = typeof document === 'string' ? document : JSON.stringify(document);
    expect(() => parsePolicyDocument(source)).toThrow(PolicyDocumentError);
  });

  test('are refused or read, whatever they are', () => {
    const anything = fc.oneof(
      fc.string(),
      fc.json(),
      fc.jsonValue().map((value) => JSON.stringify({ Statement: value })),
    );
    fc.assert(
      fc.property(anything, (source) => {
        try {
          parsePolicyDocument(source);
        } catch (error) {
          expect(error).toBeInstanceOf(PolicyDocumentError);
        }
      }),
    );
  });
});
