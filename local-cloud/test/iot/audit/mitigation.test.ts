import {
  AttachThingPrincipalCommand,
  CreateAuditSuppressionCommand,
  CreateMitigationActionCommand,
  CreateThingCommand,
  CreateThingGroupCommand,
  DeleteAuditSuppressionCommand,
  DeleteMitigationActionCommand,
  DescribeAuditMitigationActionsTaskCommand,
  DescribeAuditSuppressionCommand,
  DescribeCertificateCommand,
  DescribeMitigationActionCommand,
  type IoTClient,
  ListAuditFindingsCommand,
  ListAuditMitigationActionsExecutionsCommand,
  ListAuditMitigationActionsTasksCommand,
  ListAuditSuppressionsCommand,
  ListMitigationActionsCommand,
  ListThingsInThingGroupCommand,
  type MitigationActionParams,
  StartAuditMitigationActionsTaskCommand,
  UpdateAuditSuppressionCommand,
} from '@aws-sdk/client-iot';
import { expect, test } from 'vitest';
import { audit, auditCloud, certificates, configure, DAY, EXPIRING, ROLE, TOPIC, until } from './support.js';

const create = (iot: IoTClient, actionName: string, actionParams: MitigationActionParams) =>
  iot.send(new CreateMitigationActionCommand({ actionName, actionParams, roleArn: ROLE }));
const arn = (id: string | undefined) => `arn:aws:iot:eu-central-1:000000000000:cert/${id}`;

async function mitigated(iot: IoTClient, taskId: string) {
  return until(async () => {
    const task = await iot.send(new DescribeAuditMitigationActionsTaskCommand({ taskId }));
    return task.taskStatus === 'IN_PROGRESS' ? undefined : task;
  });
}

test('actions are carried out on the findings of an audit, with the permissions of their role', async () => {
  const { iot, clock, published, denied } = await auditCloud({ certificateValidity: '20d' });
  const ids = await certificates(iot, 25);
  const [deviceCertificateId, hidden] = ids;
  await iot.send(new CreateThingCommand({ thingName: 'device' }));
  await iot.send(
    new AttachThingPrincipalCommand({ thingName: 'device', principal: arn(deviceCertificateId) }),
  );
  await iot.send(new CreateThingGroupCommand({ thingGroupName: 'quarantine' }));
  await configure(iot, EXPIRING, 'DEVICE_CERTIFICATE_AGE_CHECK');
  const resourceIdentifier = { deviceCertificateId: hidden };
  await iot.send(
    new CreateAuditSuppressionCommand({
      checkName: EXPIRING,
      resourceIdentifier,
      suppressIndefinitely: true,
    }),
  );
  const { taskId: auditTaskId } = await audit(iot, EXPIRING);
  await until(() => published[0]);
  await create(iot, 'off', { updateDeviceCertificateParams: { action: 'DEACTIVATE' } });
  await create(iot, 'away', { addThingsToThingGroupParams: { thingGroupNames: ['quarantine'] } });
  await create(iot, 'tell', { publishFindingToSnsParams: { topicArn: TOPIC } });
  const start = (taskId: string, ...names: string[]) =>
    iot.send(
      new StartAuditMitigationActionsTaskCommand({
        taskId,
        target: { auditTaskId },
        auditCheckToActionsMapping: { [EXPIRING]: names },
      }),
    );
  await start('all', 'off', 'away', 'tell');
  expect(await mitigated(iot, 'all')).toMatchObject({
    taskStatus: 'COMPLETED',
    taskStatistics: {
      [EXPIRING]: {
        totalFindingsCount: 25,
        succeededFindingsCount: 24,
        skippedFindingsCount: 1,
        failedFindingsCount: 0,
      },
    },
  });
  const statusOf = async (certificateId: string | undefined) =>
    (await iot.send(new DescribeCertificateCommand({ certificateId }))).certificateDescription?.status;
  expect(await statusOf(ids[7])).toBe('INACTIVE');
  expect(await statusOf(hidden)).toBe('ACTIVE');
  const { things } = await iot.send(new ListThingsInThingGroupCommand({ thingGroupName: 'quarantine' }));
  expect(things).toEqual(['device']);
  expect(published).toHaveLength(25);
  expect(published[1]?.message).toMatchObject({
    taskId: auditTaskId,
    checkName: EXPIRING,
    severity: 'MEDIUM',
  });
  await expect(start('all', 'off')).rejects.toMatchObject({ name: 'TaskAlreadyExistsException' });

  denied.add('iot:UpdateCertificate');
  await start('denied', 'off');
  expect((await mitigated(iot, 'denied')).taskStatus).toBe('FAILED');
  const of = { taskId: auditTaskId, resourceIdentifier: { deviceCertificateId } };
  const { findings: [finding] = [] } = await iot.send(new ListAuditFindingsCommand(of));
  const { findingId } = finding ?? {};
  const executions = async (taskId: string) =>
    (await iot.send(new ListAuditMitigationActionsExecutionsCommand({ taskId, findingId })))
      .actionsExecutions;
  expect(await executions('denied')).toMatchObject([
    { actionName: 'off', status: 'FAILED', errorCode: 'INSUFFICIENT_PERMISSIONS' },
  ]);
  expect((await executions('all'))?.map(({ status }) => status)).toEqual(Array(3).fill('COMPLETED'));
  const range = { startTime: new Date(clock.now() - DAY), endTime: new Date(clock.now()) };
  const { tasks } = await iot.send(new ListAuditMitigationActionsTasksCommand(range));
  expect(tasks?.map(({ taskId }) => taskId)).toEqual(['all', 'denied']);

  const invalid = { name: 'InvalidRequestException' };
  await expect(start('none', 'nothing')).rejects.toMatchObject(invalid);
  const wrong = new StartAuditMitigationActionsTaskCommand({
    taskId: 'wrong',
    target: { auditTaskId },
    auditCheckToActionsMapping: { DEVICE_CERTIFICATE_AGE_CHECK: ['off'] },
  });
  await expect(iot.send(wrong)).rejects.toMatchObject(invalid);
});

