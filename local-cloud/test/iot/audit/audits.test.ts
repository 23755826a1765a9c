import {
  CancelAuditTaskCommand,
  CreateAuditSuppressionCommand,
  DescribeAccountAuditConfigurationCommand,
  DescribeAuditFindingCommand,
  DescribeAuditTaskCommand,
  ListAuditFindingsCommand,
  type ListAuditFindingsCommandInput,
  ListAuditTasksCommand,
  paginateListAuditFindings,
  StartOnDemandAuditTaskCommand,
  UpdateAccountAuditConfigurationCommand,
  UpdateCertificateCommand,
} from '@aws-sdk/client-iot';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ManualClock } from '../../../src/clock.js';
import { iotCloud, openIotCloud, temporaryDirectory } from '../cloud.js';
import { iotClient } from '../fleet.js';
import { audit, auditCloud, certificates, configure, DAY, EXPIRING, ROLE, TOPIC, until } from './support.js';

const setValidity = async (endpointUrl: string, certificateValidity: string | null) => {
  const { status } = await fetch(`${endpointUrl}/_local/certificate-validity`, {
    method: 'PUT',
    body: JSON.stringify({ certificateValidity }),
  });
  expect(status).toBe(200);
};

test('an audit finds active certificates that expire, tells of them, and lists its findings in pages', async () => {
  const { cloud, iot, clock, published } = await auditCloud({ certificateValidity: '20d' });
  const expiring = await certificates(iot, 601);
  await iot.send(new UpdateCertificateCommand({ certificateId: expiring[0], newStatus: 'INACTIVE' }));
  await setValidity(cloud.endpointUrl, '31d');
  await certificates(iot, 2);
  await setValidity(cloud.endpointUrl, null);
  await certificates(iot, 1);
  await configure(iot, EXPIRING);

  const started = clock.now();
  const { taskId, ...task } = await audit(iot, EXPIRING);
  expect(task).toMatchObject({
    taskStatus: 'COMPLETED',
    taskType: 'ON_DEMAND_AUDIT_TASK',
    taskStartTime: new Date(started),
    taskStatistics: { totalChecks: 1, nonCompliantChecks: 1, compliantChecks: 0, inProgressChecks: 0 },
    auditDetails: {
      [EXPIRING]: {
        checkRunStatus: 'COMPLETED_NON_COMPLIANT',
        checkCompliant: false,
        totalResourcesCount: 603,
        nonCompliantResourcesCount: 600,
        suppressedNonCompliantResourcesCount: 0,
      },
    },
  });

  const pages = [];
  const found = new Set<string | undefined>();
  for await (const { findings = [] } of paginateListAuditFindings(
    { client: iot, pageSize: 250 },
    { taskId },
  )) {
    pages.push(findings.length);
    for (const { nonCompliantResource } of findings) {
      found.add(nonCompliantResource?.resourceIdentifier?.deviceCertificateId);
    }
  }
  expect(pages).toEqual([250, 250, 100]);
  expect(found).toEqual(new Set(expiring.slice(1)));

  const of = { taskId, resourceIdentifier: { deviceCertificateId: expiring[7] } };
  const { findings: [finding] = [] } = await iot.send(new ListAuditFindingsCommand(of));
  expect(finding).toMatchObject({
    taskId,
    checkName: EXPIRING,
    taskStartTime: new Date(started),
    severity: 'MEDIUM',
    nonCompliantResource: {
      resourceType: 'DEVICE_CERTIFICATE',
      resourceIdentifier: { deviceCertificateId: expiring[7] },
      additionalInfo: { EXPIRATION_TIME: String(started + 20 * DAY) },
    },
    reasonForNonComplianceCode: 'CERTIFICATE_APPROACHING_EXPIRATION',
    isSuppressed: false,
  });
  const again = await iot.send(new DescribeAuditFindingCommand({ findingId: finding?.findingId }));
  expect(again.finding).toEqual(finding);

  await until(() => published[0]);
  expect(published).toEqual([
    {
      topicArn: TOPIC,
      message: {
        accountId: '000000000000',
        taskId,
        taskStatus: 'COMPLETED',
        taskType: 'ON_DEMAND_AUDIT_TASK',
        failedChecksCount: 0,
        canceledChecksCount: 0,
        nonCompliantChecksCount: 1,
        compliantChecksCount: 0,
        totalChecksCount: 1,
        taskStartTime: started,
        auditDetails: [
          {
            checkName: EXPIRING,
            checkRunStatus: 'COMPLETED_NON_COMPLIANT',
            nonCompliantResourcesCount: 600,
            totalResourcesCount: 603,
            suppressedNonCompliantResourcesCount: 0,
          },
        ],
      },
    },
  ]);

  // While all of them are looked at for several reasons there is time to think better of it.
  const targetCheckNames = [EXPIRING, 'DEVICE_CERTIFICATE_AGE_CHECK', 'DEVICE_CERTIFICATE_KEY_QUALITY_CHECK'];
  await configure(iot, ...targetCheckNames);
  const start = () => iot.send(new StartOnDemandAuditTaskCommand({ targetCheckNames }));
  const attempts = await Promise.allSettled(Array.from({ length: 12 }, start));
  const tasks = attempts.flatMap((one) => (one.status === 'fulfilled' ? [one.value.taskId ?? ''] : []));
  const refused = attempts.flatMap((one) => (one.status === 'rejected' ? [one.reason as Error] : []));
  for (const { name } of refused) expect(name).toBe('LimitExceededException');
  const last = tasks.sort().at(-1) ?? '';
  const cancel = () => iot.send(new CancelAuditTaskCommand({ taskId: last }));
  await cancel();
  expect(await iot.send(new DescribeAuditTaskCommand({ taskId: last }))).toMatchObject({
    taskStatus: 'CANCELED',
  });
  await expect(cancel()).rejects.toMatchObject({ name: 'InvalidRequestException' });
  const told = await until(() => published.find(({ message }) => message.taskId === last));
  expect(told.message).toMatchObject({ taskStatus: 'CANCELED' });
  await until(() => (published.length === 1 + tasks.length ? true : undefined));

  // Eleven days on the threshold of 30 days has come to the others, and the first have passed their end after 21.
  clock.advance(21 * DAY);
  const later = await audit(iot, EXPIRING);
  expect(later.auditDetails?.[EXPIRING]).toMatchObject({ nonCompliantResourcesCount: 602 });
  const past = await iot.send(
    new ListAuditFindingsCommand({
      startTime: new Date(started + DAY),
      endTime: new Date(clock.now()),
      checkName: EXPIRING,
      resourceIdentifier: { deviceCertificateId: expiring[7] },
    }),
  );
  expect(past.findings).toMatchObject([
    { taskId: later.taskId, reasonForNonComplianceCode: 'CERTIFICATE_PAST_EXPIRATION' },
  ]);
  const both = await iot.send(
    new ListAuditTasksCommand({ startTime: new Date(started), endTime: new Date(clock.now()) }),
  );
  expect(both.tasks?.map((one) => one.taskId)).toEqual(expect.arrayContaining([taskId, later.taskId]));
  expect(both.tasks).toHaveLength(2 + tasks.length);
});

