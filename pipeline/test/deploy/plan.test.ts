import { describe, expect, it } from 'vitest';
import { UNKNOWN, type ValueObject } from '../../src/deploy/json.js';
import {
  type DesiredResource,
  identifierOf,
  patchOf,
  planDeletions,
  planResource,
} from '../../src/deploy/plan.js';
import { parseResourceSchema } from '../../src/deploy/resource-schema.js';
import { parseState, type StoredResource } from '../../src/deploy/state.js';
import { publishedSchema } from './published-schemas.js';

const desired = (type: string, properties: ValueObject): DesiredResource => ({
  key: `key:${type}`,
  name: 'it',
  type,
  properties,
  dependencies: [],
  options: { retainOnDelete: false, protect: false, deleteBeforeReplace: false, replaceOnChanges: [] },
});
const stored = (type: string, inputs: StoredResource['inputs']): StoredResource => ({
  key: `key:${type}`,
  name: 'it',
  type,
  identifier: 'id',
  inputs,
  properties: {},
  dependencies: [],
});
const plan = (type: string, before: StoredResource['inputs'], after: ValueObject) =>
  planResource(desired(type, after), stored(type, before), publishedSchema(type));

describe('planResource', () => {
  it('changes a policy document in place, and tells which part', () => {
    expect(
      plan(
        'AWS::IoT::Policy',
        { PolicyName: 'p', PolicyDocument: { Version: '1', Statement: [1] } },
        { PolicyName: 'p', PolicyDocument: { Version: '1', Statement: [1, 2] } },
      ),
    ).toMatchObject({
      kind: 'update',
      changes: [{ path: ['PolicyDocument', 'Statement'], before: [1], after: [1, 2] }],
    });
  });

  it('takes the order of members for nothing, that of elements for a change', () => {
    expect(
      plan(
        'AWS::IoT::Policy',
        { PolicyDocument: { a: 1, b: [1, 2] } },
        { PolicyDocument: { b: [1, 2], a: 1 } },
      ).kind,
    ).toBe('same');
    expect(plan('AWS::IoT::Policy', { PolicyDocument: [1, 2] }, { PolicyDocument: [2, 1] }).kind).toBe(
      'update',
    );
  });

  it('replaces a policy under a new name, a permission for any change', () => {
    expect(plan('AWS::IoT::Policy', { PolicyName: 'p' }, { PolicyName: 'q' })).toMatchObject({
      kind: 'replace',
      because: ['PolicyName'],
      order: 'create-first',
    });
    expect(
      plan(
        'AWS::Lambda::Permission',
        { FunctionName: 'f', SourceArn: 'a' },
        { FunctionName: 'f', SourceArn: 'b' },
      ),
    ).toMatchObject({ kind: 'replace', because: ['SourceArn'], order: 'create-first' });
  });

  it('replaces a group whose name stays by deleting it first', () => {
    expect(
      plan('AWS::IoT::ThingGroup', { ThingGroupName: 'g' }, { ThingGroupName: 'g', ParentGroupName: 'p' }),
    ).toMatchObject({ kind: 'replace', because: ['ParentGroupName'], order: 'delete-first' });
  });

  it('counts what is not known yet as changed', () => {
    expect(plan('AWS::IoT::RoleAlias', { RoleArn: 'a' }, { RoleArn: UNKNOWN })).toMatchObject({
      kind: 'update',
      changes: [{ path: ['RoleArn'], before: 'a', after: UNKNOWN }],
    });
    expect(plan('AWS::Lambda::Permission', { FunctionName: 'f' }, { FunctionName: UNKNOWN }).kind).toBe(
      'replace',
    );
  });

  it('finds create-only properties below and above a change', () => {
    const schema = parseResourceSchema(
      'AWS::Test::Deep',
      JSON.stringify({
        typeName: 'AWS::Test::Deep',
        properties: { A: { type: 'object' }, Id: { type: 'string' } },
        createOnlyProperties: ['/properties/A/B'],
        primaryIdentifier: ['/properties/Id'],
        readOnlyProperties: ['/properties/Id'],
      }),
    );
    const step = (before: StoredResource['inputs'], after: ValueObject) =>
      planResource(desired('AWS::Test::Deep', after), stored('AWS::Test::Deep', before), schema).kind;
    expect(step({ A: { B: { C: 1 } } }, { A: { B: { C: 2 } } })).toBe('replace');
    expect(step({ A: { B: 1, D: 1 } }, { A: { B: 1, D: 2 } })).toBe('update');
    expect(step({}, { A: { B: 1 } })).toBe('replace');
  });
});

describe('patchOf', () => {
  it('writes whole properties, removes what is gone, and sends write-only ones along', () => {
    const schema = publishedSchema('AWS::Lambda::Function');
    const before = { FunctionName: 'f', Code: { S3Key: 'k' }, Timeout: 3, Description: 'old' };
    expect(patchOf(before, { FunctionName: 'f', Code: { S3Key: 'k' }, Timeout: 5 }, schema)).toEqual([
      { op: 'add', path: '/Code', value: { S3Key: 'k' } },
      { op: 'add', path: '/Timeout', value: 5 },
      { op: 'remove', path: '/Description' },
    ]);
  });
});

describe('identifierOf', () => {
  it('joins the parts of an identifier, unless the cloud chooses one', () => {
    expect(identifierOf({ ThingGroupName: 'g' }, publishedSchema('AWS::IoT::ThingGroup'))).toBe('g');
    expect(identifierOf({ FunctionName: 'f', Id: 'i' }, publishedSchema('AWS::Lambda::Permission'))).toBe(
      'f|i',
    );
    expect(identifierOf({ FunctionName: 'f' }, publishedSchema('AWS::Lambda::Permission'))).toBeUndefined();
  });
});

describe('planDeletions', () => {
  it('puts dependents before what they depend on, however the state is ordered', () => {
    const resource = (key: string, ...dependencies: string[]): StoredResource => ({
      ...stored('T', {}),
      key,
      dependencies,
    });
    const state = {
      version: 1 as const,
      stack: 's',
      resources: [resource('c', 'b'), resource('a'), resource('kept'), resource('b', 'a')],
    };
    expect(planDeletions(state, new Set(['kept'])).map(({ key }) => key)).toEqual(['c', 'b', 'a']);
  });
});

describe('parseState', () => {
  it.each([
    ['{', /damaged/],
    ['{"version":1,"stack":"s","resources":[{}]}', /damaged \(resources\.0\.key: /],
    ['{"version":2}', /of version 2, written by a newer mooring/],
  ])('refuses %s', (text, message) => {
    expect(() => parseState('s', text)).toThrow(message);
  });
});
