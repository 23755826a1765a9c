import { GetComponentCommand, GetDeploymentCommand, GreengrassV2Client } from '@aws-sdk/client-greengrassv2';
import { CreateThingGroupCommand, IoTClient } from '@aws-sdk/client-iot';
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { expect, test } from 'vitest';
import { clientConfig, startCloud } from '../support/cloud.js';
import { resources } from '../support/resources.js';

const COMPONENT = 'AWS::GreengrassV2::ComponentVersion';
const DEPLOYMENT = 'AWS::GreengrassV2::Deployment';

test('component versions and deployments are managed through Cloud Control', async () => {
  const cloud = await startCloud();
  const config = { ...clientConfig(cloud), maxAttempts: 1 };
  const greengrass = new GreengrassV2Client(config);
  const s3 = new S3Client({ ...config, forcePathStyle: true });
  await s3.send(new CreateBucketCommand({ Bucket: 'artifacts' }));
  await s3.send(new PutObjectCommand({ Bucket: 'artifacts', Key: 'a', Body: 'a' }));
  await new IoTClient(config).send(new CreateThingGroupCommand({ thingGroupName: 'fleet' }));
  const { create, read, update, delete: remove } = resources(cloud);
  const recipe = {
    RecipeFormatVersion: '2020-01-25',
    ComponentName: 'com.example.Stack',
    ComponentVersion: '1.0.0',
    Manifests: [{ Artifacts: [{ Uri: 's3://artifacts/a' }] }],
  };
  const arn = await create(COMPONENT, { InlineRecipe: JSON.stringify(recipe), Tags: { a: 'b' } });
  expect(await read(COMPONENT, arn)).toEqual({
    Arn: arn,
    ComponentName: 'com.example.Stack',
    ComponentVersion: '1.0.0',
    Tags: { a: 'b' },
  });
  const { recipe: text } = await greengrass.send(new GetComponentCommand({ arn }));
  expect(Buffer.from(text ?? []).toString()).toContain('"Digest"');
  await expect(create(COMPONENT, { InlineRecipe: JSON.stringify(recipe) })).rejects.toThrow('already exists');
  await expect(create(COMPONENT, { InlineRecipe: 'a: b' })).rejects.toMatchObject({ name: 'InvalidRequest' });
  await update(COMPONENT, arn, [{ op: 'replace', path: '/Tags', value: { c: 'd' } }]);
  expect(await read(COMPONENT, arn)).toMatchObject({ Tags: { c: 'd' } });

  const desired = {
    TargetArn: 'arn:aws:iot:eu-central-1:000000000000:thinggroup/fleet',
    DeploymentName: 'stack',
    Components: {
      'com.example.Stack': {
        ComponentVersion: '1.0.0',
        ConfigurationUpdate: { Merge: '{"A":1}', Reset: ['/B'] },
        RunWith: { PosixUser: 'ggc_user', SystemResourceLimits: { Memory: 1, Cpus: 0.5 } },
      },
    },
    DeploymentPolicies: { FailureHandlingPolicy: 'DO_NOTHING' },
    IotJobConfiguration: {
      JobExecutionsRolloutConfig: { MaximumPerMinute: 10 },
      TimeoutConfig: { InProgressTimeoutInMinutes: 5 },
    },
    Tags: { Own: 'Name' },
  };
  const id = await create(DEPLOYMENT, desired);
  expect(await read(DEPLOYMENT, id)).toEqual({ ...desired, DeploymentId: id });
  expect(await greengrass.send(new GetDeploymentCommand({ deploymentId: id }))).toMatchObject({
    deploymentStatus: 'ACTIVE',
    components: {
      'com.example.Stack': {
        componentVersion: '1.0.0',
        configurationUpdate: { merge: '{"A":1}', reset: ['/B'] },
        runWith: { posixUser: 'ggc_user', systemResourceLimits: { memory: 1, cpus: 0.5 } },
      },
    },
    iotJobConfiguration: { jobExecutionsRolloutConfig: { maximumPerMinute: 10 } },
    tags: { Own: 'Name' },
  });
  await update(DEPLOYMENT, id, [{ op: 'remove', path: '/Tags' }]);
  expect(await read(DEPLOYMENT, id)).not.toHaveProperty('Tags');
  await remove(DEPLOYMENT, id);
  await remove(COMPONENT, arn);
  await expect(read(DEPLOYMENT, id)).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  await expect(read(COMPONENT, arn)).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
});
