import { describe, expect, it } from 'vitest';
import { CloudRefusal } from '../../src/deploy/cloud.js';
import { DeployError } from '../../src/deploy/deploy-error.js';
import type { Plan } from '../../src/deploy/engine-ports.js';
import { UNKNOWN } from '../../src/deploy/json.js';
import type { Step } from '../../src/deploy/plan.js';
import { planJson, renderPlan, renderProgress, renderResult } from '../../src/deploy/render.js';

const plain = (_: string, text: string) => text;
const resource = (name: string, type: string, identifier?: string) => ({
  key: name,
  name,
  type,
  ...(identifier && { identifier }),
});
const steps: Step[] = [
  { kind: 'create', resource: resource('new', 'AWS::IoT::Policy') },
  {
    kind: 'update',
    resource: resource('hook', 'AWS::Lambda::Function', 'Hook'),
    changes: [
      { path: ['Timeout'], before: 3, after: 5 },
      { path: ['Role'], before: 'a', after: UNKNOWN },
      { path: ['Description'], before: 'old' },
      { path: ['Environment', 'Variables', 'A'], after: 'x' },
      { path: ['Code'], before: 'x'.repeat(60), after: 'short' },
    ],
  },
  {
    kind: 'replace',
    resource: resource('group', 'AWS::IoT::ThingGroup', 'G'),
    changes: [{ path: ['ThingGroupName'], before: 'G', after: 'H' }],
    because: ['ThingGroupName'],
    order: 'create-first',
  },
  { kind: 'delete', resource: resource('old', 'AWS::S3::Bucket', 'b'), retained: false },
  { kind: 'delete', resource: resource('data', 'AWS::S3::Bucket', 'd'), retained: true },
  { kind: 'same', resource: resource('kept', 'AWS::IAM::Role', 'r') },
];
const plan: Plan = { steps, changes: true };
const counts = { created: 1, updated: 1, replaced: 1, deleted: 2, same: 1 };

describe('renderPlan', () => {
  it('lists what is to change, and counts the rest', () => {
    expect(renderPlan(plan, plain)).toBe(
      [
        'PLAN       RESOURCE  TYPE                   CHANGES',
        '+ create   new       AWS::IoT::Policy',
        '~ update   hook      AWS::Lambda::Function  Timeout: 3 → 5, Role: "a" → (known later), Description removed, Environment.Variables.A: "x", Code: … → "short"',
        '± replace  group     AWS::IoT::ThingGroup   ThingGroupName: "G" → "H" (ThingGroupName cannot change in place)',
        '- delete   old       AWS::S3::Bucket',
        '- delete   data      AWS::S3::Bucket        stays in the cloud, is forgotten here',
        '1 to create, 1 to update, 1 to replace, 2 to delete, 1 unchanged',
      ].join('\n'),
    );
  });

  it('says that nothing is to change', () => {
    expect(renderPlan({ steps: steps.slice(-1), changes: false }, plain)).toBe(
      'No changes: 1 resources are as the program says',
    );
  });
});

describe('renderResult', () => {
  it('counts what was done', () => {
    expect(renderResult({ plan, result: counts })).toBe(
      'Deployed: 1 created, 1 updated, 1 replaced, 2 deleted, 1 unchanged',
    );
    const none = { created: 0, updated: 0, replaced: 0, deleted: 0, same: 15 };
    expect(renderResult({ plan: { steps: [], changes: false }, result: none })).toBe(
      'No changes: 15 resources are as the program says',
    );
  });
});

describe('renderProgress', () => {
  it('tells of beginnings and of what an interrupted run left', () => {
    const [step] = steps;
    if (step === undefined) throw new Error('there is no step');
    expect(renderProgress({ kind: 'started', step })).toBe('+ create new (AWS::IoT::Policy)');
    expect(renderProgress({ kind: 'finished', step })).toBeUndefined();
    expect(
      renderProgress({
        kind: 'recovered',
        recovery: { operation: 'create', name: 'new', type: 'AWS::IoT::Policy', outcome: 'done' },
      }),
    ).toBe('An interrupted run had begun to create new (AWS::IoT::Policy): it was done');
  });
});

describe('planJson', () => {
  it('is JSON, with what is not known marked', () => {
    expect(JSON.parse(JSON.stringify(planJson(plan)))).toMatchObject({
      changes: true,
      steps: [
        { action: 'create', name: 'new', type: 'AWS::IoT::Policy' },
        {
          action: 'update',
          identifier: 'Hook',
          properties: [
            { property: 'Timeout', before: 3, after: 5 },
            { property: 'Role', before: 'a', unknown: true },
            { property: 'Description', before: 'old' },
            { property: 'Environment.Variables.A', after: 'x' },
            { property: 'Code' },
          ],
        },
        { action: 'replace', because: ['ThingGroupName'] },
        { action: 'delete' },
        { action: 'delete' },
        { action: 'same' },
      ],
    });
  });
});

describe('DeployError', () => {
  it('names each resource and what the cloud said', () => {
    const error = new DeployError([
      {
        operation: 'update',
        resource: resource('hook', 'AWS::Lambda::Function', 'Hook'),
        error: new CloudRefusal('InvalidRequest', 'no such role'),
      },
    ]);
    expect(error.message).toBe(
      'Could not update hook (AWS::Lambda::Function Hook): InvalidRequest: no such role\n' +
        'What was done is recorded: correct the cause and deploy again, the next run goes on from here',
    );
  });
});
