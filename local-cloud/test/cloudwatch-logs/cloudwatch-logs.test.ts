import {
  CloudWatchLogsClient,
  CreateLogGroupCommand,
  CreateLogStreamCommand,
  DeleteLogGroupCommand,
  DeleteRetentionPolicyCommand,
  DescribeLogGroupsCommand,
  DescribeLogStreamsCommand,
  FilterLogEventsCommand,
  type FilterLogEventsCommandInput,
  GetLogEventsCommand,
  ListTagsForResourceCommand,
  PutLogEventsCommand,
  PutRetentionPolicyCommand,
  StartQueryCommand,
  TagResourceCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { ManualClock } from '../../src/clock.js';
import type { LocalCloud } from '../../src/local-cloud.js';
import { messageFilter } from '../../src/services/cloudwatch-logs/filter-pattern.js';
import { clientConfig, startCloud } from '../support/cloud.js';
import { roleSession } from '../support/role-session.js';

const clock = new ManualClock(Date.now());
const start = clock.now();
const DAY = 86_400_000;
let cloud: LocalCloud;
let logs: CloudWatchLogsClient;

beforeAll(async () => {
  cloud = await startCloud({ clock });
  logs = new CloudWatchLogsClient({ ...clientConfig(cloud), maxAttempts: 1 });
});

async function stream(logGroupName: string, ...logStreamNames: string[]): Promise<void> {
  await logs.send(new CreateLogGroupCommand({ logGroupName }));
  for (const logStreamName of logStreamNames) {
    await logs.send(new CreateLogStreamCommand({ logGroupName, logStreamName }));
  }
}

function put(logGroupName: string, logStreamName: string, ...messages: string[]) {
  const logEvents = messages.map((message, index) => ({ timestamp: start + index, message }));
  return logs.send(new PutLogEventsCommand({ logGroupName, logStreamName, logEvents }));
}

test('groups are made, described, tagged, given a retention, and deleted', async () => {
  await stream('/aws/lambda/a');
  await expect(stream('/aws/lambda/a')).rejects.toMatchObject({ name: 'ResourceAlreadyExistsException' });
  await expect(stream('no spaces')).rejects.toMatchObject({ name: 'InvalidParameterException' });
  await logs.send(new PutRetentionPolicyCommand({ logGroupName: '/aws/lambda/a', retentionInDays: 7 }));
  await expect(
    logs.send(new PutRetentionPolicyCommand({ logGroupName: '/aws/lambda/a', retentionInDays: 8 })),
  ).rejects.toMatchObject({ name: 'InvalidParameterException' });
  const describe = async () =>
    (await logs.send(new DescribeLogGroupsCommand({ logGroupNamePrefix: '/aws/lambda/' }))).logGroups?.[0];
  const group = await describe();
  expect(group).toMatchObject({
    arn: 'arn:aws:logs:eu-central-1:000000000000:log-group:/aws/lambda/a:*',
    retentionInDays: 7,
    logGroupClass: 'STANDARD',
  });
  await logs.send(new DeleteRetentionPolicyCommand({ logGroupName: '/aws/lambda/a' }));
  expect((await describe())?.retentionInDays).toBeUndefined();
  const resourceArn = group?.logGroupArn ?? '';
  await logs.send(new TagResourceCommand({ resourceArn, tags: { team: 'x' } }));
  await expect(logs.send(new ListTagsForResourceCommand({ resourceArn }))).resolves.toMatchObject({
    tags: { team: 'x' },
  });
  await logs.send(new DeleteLogGroupCommand({ logGroupName: '/aws/lambda/a' }));
  expect(await describe()).toBeUndefined();
});

test('events come back in order, forwards and backwards, page by page', async () => {
  await stream('paged', 's');
  await put('paged', 's', 'zero', 'one', 'two', 'three', 'four');
  const get = async (extra: object) => {
    const page = await logs.send(
      new GetLogEventsCommand({ logGroupName: 'paged', logStreamName: 's', limit: 2, ...extra }),
    );
    return { ...page, messages: page.events?.map(({ message }) => message) };
  };
  const first = await get({ startFromHead: true });
  expect(first.messages).toEqual(['zero', 'one']);
  const second = await get({ nextToken: first.nextForwardToken });
  expect(second.messages).toEqual(['two', 'three']);
  const third = await get({ nextToken: second.nextForwardToken });
  expect(third.messages).toEqual(['four']);
  const end = await get({ nextToken: third.nextForwardToken });
  expect([end.messages, end.nextForwardToken]).toEqual([[], third.nextForwardToken]);
  expect((await get({ nextToken: third.nextBackwardToken })).messages).toEqual(['two', 'three']);
  expect((await get({})).messages).toEqual(['three', 'four']);
  await expect(get({ nextToken: 'nonsense' })).rejects.toMatchObject({ name: 'InvalidParameterException' });
});

test('a batch must be in order; events too old or too new are named', async () => {
  await stream('batches', 's');
  const send = (...offsets: number[]) =>
    logs.send(
      new PutLogEventsCommand({
        logGroupName: 'batches',
        logStreamName: 's',
        logEvents: offsets.map((offset) => ({ timestamp: clock.now() + offset, message: String(offset) })),
      }),
    );
  await expect(send(5, 4)).rejects.toMatchObject({ name: 'InvalidParameterException' });
  await expect(send(0, 2 * DAY)).rejects.toMatchObject({ name: 'InvalidParameterException' });
  expect((await send(0, DAY / 2)).rejectedLogEventsInfo).toEqual({ tooNewLogEventStartIndex: 1 });
  expect((await send(-15 * DAY)).rejectedLogEventsInfo).toEqual({ tooOldLogEventEndIndex: 1 });
  await expect(put('batches', 'other', 'x')).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
});

test('events of all streams are filtered and merged by time', async () => {
  await stream('merged', 'a', 'b');
  await put('merged', 'a', 'START x', 'error: one', 'fine');
  await put('merged', 'b', 'START y', 'ERROR two', 'error: three');
  const filter = async (input: Partial<FilterLogEventsCommandInput>) => {
    const messages: (string | undefined)[] = [];
    let nextToken: string | undefined;
    do {
      const page = await logs.send(
        new FilterLogEventsCommand({ logGroupName: 'merged', limit: 1, nextToken, ...input }),
      );
      messages.push(...(page.events ?? []).map(({ message }) => message));
      nextToken = page.nextToken;
    } while (nextToken);
    return messages;
  };
  expect(await filter({})).toEqual(['START x', 'START y', 'error: one', 'ERROR two', 'fine', 'error: three']);
  expect(await filter({ filterPattern: '"error:"' })).toEqual(['error: one', 'error: three']);
  expect(await filter({ filterPattern: '?ERROR ?fine' })).toEqual(['ERROR two', 'fine']);
  expect(await filter({ logStreamNamePrefix: 'b', filterPattern: '-START' })).toEqual([
    'ERROR two',
    'error: three',
  ]);
  await expect(filter({ filterPattern: '{ $.a = 1 }' })).rejects.toMatchObject({
    name: 'InvalidParameterException',
  });
});

test('retention hides and removes what is older', async () => {
  await stream('kept', 's');
  await put('kept', 's', 'old');
  await logs.send(new PutRetentionPolicyCommand({ logGroupName: 'kept', retentionInDays: 1 }));
  clock.advance(DAY + 60_000);
  // The requests' own clock is the system's: the account's key is not bound to it.
  const { events } = await logs.send(new GetLogEventsCommand({ logGroupName: 'kept', logStreamName: 's' }));
  expect(events).toEqual([]);
});

test('streams are described by name or by their last event', async () => {
  await stream('streams', 'x', 'y', 'z');
  await put('streams', 'y', '1', '2', '3');
  await put('streams', 'x', '1');
  const names = async (input: object) =>
    (await logs.send(new DescribeLogStreamsCommand({ logGroupName: 'streams', ...input }))).logStreams?.map(
      ({ logStreamName }) => logStreamName,
    );
  expect(await names({})).toEqual(['x', 'y', 'z']);
  expect(await names({ orderBy: 'LastEventTime', descending: true })).toEqual(['y', 'x', 'z']);
});

test('a session of a role writes to the groups that its policies name', async () => {
  const own = await startCloud();
  const admin = new CloudWatchLogsClient(clientConfig(own));
  for (const logGroupName of ['mine', 'yours']) {
    await admin.send(new CreateLogGroupCommand({ logGroupName }));
    await admin.send(new CreateLogStreamCommand({ logGroupName, logStreamName: 's' }));
  }
  const session = new CloudWatchLogsClient(
    await roleSession(own, 'writer', [
      {
        Effect: 'Allow',
        Action: ['logs:CreateLogStream', 'logs:PutLogEvents'],
        Resource: 'arn:aws:logs:eu-central-1:000000000000:log-group:mine:*',
      },
    ]),
  );
  const write = (logGroupName: string) =>
    session.send(
      new PutLogEventsCommand({
        logGroupName,
        logStreamName: 's',
        logEvents: [{ timestamp: Date.now(), message: 'x' }],
      }),
    );
  await write('mine');
  await expect(write('yours')).rejects.toMatchObject({
    name: 'AccessDeniedException',
    message: expect.stringContaining('logs:PutLogEvents on resource'),
  });
  await expect(session.send(new CreateLogGroupCommand({ logGroupName: 'new' }))).rejects.toMatchObject({
    name: 'AccessDeniedException',
  });
});

test('what is not built says so by name', async () => {
  await expect(
    logs.send(new StartQueryCommand({ queryString: 'fields @message', startTime: 0, endTime: 1 })),
  ).rejects.toMatchObject({
    name: 'NotImplementedException',
    message: expect.stringContaining('StartQuery'),
  });
});

describe('filter patterns', () => {
  test.each([
    ['', 'anything', true],
    ['a b', 'b and a', true],
    ['a b', 'a alone', false],
    ['"a b"', 'xa bx', true],
    ['"say \\"hi\\""', 'say "hi"', true],
    ['error -timeout', 'error: timeout', false],
    ['error -timeout', 'error: other', true],
    ['%4[0-9][0-9]%', 'status 404', true],
    ['%4[0-9][0-9]%', 'status 500', false],
  ])('%s and %s: %s', (pattern, message, expected) => {
    expect(messageFilter(pattern)(message)).toBe(expected);
  });

  test('any pattern filters or is refused', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (pattern, message) => {
        try {
          messageFilter(pattern)(message);
        } catch (error) {
          expect(error).toMatchObject({ name: 'InvalidParameterException' });
        }
      }),
    );
  });
});
