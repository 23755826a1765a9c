import { expect, test } from 'vitest';
import { ManualClock } from '../../../src/clock.js';
import { AwsError } from '../../../src/errors.js';
import type { PreparedAction } from '../../../src/services/iot/rules/actions/action.js';
import type { Rule } from '../../../src/services/iot/rules/rule.js';
import { Runner } from '../../../src/services/iot/rules/runner.js';

const message = {
  topic: 'a',
  payload: Buffer.from('{}'),
  qos: 1 as const,
  clientId: undefined,
  principal: undefined,
  timestamp: 0,
  properties: {},
};
const output = { payload: message.payload, value: {} };
const chain = () => ({ hops: 0, republished: { count: 0 } });

/** An action that fails so many times. */
function failing(times: number, error: Error): PreparedAction & { attempts: number } {
  const action = {
    ...{ name: 'TestAction', member: 'test', failure: 'Failed to test', service: 'Test', target: 'target' },
    attempts: 0,
    plan: () => ({
      resource: 'resource',
      details: 'Resource: resource',
      async perform() {
        action.attempts += 1;
        if (action.attempts <= times) throw error;
      },
    }),
  };
  return action;
}

function ruleWith(...actions: PreparedAction[]): Rule {
  return {
    record: { ruleName: 'r', payload: { sql: '', actions: [] }, disabled: false, created: 0 },
    arn: 'arn:aws:iot:eu-central-1:000000000000:rule/r',
    statement: { topicFilter: 'a', run: () => output, template: (text) => () => text },
    sql: { accountId: '000000000000' },
    actions,
    errorAction: undefined,
  };
}

/** Moves time until the work has ended. */
async function finish<T>(clock: ManualClock, work: Promise<T>): Promise<T> {
  let ended = false;
  void work.finally(() => {
    ended = true;
  });
  while (!ended) {
    clock.advance(500);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return work;
}

test('what fails for the other service’s sake is tried three times, what the rule is to blame for once', async () => {
  const clock = new ManualClock();
  const logged: unknown[] = [];
  const runner = new Runner(clock, (_level, _message, fields) => logged.push(fields?.error));
  const recovering = failing(2, new AwsError('TooManyRequestsException', 'Rate exceeded', 429));
  const broken = failing(9, new AwsError('InternalError', 'We encountered an internal error', 500));
  const wrong = failing(9, new AwsError('NoSuchBucket', 'The specified bucket does not exist', 404));
  const rule = ruleWith(recovering, broken, wrong);
  expect(await finish(clock, runner.run(rule, message, output, chain()))).toBe(true);
  expect([recovering.attempts, broken.attempts, wrong.attempts]).toEqual([3, 3, 1]);
  expect(logged.sort()).toEqual([
    'Failed to test. The error received was The specified bucket does not exist (Service: Test; Status Code: 404; Error Code: NoSuchBucket). Message arrived on: a, Action: test, Resource: resource',
    'Failed to test. The error received was We encountered an internal error (Service: Test; Status Code: 500; Error Code: InternalError). Message arrived on: a, Action: test, Resource: resource',
  ]);
});

test('a run that is ended while it waits is not done', async () => {
  const runner = new Runner(new ManualClock(), () => {});
  const waiting = failing(9, new AwsError('InternalError', 'later', 500));
  const run = runner.run(ruleWith(waiting), message, output, chain());
  await expect.poll(() => waiting.attempts).toBe(1);
  runner.end();
  expect(await run).toBe(false);
});