test('a page goes on where the one before ended, whatever happens in between', async () => {
  const { iot, clock } = await auditCloud({ certificateValidity: '20d' });
  const ids = await certificates(iot, 5);
  await configure(iot, EXPIRING);
  const { taskId } = await audit(iot, EXPIRING);
  const byTime = { startTime: new Date(clock.now()), endTime: new Date(clock.now() + DAY) };
  const first = await iot.send(new ListAuditFindingsCommand({ ...byTime, maxResults: 3 }));
  clock.advance(1);
  await audit(iot, EXPIRING);
  const { nextToken } = first;
  const rest = await iot.send(new ListAuditFindingsCommand({ ...byTime, nextToken, maxResults: 250 }));
  const all = [...(first.findings ?? []), ...(rest.findings ?? [])];
  expect(all).toHaveLength(10);
  expect(new Set(all.map(({ findingId }) => findingId)).size).toBe(10);
  const ofTask = all.filter((finding) => finding.taskId === taskId);
  expect(
    new Set(ofTask.map((one) => one.nonCompliantResource?.resourceIdentifier?.deviceCertificateId)),
  ).toEqual(new Set(ids));
});

test('findings about what is suppressed are told apart and do not count', async () => {
  const { iot, clock } = await auditCloud({ certificateValidity: '20d' });
  const [deviceCertificateId] = await certificates(iot, 1);
  await configure(iot, EXPIRING);
  const about = { checkName: EXPIRING, resourceIdentifier: { deviceCertificateId } };
  await iot.send(
    new CreateAuditSuppressionCommand({ ...about, expirationDate: new Date(clock.now() + 2 * DAY) }),
  );
  const hidden = await audit(iot, EXPIRING);
  expect(hidden.auditDetails?.[EXPIRING]).toMatchObject({
    checkRunStatus: 'COMPLETED_COMPLIANT',
    checkCompliant: true,
    nonCompliantResourcesCount: 1,
    suppressedNonCompliantResourcesCount: 1,
  });
  const list = (listSuppressedFindings?: boolean) =>
    iot.send(new ListAuditFindingsCommand({ taskId: hidden.taskId, listSuppressedFindings }));
  expect((await list()).findings).toMatchObject([{ isSuppressed: true }]);
  expect((await list(true)).findings).toHaveLength(1);
  expect((await list(false)).findings).toHaveLength(0);
  clock.advance(3 * DAY);
  expect((await audit(iot, EXPIRING)).taskStatistics).toMatchObject({ nonCompliantChecks: 1 });
});

