import {
  AddThingToThingGroupCommand,
  CreateJobCommand,
  type CreateJobCommandInput,
  CreateThingCommand,
  CreateThingGroupCommand,
  DescribeJobCommand,
  type IoTClient,
  ListJobExecutionsForJobCommand,
} from '@aws-sdk/client-iot';
import { ManualClock } from '../../../src/clock.js';
import { type IotCloud, type IotCloudOptions, iotCloud } from '../cloud.js';
import { iotClient } from '../fleet.js';

const ARN = 'arn:aws:iot:eu-central-1:000000000000';

export const thingArn = (name: string) => `${ARN}:thing/${name}`;
export const groupArn = (name: string) => `${ARN}:thinggroup/${name}`;
export const jobArn = (jobId: string) => `${ARN}:job/${jobId}`;

/** A cloud with a clock that stands still, and what tests of jobs do with it. */
export async function jobsCloud(options: IotCloudOptions = {}, clock = new ManualClock(Date.now())) {
  const cloud = await iotCloud({ clock, ...options });
  return { clock, cloud, iot: iotClient(cloud), ...actions(cloud) };
}

export function actions(cloud: IotCloud) {
  const iot: IoTClient = iotClient(cloud);
  return {
    async things(...names: string[]): Promise<void> {
      for (const thingName of names) await iot.send(new CreateThingCommand({ thingName }));
    },
    async group(thingGroupName: string, things: readonly string[] = [], parentGroupName?: string) {
      await iot.send(new CreateThingGroupCommand({ thingGroupName, parentGroupName }));
      for (const thingName of things) {
        await iot.send(new AddThingToThingGroupCommand({ thingName, thingGroupName }));
      }
    },
    create: (jobId: string, targets: string[], input: Partial<CreateJobCommandInput> = {}) =>
      iot.send(new CreateJobCommand({ jobId, targets, document: '{"do":"it"}', ...input })),
    async job(jobId: string) {
      return (await iot.send(new DescribeJobCommand({ jobId }))).job ?? {};
    },
    /** Statuses of the executions of a job by thing. */
    async statuses(jobId: string): Promise<Record<string, string>> {
      const statuses: Record<string, string> = {};
      let nextToken: string | undefined;
      do {
        const page = await iot.send(new ListJobExecutionsForJobCommand({ jobId, nextToken }));
        for (const { thingArn: arn, jobExecutionSummary } of page.executionSummaries ?? []) {
          statuses[arn?.split('/')[1] ?? ''] = jobExecutionSummary?.status ?? '';
        }
        nextToken = page.nextToken;
      } while (nextToken !== undefined);
      return statuses;
    },
    /** What a device reports of a job over HTTPS or MQTT, here without either. */
    report(thingName: string, jobId: string, status: string) {
      cloud.iot.deviceJobs.update({ thingName, namespaceId: undefined }, jobId, { status });
    },
  };
}
