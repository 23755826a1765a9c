import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { NotSeen, type Step } from '../src/step.js';
import { playStory, stepsFor, story } from '../src/story.js';
import type { World } from '../src/world.js';

// Played steps that look at nothing need no world.
const noWorld = {} as World;

function step(number: number, needs: number[], play?: Step['play']): Step {
  return { step: number, name: `step ${number}`, expected: '', needs, ...(play && { play }) };
}

test('the story has sixteen steps, in order, that need only earlier ones', () => {
  expect(story.map(({ step: number }) => number)).toEqual(
    Array.from({ length: 16 }, (_, index) => index + 1),
  );
  for (const { step: number, needs } of story)
    for (const needed of needs) expect(needed).toBeLessThan(number);
});

test('steps bring what they need', () => {
  expect(stepsFor([7]).map(({ step: number }) => number)).toEqual([1, 2, 3, 4, 5, 7]);
  expect(stepsFor([16, 2]).map(({ step: number }) => number)).toEqual([1, 2, 16]);
});

test('a step that is not built is neither passed nor failed; one whose need failed is not played', async () => {
  const outcomes = await playStory(
    [
      step(1, [], async () => 'seen'),
      step(2, [], async () => {
        throw new NotSeen('something else');
      }),
      step(3, []),
      step(4, [2], async () => 'never'),
    ],
    noWorld,
    () => undefined,
  );
  expect(outcomes.map(({ status, seen }) => [status, seen])).toEqual([
    ['passed', 'seen'],
    ['failed', 'something else'],
    ['not built yet', 'not built yet'],
    ['failed', 'not played, as step 2 was not seen'],
  ]);
});

async function validate(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const script = fileURLToPath(new URL('../bin/validate.js', import.meta.url));
  const child = spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString('utf8');
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString('utf8');
  });
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, stdout, stderr };
}

test('an unknown step is refused in a sentence', async () => {
  const { code, stdout, stderr } = await validate('--steps', '1,99');
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toContain('--steps');
  expect(stderr).not.toMatch(/^\s+at /m);
});

test('what is built is seen, and the JSON is all that is printed', async () => {
  const { code, stdout } = await validate('--json', '--quick', '--steps', '6,7,8,9,10,11,15');
  const outcomes = JSON.parse(stdout) as { step: number; status: string; seen: string }[];
  expect(outcomes.filter(({ status }) => status !== 'passed')).toEqual([]);
  expect(outcomes.map((outcome) => outcome.step)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 15]);
  expect(code).toBe(0);
}, 600_000);
