import fc from 'fast-check';
import { gt } from 'semver';
import { describe, expect, it } from 'vitest';
import {
  type Candidate,
  chooseVersions,
  isBrokenForFleet,
  lastGood,
} from '../../src/rollout/version-choice.js';

/** `1.0.1!` is broken. */
const candidates = (text: string): Candidate[] =>
  text
    .split(' ')
    .filter((word) => word !== '')
    .map((word) => ({ version: word.replace('!', ''), broken: word.endsWith('!') }));

interface Row {
  readonly says: string;
  readonly led: string;
  readonly corrupt?: string;
  readonly deployed?: Record<string, string>;
  readonly only?: string[];
  readonly without?: string[];
  /** `name version`, behind it what is held back. */
  readonly chosen: string[];
}

describe('chooseVersions', () => {
  it.each<Row>([
    { says: 'takes the newest', led: '1.0.0 1.0.1', chosen: ['led 1.0.1'] },
    { says: 'counts versions as numbers', led: '1.0.9 1.0.10', chosen: ['led 1.0.10'] },
    { says: 'holds a broken one back', led: '1.0.0 1.0.1!', chosen: ['led 1.0.0 (1.0.1)'] },
    { says: 'holds several back', led: '1.0.0 1.0.1! 1.0.2!', chosen: ['led 1.0.0 (1.0.2 1.0.1)'] },
    { says: 'offers a corrected one again', led: '1.0.0! 1.0.1', chosen: ['led 1.0.1'] },
    {
      says: 'leaves out what has no good version, and says so',
      led: '1.0.0',
      corrupt: '1.0.0!',
      chosen: ['corrupt - (1.0.0)', 'led 1.0.0'],
    },
    {
      says: 'leaves out what it is told to',
      led: '1.0.0',
      corrupt: '1.0.0',
      without: ['corrupt'],
      chosen: ['led 1.0.0'],
    },
    {
      says: 'replaces those that are named, and keeps the others',
      led: '1.0.0 1.0.1',
      corrupt: '1.0.0 1.0.1',
      deployed: { led: '1.0.0', corrupt: '1.0.0' },
      only: ['led'],
      chosen: ['corrupt 1.0.0', 'led 1.0.1'],
    },
    {
      says: 'does not add what is not named',
      led: '1.0.0',
      corrupt: '1.0.0',
      only: ['led'],
      chosen: ['led 1.0.0'],
    },
    {
      says: 'keeps no broken version either',
      led: '1.0.1',
      corrupt: '1.0.0 1.0.1! 1.0.2',
      deployed: { corrupt: '1.0.1' },
      only: ['led'],
      chosen: ['corrupt 1.0.0 (1.0.1)', 'led 1.0.1'],
    },
    {
      says: 'goes on without a version that was deployed and is deleted',
      led: '1.0.0',
      deployed: { led: '1.0.1', gone: '1.0.0' },
      only: ['led'],
      chosen: ['led 1.0.0'],
    },
  ])('$says', ({ led, corrupt, deployed = {}, only = [], without = [], chosen }) => {
    const published = {
      led: candidates(led),
      ...(corrupt !== undefined && { corrupt: candidates(corrupt) }),
    };
    const text = chooseVersions({ published, deployed, only, without }).map(
      ({ name, version = '-', heldBack }) =>
        `${name} ${version}${heldBack.length > 0 ? ` (${heldBack.join(' ')})` : ''}`,
    );
    expect(text).toEqual(chosen);
  });

  it('never chooses a broken version, and never passes over a good newer one', () => {
    const candidate = fc.record({ version: fc.nat(9).map((patch) => `1.0.${patch}`), broken: fc.boolean() });
    fc.assert(
      fc.property(fc.uniqueArray(candidate, { selector: ({ version }) => version }), (led) => {
        const [choice] = chooseVersions({ published: { led }, deployed: {}, only: [], without: [] });
        const good = led.filter(({ broken }) => !broken).map(({ version }) => version);
        expect(good.length === 0).toBe(choice?.version === undefined);
        if (choice?.version === undefined) return;
        expect(good).toContain(choice.version);
        expect(good.some((version) => gt(version, String(choice.version)))).toBe(false);
      }),
    );
  });
});

it.each([
  ['1.0.0 1.0.1 1.0.2!', '1.0.2', '1.0.1'],
  ['1.0.0 1.0.1! 1.0.2!', '1.0.2', '1.0.0'],
  ['1.0.0!', '1.0.0', undefined],
  ['1.0.0! 1.0.1', '1.0.0', undefined],
])('of %s the last good before %s is %s', (text, version, good) => {
  expect(lastGood(candidates(text), version)).toBe(good);
});

it.each([
  [0, 0, false],
  [1, 1, true],
  [1, 2, true],
  [1, 5, true],
  [1, 6, false],
  [1, 1000, false],
  [199, 1000, false],
  [200, 1000, true],
  [3, 0, true],
])('broken on %i of %i devices is broken for the fleet: %s', (broken, tried, expected) => {
  expect(isBrokenForFleet(broken, tried, 20)).toBe(expected);
});