test('the threshold of a check can be set, from 30 days to ten years', async () => {
  const { iot } = await auditCloud({ certificateValidity: '100d' });
  await certificates(iot, 1);
  await configure(iot, EXPIRING);
  const set = (days: string) =>
    iot.send(
      new UpdateAccountAuditConfigurationCommand({
        auditCheckConfigurations: {
          [EXPIRING]: { enabled: true, configuration: { CERT_EXPIRATION_THRESHOLD_IN_DAYS: days } },
        },
      }),
    );
  expect((await audit(iot, EXPIRING)).taskStatistics).toMatchObject({ compliantChecks: 1 });
  for (const wrong of ['29', '3653', '30.5', '', 'x']) {
    await expect(set(wrong)).rejects.toMatchObject({ name: 'InvalidRequestException' });
  }
  await set('100');
  expect((await audit(iot, EXPIRING)).taskStatistics).toMatchObject({ nonCompliantChecks: 1 });
  const { auditCheckConfigurations = {} } = await iot.send(new DescribeAccountAuditConfigurationCommand({}));
  expect(Object.keys(auditCheckConfigurations)).toHaveLength(17);
  expect(auditCheckConfigurations[EXPIRING]).toEqual({
    enabled: true,
    configuration: { CERT_EXPIRATION_THRESHOLD_IN_DAYS: '100' },
  });
  expect(auditCheckConfigurations.LOGGING_DISABLED_CHECK).toEqual({ enabled: false });
});

