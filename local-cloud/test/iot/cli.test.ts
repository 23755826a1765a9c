import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { awsCli, hasAwsCli } from '../support/aws-cli.js';
import { iotCloud } from './cloud.js';
import { ALLOW_ALL, TEMPLATE } from './fleet.js';

// The command takes seconds to start on a busy machine.
test.runIf(hasAwsCli)('the AWS CLI sets up a fleet', { timeout: 300_000 }, async () => {
  const cloud = await iotCloud();
  const directory = mkdtempSync(join(tmpdir(), 'local-cloud-cli-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const cli = awsCli(cloud, directory);
  const aws = async (...words: string[]): Promise<Record<string, unknown>> => {
    const output = await cli(...words, '--output', 'json');
    return output.trim() === '' ? {} : (JSON.parse(output) as Record<string, unknown>);
  };
  writeFileSync(join(directory, 'policy.json'), ALLOW_ALL);
  writeFileSync(join(directory, 'template.json'), JSON.stringify(TEMPLATE));
  const [claim, , template] = await Promise.all([
    aws(
      ...['iot', 'create-keys-and-certificate', '--set-as-active', '--certificate-pem-outfile', 'claim.pem'],
    ),
    aws('iot', 'create-policy', '--policy-name', 'p', '--policy-document', 'file://policy.json'),
    aws(
      ...['iot', 'create-provisioning-template', '--template-name', 't', '--enabled'],
      ...['--template-body', 'file://template.json'],
      ...['--provisioning-role-arn', 'arn:aws:iam::000000000000:role/r'],
    ),
    aws('iot', 'create-thing', '--thing-name', 'one', '--attribute-payload', 'attributes={a=1}'),
    aws('iot-data', 'publish', '--topic', 'a/b', '--qos', '1', '--retain', '--payload', 'e30='),
  ]);
  expect(template).toMatchObject({ defaultVersionId: 1 });
  await aws('iot', 'attach-policy', '--policy-name', 'p', '--target', String(claim?.certificateArn));
  expect(await aws('iot', 'describe-thing', '--thing-name', 'one')).toMatchObject({ attributes: { a: '1' } });
  await expect(aws('iot', 'describe-thing', '--thing-name', 'two')).rejects.toMatchObject({
    stderr: expect.stringContaining('ResourceNotFoundException'),
  });
  const { payload } = await aws('iot-data', 'get-retained-message', '--topic', 'a/b');
  // Version 2 of the command takes the payload for base64, version 1 for text.
  expect(['{}', 'e30=']).toContain(Buffer.from(String(payload), 'base64').toString());
  expect(await aws('greengrassv2', 'list-core-devices')).toMatchObject({ coreDevices: [] });
});
