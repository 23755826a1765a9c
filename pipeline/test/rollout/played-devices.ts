import {
  AddThingToThingGroupCommand,
  CreateThingCommand,
  IoTClient,
  RemoveThingFromThingGroupCommand,
} from '@aws-sdk/client-iot';
import { names } from '@mooring/contracts';
import { z } from 'zod';
import { type CloudConnection, connectToCloud } from '../../src/fleet/cloud-connection.js';
import { clientConfig, type Target } from '../../src/target.js';

const NAMESPACE = 'namespace-aws-gg-deployment';

const NextJob = z.object({
  execution: z
    .object({
      jobId: z.string(),
      status: z.string(),
      jobDocument: z.object({
        deploymentId: z.string(),
        configurationArn: z.string(),
        components: z.record(z.string(), z.looseObject({ version: z.string() })),
      }),
    })
    .optional(),
});

/** What a device has: component to version. */
export type Installed = Readonly<Record<string, string>>;

/**
 * Core devices as the cloud sees them, by the topics that a core speaks on (jobs in Greengrass's namespace, fleet
 * status), without anything behind them: hundreds of them cost nothing.
 */
export class PlayedDevices {
  /** What each device has installed. */
  readonly installed = new Map<string, Installed>();
  readonly #sequence = new Map<string, number>();

  private constructor(
    private readonly target: Target,
    private readonly cloud: CloudConnection,
    private readonly runs: (thing: string, name: string, version: string) => boolean,
  ) {}

  /** @param runs whether a component's version runs on a device; it is BROKEN otherwise. */
  static async connect(
    target: Target,
    runs: (thing: string, name: string, version: string) => boolean,
  ): Promise<PlayedDevices> {
    const devices = new PlayedDevices(target, await connectToCloud(target), runs);
    const listen = (topic: string) =>
      devices.cloud.subscribe(topic, (from, payload) => devices.#take(from, payload));
    await listen(`$aws/things/+/jobs/notify-next-${NAMESPACE}`);
    await listen(`$aws/things/+/jobs/$next/${NAMESPACE}/get/accepted`);
    return devices;
  }

  /** Devices that join the fleet; those that are not `connected` do nothing. */
  async join(things: readonly string[], connected = true): Promise<void> {
    const iot = new IoTClient(clientConfig(this.target));
    try {
      for (const thingName of things) {
        await iot.send(new CreateThingCommand({ thingName }));
        if (connected) {
          this.installed.set(thingName, {});
          await this.#report(thingName, {});
        }
        await iot.send(new AddThingToThingGroupCommand({ thingName, thingGroupName: names.thingGroup }));
        if (connected) await this.cloud.publish(`$aws/things/${thingName}/jobs/$next/${NAMESPACE}/get`, '{}');
      }
    } finally {
      iot.destroy();
    }
  }

  /** A device that is taken out of the fleet. */
  async leave(thingName: string): Promise<void> {
    const iot = new IoTClient(clientConfig(this.target));
    try {
      const thingGroupName = names.thingGroup;
      await iot.send(new RemoveThingFromThingGroupCommand({ thingName, thingGroupName }));
    } finally {
      iot.destroy();
    }
  }

  close(): Promise<void> {
    return this.cloud.close();
  }

  async #take(topic: string, payload: Uint8Array): Promise<void> {
    const thing = topic.split('/')[2] ?? '';
    const { execution } = NextJob.parse(JSON.parse(Buffer.from(payload).toString('utf8')));
    if (execution?.status !== 'QUEUED' || !this.installed.has(thing)) return;
    const { jobId, jobDocument } = execution;
    const update = (status: string, statusDetails?: object) =>
      this.cloud.publish(
        `$aws/things/${thing}/jobs/${jobId}/${NAMESPACE}/update`,
        JSON.stringify({ status, ...(statusDetails && { statusDetails }) }),
      );
    await update('IN_PROGRESS');
    const installed = Object.fromEntries(
      Object.entries(jobDocument.components).map(([name, { version }]) => [name, version]),
    );
    this.installed.set(thing, installed);
    const broken = Object.entries(installed).find(([name, version]) => !this.runs(thing, name, version));
    await this.#report(thing, installed);
    if (broken === undefined) await update('SUCCEEDED', { 'detailed-deployment-status': 'SUCCESSFUL' });
    else {
      await update('FAILED', {
        'detailed-deployment-status': 'FAILED_ROLLBACK_NOT_REQUESTED',
        'deployment-failure-cause': `${broken[0]} is broken`,
      });
    }
  }

  async #report(thing: string, installed: Installed): Promise<void> {
    const components = Object.entries(installed).map(([componentName, version]) => ({
      componentName,
      version,
      isRoot: true,
      status: this.runs(thing, componentName, version) ? 'RUNNING' : 'BROKEN',
    }));
    const sequenceNumber = (this.#sequence.get(thing) ?? 0) + 1;
    this.#sequence.set(thing, sequenceNumber);
    await this.cloud.publish(
      `$aws/things/${thing}/greengrassv2/health/json`,
      JSON.stringify({
        ggcVersion: '2.15.0',
        platform: 'linux',
        architecture: 'amd64',
        thing,
        overallDeviceStatus: components.some(({ status }) => status === 'BROKEN') ? 'UNHEALTHY' : 'HEALTHY',
        sequenceNumber,
        timestamp: Date.now(),
        messageType: 'COMPLETE',
        trigger: 'CADENCE',
        components,
      }),
    );
  }
}
