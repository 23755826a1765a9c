import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Workload } from '../../src/cost/designs.js';
import { compareDesigns, type Estimate } from '../../src/cost/estimate.js';
import { type Price, prices } from '../../src/cost/prices.js';
import { mooring } from '../commands/mooring.js';

/** The thesis's workload, its section 5.9. */
const ofThesis: Workload = { devices: 100, messageBytes: 10_240, perMinute: 1 };

function costOf({ services }: Estimate, name: string): number {
  return services.find(({ service }) => service === name)?.usd ?? 0;
}

function expectWithin5Percent(actual: number, expected: number): void {
  expect(Math.abs(actual - expected) / expected, `${actual} for ${expected}`).toBeLessThanOrEqual(0.05);
}

test.each([
  ['IoT Core', 14.09],
  ['Greengrass', 18.52],
  ['Device Defender', 0.13],
  ['S3', 0.06],
  ['ECR', 5.0],
  ['Lambda', 2.65],
])("the thesis's design costs for %s what the thesis says", (service, usd) => {
  // S3's 0.0637 USD are printed as 0.06.
  const { thesis } = compareDesigns(ofThesis);
  expectWithin5Percent(Number(costOf(thesis, service).toFixed(2)), usd);
});

test("the thesis's design costs in all what the thesis says", () => {
  expectWithin5Percent(compareDesigns(ofThesis).thesis.usd, 40.45);
});

test('ours costs less for the same workload', () => {
  const { thesis, ours } = compareDesigns(ofThesis);
  expect(ours.usd).toBeLessThan(thesis.usd);
});

test.each(['Basic Ingest', 'without Lambda', 'container images', 'OS image'])(
  'of the savings, the one of %s is named and saves something',
  (word) => {
    const { savings } = compareDesigns({ ...ofThesis, devices: 1000 });
    const named = savings.find(({ name }) => name.includes(word));
    expect(named, word).toBeDefined();
    expect(named?.usd).toBeGreaterThan(0);
  },
);

const workloads = fc.record({
  devices: fc.integer({ min: 1, max: 100_000 }),
  messageBytes: fc.integer({ min: 1, max: 131_072 }),
  perMinute: fc.double({ min: 0, max: 600, noNaN: true }),
});

test('the savings add up to the difference, whatever the workload', () => {
  fc.assert(
    fc.property(workloads, (workload) => {
      const { thesis, ours, savings } = compareDesigns(workload);
      const saved = savings.reduce((sum, { usd }) => sum + usd, 0);
      expect(saved).toBeCloseTo(thesis.usd - ours.usd, 3);
    }),
  );
});

test('more devices, larger or more messages never cost less', () => {
  fc.assert(
    fc.property(workloads, (workload) => {
      const { ours, thesis } = compareDesigns(workload);
      for (const more of [
        { ...workload, devices: workload.devices + 1 },
        { ...workload, messageBytes: workload.messageBytes + 5_120 },
        { ...workload, perMinute: workload.perMinute + 1 },
      ]) {
        const next = compareDesigns(more);
        expect(next.ours.usd).toBeGreaterThanOrEqual(ours.usd);
        expect(next.thesis.usd).toBeGreaterThanOrEqual(thesis.usd);
      }
    }),
  );
});

test('every price has a unit, a source and a date, and is used', () => {
  const { thesis, ours } = compareDesigns(ofThesis);
  const used = new Set<string>([...thesis.lines, ...ours.lines].map(({ price }) => price));
  for (const [name, price] of Object.entries<Price>(prices)) {
    expect(used.has(name), name).toBe(true);
    expect(price.usd).toBeGreaterThan(0);
    expect(price.unit).not.toBe('');
    expect(price.source).toMatch(/^https:\/\/aws\.amazon\.com\/|HES-SO/);
    expect(price.date).toMatch(/^\d{4}-\d{2}-\d{2}$/);
  }
});

test('the command prints both designs, and JSON for machines', async () => {
  const args = ['cost', '--devices', '100', '--message-bytes', '10240', '--per-minute', '1'];
  const people = await mooring(...args);
  expect(people.code).toBe(0);
  expect(people.stdout).toMatch(/^IoT Core +14\.09 +3\.58$/m);
  expect(people.stdout).toMatch(/^Total +40\.\d\d +2\d\.\d\d$/m);
  const machines = await mooring(...args, '--json');
  const { thesis, region } = JSON.parse(machines.stdout) as { thesis: { usd: number }; region: string };
  expectWithin5Percent(thesis.usd, 40.45);
  expect(region).toBe('eu-central-1');
});

test.each([
  [['--devices', '0'], '--devices'],
  [['--message-bytes', '200000'], '--message-bytes'],
  [['--per-minute', 'often'], '--per-minute'],
])('%j is refused, naming the option', async (args, option) => {
  const { code, stderr } = await mooring('cost', ...args);
  expect(code).not.toBe(0);
  expect(stderr).toContain(option);
});
