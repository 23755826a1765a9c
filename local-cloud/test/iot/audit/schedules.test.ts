import {
  CreateScheduledAuditCommand,
  type CreateScheduledAuditCommandInput,
  DeleteAccountAuditConfigurationCommand,
  DeleteScheduledAuditCommand,
  DescribeScheduledAuditCommand,
  type IoTClient,
  ListAuditTasksCommand,
  ListScheduledAuditsCommand,
  ListTagsForResourceCommand,
  UpdateAccountAuditConfigurationCommand,
  UpdateScheduledAuditCommand,
} from '@aws-sdk/client-iot';
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { ManualClock } from '../../../src/clock.js';
import { nextRun } from '../../../src/services/iot/audit/calendar.js';
import { temporaryDirectory } from '../cloud.js';
import { auditCloud, configure, DAY, EXPIRING, ended, until } from './support.js';

const daily: CreateScheduledAuditCommandInput = {
  scheduledAuditName: 'daily',
  frequency: 'DAILY',
  targetCheckNames: [EXPIRING],
};

async function tasks(iot: IoTClient, clock: ManualClock): Promise<string[]> {
  const range = { startTime: new Date(clock.now() - 89 * DAY), endTime: new Date(clock.now()) };
  const { tasks = [] } = await iot.send(new ListAuditTasksCommand({ ...range, maxResults: 250 }));
  return tasks.map(({ taskId = '' }) => taskId);
}

test('a scheduled audit takes place every day, tells of itself, and makes up once for what it missed', async () => {
  const directory = temporaryDirectory();
  onTestFinished(directory.remove);
  const clock = new ManualClock(Date.UTC(2026, 0, 1, 12));
  const first = await auditCloud({ stateDirectory: directory.path }, clock);
  await configure(first.iot, EXPIRING);
  const { scheduledAuditArn } = await first.iot.send(
    new CreateScheduledAuditCommand({ ...daily, tags: [{ Key: 'k', Value: 'v' }] }),
  );
  expect(scheduledAuditArn).toBe('arn:aws:iot:eu-central-1:000000000000:scheduledaudit/daily');
  const { tags } = await first.iot.send(new ListTagsForResourceCommand({ resourceArn: scheduledAuditArn }));
  expect(tags).toEqual([{ Key: 'k', Value: 'v' }]);
  expect(await tasks(first.iot, clock)).toEqual([]);
  clock.advance(DAY);
  const [taskId = ''] = await tasks(first.iot, clock);
  expect(await ended(first.iot, taskId)).toMatchObject({
    taskStatus: 'COMPLETED',
    taskType: 'SCHEDULED_AUDIT_TASK',
    scheduledAuditName: 'daily',
    taskStartTime: new Date(Date.UTC(2026, 0, 2)),
  });
  const { message } = await until(() => first.published[0]);
  expect(message).toMatchObject({ scheduledAuditName: 'daily', compliantChecksCount: 1 });

  await first.cloud.close();
  clock.advance(3.5 * DAY);
  const second = await auditCloud({ stateDirectory: directory.path }, clock);
  expect(await tasks(second.iot, clock)).toHaveLength(2);
  clock.advance(DAY);
  expect(await tasks(second.iot, clock)).toHaveLength(3);
  await second.iot.send(new DeleteScheduledAuditCommand({ scheduledAuditName: 'daily' }));
  clock.advance(3 * DAY);
  expect(await tasks(second.iot, clock)).toHaveLength(3);
});