test('mitigation actions are defined one by one; what is not built is refused by name', async () => {
  const { iot } = await auditCloud();
  const off = { updateDeviceCertificateParams: { action: 'DEACTIVATE' } } as const;
  await create(iot, 'off', off);
  await expect(create(iot, 'off', off)).rejects.toMatchObject({ name: 'ResourceAlreadyExistsException' });
  const invalid = { name: 'InvalidRequestException' };
  await expect(create(iot, 'none', {})).rejects.toMatchObject(invalid);
  const both = { ...off, publishFindingToSnsParams: { topicArn: TOPIC } };
  await expect(create(iot, 'both', both)).rejects.toMatchObject(invalid);
  const blank = { replaceDefaultPolicyVersionParams: { templateName: 'BLANK_POLICY' } } as const;
  await expect(create(iot, 'blank', blank)).rejects.toThrow(/REPLACE_DEFAULT_POLICY_VERSION is not built/);
  const list = async () => (await iot.send(new ListMitigationActionsCommand({}))).actionIdentifiers;
  expect(await list()).toMatchObject([{ actionName: 'off' }]);
  const described = await iot.send(new DescribeMitigationActionCommand({ actionName: 'off' }));
  expect(described).toMatchObject({
    actionType: 'UPDATE_DEVICE_CERTIFICATE',
    roleArn: ROLE,
    actionParams: off,
  });
  await iot.send(new DeleteMitigationActionCommand({ actionName: 'off' }));
  expect(await list()).toEqual([]);
});

test('suppressions are for a resource of the check, for a time or for good', async () => {
  const { iot, clock } = await auditCloud();
  const about = { checkName: EXPIRING, resourceIdentifier: { deviceCertificateId: 'a'.repeat(64) } };
  const suppress = (input: object) => iot.send(new CreateAuditSuppressionCommand({ ...about, ...input }));
  const expirationDate = new Date(clock.now() + DAY);
  for (const wrong of [
    {},
    { expirationDate, suppressIndefinitely: true },
    { expirationDate: new Date(clock.now() - 1000) },
    { suppressIndefinitely: true, resourceIdentifier: { clientId: 'x' } },
    { suppressIndefinitely: true, resourceIdentifier: {} },
    { suppressIndefinitely: true, checkName: 'MY_CHECK' },
  ]) {
    await expect(suppress(wrong)).rejects.toMatchObject({ name: 'InvalidRequestException' });
  }
  await suppress({ expirationDate, description: 'for now' });
  await expect(suppress({ expirationDate })).rejects.toMatchObject({
    name: 'ResourceAlreadyExistsException',
  });
  await iot.send(new UpdateAuditSuppressionCommand({ ...about, suppressIndefinitely: true }));
  const described = await iot.send(new DescribeAuditSuppressionCommand(about));
  expect(described).toMatchObject({ ...about, suppressIndefinitely: true, description: 'for now' });
  expect(described.expirationDate).toBeUndefined();
  expect((await iot.send(new ListAuditSuppressionsCommand({}))).suppressions).toHaveLength(1);
  await iot.send(new DeleteAuditSuppressionCommand(about));
  await expect(iot.send(new DescribeAuditSuppressionCommand(about))).rejects.toMatchObject({
    name: 'ResourceNotFoundException',
  });
});
