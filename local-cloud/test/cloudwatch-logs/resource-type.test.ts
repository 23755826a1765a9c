import { expect, test } from 'vitest';
import { startCloud } from '../support/cloud.js';
import { resources } from '../support/resources.js';

test('AWS::Logs::LogGroup is made, read, changed and deleted', async () => {
  const control = resources(await startCloud());
  const type = 'AWS::Logs::LogGroup';
  const name = await control.create(type, {
    LogGroupName: '/aws/lambda/hook',
    RetentionInDays: 14,
    Tags: [{ Key: 'a', Value: '1' }],
  });
  expect(name).toBe('/aws/lambda/hook');
  await expect(control.create(type, { LogGroupName: name })).rejects.toMatchObject({ name: 'AlreadyExists' });
  await expect(control.read(type, name)).resolves.toMatchObject({
    Arn: 'arn:aws:logs:eu-central-1:000000000000:log-group:/aws/lambda/hook:*',
    RetentionInDays: 14,
    Tags: [{ Key: 'a', Value: '1' }],
  });
  await control.update(type, name, [
    { op: 'remove', path: '/RetentionInDays' },
    { op: 'remove', path: '/Tags' },
  ]);
  const read = await control.read(type, name);
  expect([read.RetentionInDays, read.Tags]).toEqual([undefined, undefined]);
  await control.delete(type, name);
  await expect(control.delete(type, name)).rejects.toMatchObject({ name: 'NotFound' });
  expect(await control.create(type, {})).toMatch(/^log-group-/);
});
