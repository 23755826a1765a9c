import { expect, it } from 'vitest';
import { compose, versionsOf } from '../../src/rollout/composition.js';
import { correct } from '../../src/rollout/correction.js';
import type { DeployedComponents } from '../../src/rollout/deployment.js';
import { sameDeployment } from '../../src/rollout/deployment.js';
import type { Candidate } from '../../src/rollout/version-choice.js';

const nothing = { merges: [], resets: [] };
const plain = (version: string) => ({ version, merge: {}, reset: [] });

it('puts the configuration in force below the declared one, and what is asked for on top', () => {
  const composed = compose(
    { led: '1.0.1' },
    { led: { version: '1.0.0', merge: { a: 1, b: 1, c: 1 }, reset: ['/old'] } },
    { led: { version: undefined, merge: { b: 2, c: 2 }, reset: [] } },
    { merges: [{ component: 'led', merge: { c: 3 } }], resets: [] },
  );
  expect(composed).toEqual({ led: { version: '1.0.1', merge: { a: 1, b: 2, c: 3 }, reset: [] } });
});

it('takes what is reset out of what was merged before', () => {
  const composed = compose(
    { led: '1.0.0' },
    { led: { version: '1.0.0', merge: { a: 1, b: { c: 1, d: 1 } }, reset: [] } },
    { led: { version: undefined, merge: { e: 1 }, reset: ['/a'] } },
    { merges: [], resets: [{ component: 'led', pointer: '/b/c' }] },
  );
  expect(composed).toEqual({
    led: { version: '1.0.0', merge: { b: { d: 1 }, e: 1 }, reset: ['/a', '/b/c'] },
  });
});

it('configures nothing that is not deployed', () => {
  const changes = { merges: [{ component: 'button', merge: {} }], resets: [] };
  expect(() => compose({ led: '1.0.0' }, {}, {}, changes)).toThrow(
    'button cannot be configured, as it is not in this deployment, which has led',
  );
});

it('composed again of what it made, a deployment is the same', () => {
  const declared = { led: { version: undefined, merge: { a: 1 }, reset: ['/b'] } };
  const once = compose({ led: '1.0.0' }, {}, declared, nothing);
  expect(sameDeployment(compose({ led: '1.0.0' }, once, declared, nothing), once)).toBe(true);
});

it('has no component that was left out', () => {
  const choices = [
    { name: 'led', version: '1.0.0', heldBack: [] },
    { name: 'corrupt', version: undefined, heldBack: ['1.0.0'] },
  ];
  expect(versionsOf(choices)).toEqual({ led: '1.0.0' });
});

it.each<[string, DeployedComponents, DeployedComponents, boolean]>([
  ['nothing', {}, {}, true],
  [
    'equal members in another order',
    { a: plain('1.0.0'), b: plain('1.0.0') },
    { b: plain('1.0.0'), a: plain('1.0.0') },
    true,
  ],
  ['another version', { a: plain('1.0.1') }, { a: plain('1.0.0') }, false],
  ['one more', { a: plain('1.0.0') }, {}, false],
  ['one less', {}, { a: plain('1.0.0') }, false],
  ['another configuration', { a: { ...plain('1.0.0'), merge: { x: 1 } } }, { a: plain('1.0.0') }, false],
  ['what was reset before', { a: plain('1.0.0') }, { a: { ...plain('1.0.0'), reset: ['/x'] } }, true],
  ['what is to be reset now', { a: { ...plain('1.0.0'), reset: ['/x'] } }, { a: plain('1.0.0') }, false],
])('%s changes a deployment as it should', (_what, wanted, inForce, same) => {
  expect(sameDeployment(wanted, inForce)).toBe(same);
});

const deployed = { led: plain('1.0.1'), corrupt: plain('1.0.0') };

interface Correction {
  readonly says: string;
  readonly broken: string[];
  readonly candidates: Record<string, Candidate[]>;
  readonly hasOthers: boolean;
  readonly left: string[];
}

it.each<Correction>([
  {
    says: 'the last good version comes back, by itself',
    broken: ['led'],
    candidates: {
      led: [
        { version: '1.0.0', broken: false },
        { version: '1.0.1', broken: true },
      ],
    },
    hasOthers: false,
    left: ['led 1.0.0', 'corrupt 1.0.0'],
  },
  {
    says: 'what never was anything else stays for all to see',
    broken: ['corrupt'],
    candidates: { corrupt: [{ version: '1.0.0', broken: true }] },
    hasOthers: false,
    left: ['led 1.0.1', 'corrupt 1.0.0'],
  },
  {
    says: 'but is offered to nobody else',
    broken: ['corrupt'],
    candidates: { corrupt: [{ version: '1.0.0', broken: true }] },
    hasOthers: true,
    left: ['led 1.0.1'],
  },
  {
    says: 'what has only broken versions goes',
    broken: ['led'],
    candidates: {
      led: [
        { version: '1.0.0', broken: true },
        { version: '1.0.1', broken: true },
      ],
    },
    hasOthers: false,
    left: ['corrupt 1.0.0'],
  },
  {
    says: 'what is not in the deployment does not matter',
    broken: ['other'],
    candidates: {},
    hasOthers: true,
    left: ['led 1.0.1', 'corrupt 1.0.0'],
  },
])('$says', ({ broken, candidates, hasOthers, left }) => {
  const { components, takenBack } = correct(deployed, broken, candidates, hasOthers);
  expect(Object.entries(components).map(([name, { version }]) => `${name} ${version}`)).toEqual(left);
  expect(takenBack.length === 0).toBe(sameDeployment(components, deployed));
});