test('scheduled audits are created, listed, changed and deleted', async () => {
  const { iot } = await auditCloud();
  const invalid = { name: 'InvalidRequestException' };
  const create = (input: Partial<CreateScheduledAuditCommandInput>) =>
    iot.send(new CreateScheduledAuditCommand({ ...daily, ...input }));
  await expect(create({})).rejects.toMatchObject(invalid);
  await configure(iot, EXPIRING);
  const wrong: Partial<CreateScheduledAuditCommandInput>[] = [
    { frequency: 'WEEKLY' },
    { frequency: 'MONTHLY' },
    { frequency: 'MONTHLY', dayOfMonth: '32' },
    { frequency: 'DAILY', dayOfWeek: 'MON' },
    { frequency: 'WEEKLY', dayOfWeek: 'MON', dayOfMonth: '1' },
    { targetCheckNames: ['LOGGING_DISABLED_CHECK'] },
    { targetCheckNames: [] },
    { scheduledAuditName: 'a b' },
  ];
  for (const input of wrong) await expect(create(input)).rejects.toMatchObject(invalid);
  await create({});
  await expect(create({})).rejects.toMatchObject({ name: 'ResourceAlreadyExistsException' });
  for (const scheduledAuditName of ['b', 'c', 'd', 'e']) {
    await create({ scheduledAuditName, frequency: 'WEEKLY', dayOfWeek: 'TUE' });
  }
  await expect(create({ scheduledAuditName: 'f' })).rejects.toMatchObject({ name: 'LimitExceededException' });
  const page = await iot.send(new ListScheduledAuditsCommand({ maxResults: 4 }));
  expect(page.scheduledAudits).toHaveLength(4);
  const rest = await iot.send(new ListScheduledAuditsCommand({ nextToken: page.nextToken }));
  expect(rest.scheduledAudits).toMatchObject([
    { scheduledAuditName: 'e', frequency: 'WEEKLY', dayOfWeek: 'TUE' },
  ]);

  await iot.send(
    new UpdateScheduledAuditCommand({ scheduledAuditName: 'e', frequency: 'MONTHLY', dayOfMonth: 'LAST' }),
  );
  const { $metadata: _metadata, ...described } = await iot.send(
    new DescribeScheduledAuditCommand({ scheduledAuditName: 'e' }),
  );
  expect(described).toEqual({
    scheduledAuditName: 'e',
    scheduledAuditArn: 'arn:aws:iot:eu-central-1:000000000000:scheduledaudit/e',
    frequency: 'MONTHLY',
    dayOfMonth: 'LAST',
    targetCheckNames: [EXPIRING],
  });
  const disable = new UpdateAccountAuditConfigurationCommand({
    auditCheckConfigurations: { [EXPIRING]: { enabled: false } },
  });
  await expect(iot.send(disable)).rejects.toMatchObject(invalid);
  await iot.send(new DeleteAccountAuditConfigurationCommand({ deleteScheduledAudits: true }));
  expect((await iot.send(new ListScheduledAuditsCommand({}))).scheduledAudits).toEqual([]);
  await expect(iot.send(new DeleteAccountAuditConfigurationCommand({}))).rejects.toMatchObject({
    name: 'ResourceNotFoundException',
  });
});

test('audits fall on the days that they are for', () => {
  const at = (text: string) => new Date(text).getTime();
  const date = (time: number) => new Date(time).toISOString().slice(0, 10);
  const monthly = (dayOfMonth: string, now: string) =>
    date(nextRun({ frequency: 'MONTHLY', dayOfMonth }, at(now)));
  expect(monthly('31', '2026-01-31T00:00:00Z')).toBe('2026-02-28');
  expect(monthly('29', '2028-02-01T00:00:00Z')).toBe('2028-02-29');
  expect(monthly('LAST', '2026-04-30T00:00:01Z')).toBe('2026-05-31');
  expect(monthly('1', '2026-12-15T00:00:00Z')).toBe('2027-01-01');
  const tuesday = { frequency: 'WEEKLY', dayOfWeek: 'TUE' } as const;
  expect(date(nextRun(tuesday, at('2026-11-24T00:00:00Z')))).toBe('2026-12-01');
  const everyOther = { ...tuesday, frequency: 'BIWEEKLY' } as const;
  const first = nextRun(everyOther, at('2026-11-23T09:00:00Z'));
  expect(date(first)).toBe('2026-11-24');
  expect(date(nextRun(everyOther, first, first))).toBe('2026-12-08');
  expect(date(nextRun(everyOther, first + 30 * DAY, first))).toBe('2027-01-05');
  const times = fc.date({ min: new Date('2000-01-01'), max: new Date('2100-01-01'), noInvalidDate: true });
  const days = fc.oneof(fc.integer({ min: 1, max: 31 }).map(String), fc.constant('LAST'));
  fc.assert(
    fc.property(times, days, (now, dayOfMonth) => {
      const next = nextRun({ frequency: 'MONTHLY', dayOfMonth }, now.getTime());
      expect(next).toBeGreaterThan(now.getTime());
      expect(next - now.getTime()).toBeLessThanOrEqual(31 * DAY);
      expect(next % DAY).toBe(0);
    }),
  );
});