describe('what cannot be done is refused', () => {
  const role = { roleArn: ROLE };
  const one = { auditCheckConfigurations: { [EXPIRING]: { enabled: true } } };
  test.each([
    ['no role at first', one],
    ['no check at first', role],
    ['no enabled check at first', { ...role, auditCheckConfigurations: { [EXPIRING]: { enabled: false } } }],
    ['a check that there is not', { ...role, auditCheckConfigurations: { MY_CHECK: { enabled: true } } }],
    ['a role that there is not', { ...one, roleArn: 'arn:aws:iam::000000000000:role/nobody' }],
    ['a role that AWS IoT may not assume', { ...one, roleArn: 'arn:aws:iam::000000000000:role/stranger' }],
    [
      'a configuration of another check',
      {
        ...role,
        auditCheckConfigurations: {
          [EXPIRING]: { enabled: true, configuration: { CERT_AGE_THRESHOLD_IN_DAYS: '365' } },
        },
      },
    ],
    [
      'a target that is no topic',
      {
        ...role,
        ...one,
        auditNotificationTargetConfigurations: { SNS: { targetArn: ROLE, roleArn: ROLE, enabled: true } },
      },
    ],
    [
      'notifications to nowhere',
      { ...role, ...one, auditNotificationTargetConfigurations: { SNS: { enabled: true } } },
    ],
  ])('%s', async (_what, input) => {
    const { iot } = await auditCloud();
    await expect(iot.send(new UpdateAccountAuditConfigurationCommand(input))).rejects.toMatchObject({
      name: 'InvalidRequestException',
    });
    const { roleArn } = await iot.send(new DescribeAccountAuditConfigurationCommand({}));
    expect(roleArn).toBeUndefined();
  });

  test('audits of what is not enabled, and questions that make no sense', async () => {
    const { iot, clock } = await auditCloud();
    const invalid = { name: 'InvalidRequestException' };
    const start = (...targetCheckNames: string[]) =>
      iot.send(new StartOnDemandAuditTaskCommand({ targetCheckNames }));
    await expect(start(EXPIRING)).rejects.toMatchObject(invalid);
    await configure(iot, EXPIRING);
    await expect(start('LOGGING_DISABLED_CHECK')).rejects.toMatchObject(invalid);
    await expect(start()).rejects.toMatchObject(invalid);
    const now = new Date(clock.now());
    const ask = (input: ListAuditFindingsCommandInput) => iot.send(new ListAuditFindingsCommand(input));
    await expect(ask({})).rejects.toMatchObject(invalid);
    await expect(ask({ taskId: 'x', startTime: now, endTime: now })).rejects.toMatchObject(invalid);
    await expect(ask({ startTime: now })).rejects.toMatchObject(invalid);
    await expect(ask({ taskId: 'x', maxResults: 251 })).rejects.toMatchObject(invalid);
    await expect(ask({ taskId: 'x', resourceIdentifier: {} })).rejects.toMatchObject(invalid);
    expect((await ask({ taskId: 'x' })).findings).toEqual([]);
    const early = { startTime: new Date(clock.now() - 91 * DAY), endTime: now };
    await expect(iot.send(new ListAuditTasksCommand(early))).rejects.toMatchObject(invalid);
    const unknown = { name: 'ResourceNotFoundException' };
    await expect(iot.send(new DescribeAuditTaskCommand({ taskId: 'x' }))).rejects.toMatchObject(unknown);
    await expect(iot.send(new DescribeAuditFindingCommand({ findingId: 'x' }))).rejects.toMatchObject(
      unknown,
    );
    await expect(iot.send(new CancelAuditTaskCommand({ taskId: 'x' }))).rejects.toMatchObject(unknown);
  });
});

test('a notification waits until it can be published', async () => {
  const first = await auditCloud();
  const { iot, clock, failures, published } = first;
  await configure(iot, EXPIRING);
  failures.push(new Error('not now'), new Error('still not'));
  await audit(iot, EXPIRING);
  clock.advance(1000);
  await until(() => (failures.length === 0 ? true : undefined));
  expect(published).toEqual([]);
  await new Promise<void>((resolve) => setImmediate(resolve));
  clock.advance(5000);
  await until(() => published[0]);
  clock.advance(DAY);
  expect(published).toHaveLength(1);
});

test('a notification that was due when the cloud ended is published by the next start', async () => {
  const directory = temporaryDirectory();
  onTestFinished(() => directory.remove());
  const clock = new ManualClock();
  const first = await auditCloud({ stateDirectory: directory.path }, clock, openIotCloud);
  await configure(first.iot, EXPIRING);
  first.failures.push(new Error('not now'));
  await audit(first.iot, EXPIRING);
  await until(() => (first.failures.length === 0 ? true : undefined));
  await first.cloud.close();
  expect(first.published).toEqual([]);
  const second = await auditCloud({ stateDirectory: directory.path }, clock);
  clock.advance(60_000);
  expect((await until(() => second.published[0])).message).toMatchObject({ taskStatus: 'COMPLETED' });
});

test('audits are forgotten after 90 days', async () => {
  const { iot, clock } = await auditCloud({ certificateValidity: '20d' });
  await certificates(iot, 1);
  await configure(iot, EXPIRING);
  const { taskId } = await audit(iot, EXPIRING);
  clock.advance(91 * DAY);
  const unknown = { name: 'ResourceNotFoundException' };
  await expect(iot.send(new DescribeAuditTaskCommand({ taskId }))).rejects.toMatchObject(unknown);
  expect((await iot.send(new ListAuditFindingsCommand({ taskId }))).findings).toEqual([]);
});

test('without IAM no role exists', async () => {
  const iot = iotClient(await iotCloud());
  await expect(configure(iot, EXPIRING)).rejects.toMatchObject({ name: 'InvalidRequestException' });
});
