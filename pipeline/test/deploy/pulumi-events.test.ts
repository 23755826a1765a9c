import type { StepEventMetadata } from '@pulumi/pulumi/automation/index.js';
import { describe, expect, it } from 'vitest';
import { countsOf, planOfEvents, stepOf } from '../../src/deploy/pulumi-events.js';

const URN = 'urn:pulumi:dev::mooring::aws-native:iot:Policy::device-policy';
const metadata = (more: Partial<StepEventMetadata>): StepEventMetadata => ({
  op: 'create',
  urn: URN,
  type: 'aws-native:iot:Policy',
  provider: '',
  ...more,
});
const state = (id: string, inputs: Record<string, unknown>, more = {}) => ({
  type: 'aws-native:iot:Policy',
  urn: URN,
  id,
  parent: '',
  inputs,
  outputs: {},
  provider: '',
  ...more,
});
const resource = { key: URN, name: 'device-policy', type: 'AWS::IoT::Policy' };

describe('stepOf', () => {
  it('tells the steps of Pulumi in the words of a plan', () => {
    expect(stepOf(metadata({}))).toEqual({ kind: 'create', resource });
    expect(stepOf(metadata({ op: 'same', old: state('P', {}) }))).toEqual({
      kind: 'same',
      resource: { ...resource, identifier: 'P' },
    });
    expect(
      stepOf(
        metadata({
          op: 'update',
          diffs: ['policyDocument', 'gone'],
          old: state('P', { policyDocument: 1, gone: true }),
          new: state('P', { policyDocument: 2 }),
        }),
      ),
    ).toEqual({
      kind: 'update',
      resource: { ...resource, identifier: 'P' },
      changes: [
        { path: ['policyDocument'], before: 1, after: 2 },
        { path: ['gone'], before: true },
      ],
    });
    expect(stepOf(metadata({ op: 'replace', keys: ['policyName'], diffs: ['policyName'] }))).toMatchObject({
      kind: 'replace',
      because: ['policyName'],
    });
    expect(stepOf(metadata({ op: 'delete', old: state('P', {}, { retainOnDelete: true }) }))).toMatchObject({
      kind: 'delete',
      retained: true,
    });
  });

  it('leaves out the stack, providers, and the halves of a replacement', () => {
    expect(stepOf(metadata({ type: 'pulumi:pulumi:Stack' }))).toBeUndefined();
    expect(stepOf(metadata({ type: 'pulumi:providers:aws-native' }))).toBeUndefined();
    expect(stepOf(metadata({ op: 'create-replacement' }))).toBeUndefined();
    expect(stepOf(metadata({ op: 'delete-replaced' }))).toBeUndefined();
  });
});

describe('planOfEvents', () => {
  it('keeps the order, and knows whether anything is to change', () => {
    const event = (op: StepEventMetadata['op']) => ({
      sequence: 0,
      timestamp: 0,
      resourcePreEvent: { metadata: metadata({ op }) },
    });
    expect(planOfEvents([{ sequence: 0, timestamp: 0 }, event('same')])).toMatchObject({
      changes: false,
      steps: [{ kind: 'same' }],
    });
    expect(planOfEvents([event('same'), event('create')]).changes).toBe(true);
  });
});

describe('countsOf', () => {
  it('counts what an update did', () => {
    expect(countsOf({ create: 1, update: 2, replace: 3, delete: 4, same: 5 })).toEqual({
      created: 1,
      updated: 2,
      replaced: 3,
      deleted: 4,
      same: 5,
    });
    expect(countsOf(undefined)).toEqual({ created: 0, updated: 0, replaced: 0, deleted: 0, same: 0 });
  });
});
