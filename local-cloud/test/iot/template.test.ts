import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { resolve } from '../../src/services/iot/provisioning/intrinsics.js';
import { planProvisioning } from '../../src/services/iot/provisioning/plan.js';
import { parseTemplateBody, TemplateError } from '../../src/services/iot/provisioning/template-body.js';

describe('functions of provisioning templates', () => {
  const parameters = { A: 'a', N: '1' };
  const mappings = { m: { a: { x: 'found' } } };

  test.each<[unknown, unknown]>([
    [{ Ref: 'A' }, 'a'],
    [{ 'Fn::Join': ['-', ['x', { Ref: 'A' }]] }, 'x-a'],
    [{ 'Fn::Select': [{ Ref: 'N' }, ['x', 'y']] }, 'y'],
    [{ 'Fn::Split': ['|', 'x|y'] }, ['x', 'y']],
    [{ 'Fn::Sub': 'p/${A}/${!A}' }, 'p/a/${A}'],
    [{ 'Fn::Sub': ['${A}${B}', { B: { Ref: 'N' } }] }, 'a1'],
    [{ 'Fn::FindInMap': ['m', { Ref: 'A' }, 'x'] }, 'found'],
    [{ deep: [{ Ref: 'A' }, 1, null] }, { deep: ['a', 1, null] }],
  ])('%j', (value, expected) => {
    expect(resolve(value, parameters, mappings)).toEqual(expected);
  });

  test.each<[unknown]>([
    [{ Ref: 'Missing' }],
    [{ Ref: 'constructor' }],
    [{ 'Fn::Join': ['-'] }],
    [{ 'Fn::Select': [5, ['x']] }],
    [{ 'Fn::Sub': '${Missing}' }],
    [{ 'Fn::FindInMap': ['m', 'constructor', 'name'] }],
    [{ 'Fn::Other': [] }],
  ])('%j is refused', (value) => {
    expect(() => resolve(value, parameters, mappings)).toThrow(TemplateError);
  });
});

test('a parameter is never taken from what all objects have', () => {
  const body = parseTemplateBody(
    JSON.stringify({
      Parameters: { constructor: { Type: 'String' } },
      Resources: { t: { Type: 'AWS::IoT::Thing', Properties: { ThingName: { Ref: 'constructor' } } } },
    }),
  );
  expect(() => planProvisioning(body, {})).toThrow(TemplateError);
  expect(planProvisioning(body, { constructor: 'x' }).thing?.thingName).toBe('x');
});

test('a policy document is text or JSON, and may use functions', () => {
  const statement = { Effect: 'Allow', Action: ['iot:Publish'], Resource: [{ Ref: 'Topic' }] };
  const document = { Version: '2012-10-17', Statement: [statement] };
  const planned = (PolicyDocument: unknown) =>
    planProvisioning(
      parseTemplateBody(
        JSON.stringify({
          Parameters: { Topic: { Type: 'String' } },
          Resources: { policy: { Type: 'AWS::IoT::Policy', Properties: { PolicyDocument } } },
        }),
      ),
      { Topic: 'arn:aws:iot:eu-central-1:000000000000:topic/a' },
    ).policies[0]?.source;
  expect(planned('{"Version": "2012-10-17"}')).toEqual({ document: '{"Version": "2012-10-17"}' });
  const resolved = JSON.stringify(document).replace(
    /\{"Ref":"Topic"\}/,
    '"arn:aws:iot:eu-central-1:000000000000:topic/a"',
  );
  expect(planned(document)).toEqual({ document: resolved });
  expect(() => planned(['not', 'a', 'policy'])).toThrow(TemplateError);
});

test('whatever a template is, it is read or refused', () => {
  const name = fc.constantFrom(
    'Ref',
    'Fn::Join',
    'Fn::Sub',
    'Fn::Select',
    'Fn::Split',
    'Fn::FindInMap',
    'x',
    '__proto__',
  );
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof({ maxDepth: 4 }, fc.string(), fc.integer(), fc.constant(null), tie('list'), tie('map')),
    list: fc.array(tie('value'), { maxLength: 4 }),
    map: fc.dictionary(name, tie('value'), { maxKeys: 2 }),
  }));
  const type = fc.constantFrom('AWS::IoT::Thing', 'AWS::IoT::Certificate', 'AWS::IoT::Policy', 'Other');
  const properties = fc.dictionary(
    fc.constantFrom('ThingName', 'CertificateId', 'PolicyName', 'ThingGroups'),
    value,
  );
  const template = fc.record({
    Parameters: fc.dictionary(fc.string(), fc.constant({ Type: 'String', Default: 'd' })),
    Resources: fc.dictionary(fc.string(), fc.record({ Type: type, Properties: properties }), { maxKeys: 3 }),
  });
  fc.assert(
    fc.property(
      fc.oneof(
        template.map((body) => JSON.stringify(body)),
        fc.json(),
        fc.string(),
      ),
      (text) => {
        try {
          planProvisioning(parseTemplateBody(text), { x: 'y' });
        } catch (error) {
          expect(error).toBeInstanceOf(TemplateError);
        }
      },
    ),
    { numRuns: 1000 },
  );
});
