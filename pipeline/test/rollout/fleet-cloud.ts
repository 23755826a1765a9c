import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateThingGroupCommand, IoTClient } from '@aws-sdk/client-iot';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { bucketNames, names } from '@mooring/contracts';
import type { BuiltComponent } from '../../src/components/build.js';
import { clientConfig, type Target } from '../../src/target.js';
import { startCloud } from '../deploy/running-cloud.js';

/** A local cloud with as much of the infrastructure as publishing and deploying need. */
export async function startFleetCloud(): Promise<{ target: Target; stop(): Promise<void> }> {
  const cloud = await startCloud();
  const iot = new IoTClient(clientConfig(cloud.target));
  const s3 = new S3Client(clientConfig(cloud.target));
  try {
    await iot.send(new CreateThingGroupCommand({ thingGroupName: names.thingGroup }));
    const Bucket = bucketNames('000000000000', cloud.target.region).artifacts;
    await s3.send(
      new CreateBucketCommand({ Bucket, CreateBucketConfiguration: { LocationConstraint: 'eu-central-1' } }),
    );
  } catch (error) {
    await cloud.stop();
    throw error;
  } finally {
    iot.destroy();
    s3.destroy();
  }
  return cloud;
}

/** Components as the build leaves them: one script each, no image. */
export class Workshop {
  readonly #folder = mkdtempSync(join(tmpdir(), 'mooring-built-'));

  build(name: string, script: string, recipeVersion = '1.0.0'): BuiltComponent {
    const path = join(this.#folder, `${name}.sh`);
    writeFileSync(path, script);
    return {
      name,
      recipe: `
RecipeFormatVersion: "2020-01-25"
ComponentName: ${name}
ComponentVersion: "${recipeVersion}"
Manifests:
  - Platform: { os: linux }
    Artifacts: [{ URI: "s3://BUCKET_NAME/${name}/${recipeVersion}/run.sh" }]
    Lifecycle: { Run: "sh {artifacts:path}/run.sh" }
`,
      recipeVersion,
      contentHash: createHash('sha256').update(script).digest('hex'),
      image: undefined,
      artifacts: [{ name: 'run.sh', path }],
      unchanged: false,
    };
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
