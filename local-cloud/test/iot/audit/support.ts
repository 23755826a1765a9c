import {
  CreateCertificateFromCsrCommand,
  DescribeAuditTaskCommand,
  type DescribeAuditTaskResponse,
  type IoTClient,
  StartOnDemandAuditTaskCommand,
  UpdateAccountAuditConfigurationCommand,
} from '@aws-sdk/client-iot';
import { ManualClock } from '../../../src/clock.js';
import { type IotCloud, type IotCloudOptions, iotCloud } from '../cloud.js';
import { iotClient, newRequest } from '../fleet.js';

export const DAY = 24 * 60 * 60 * 1000;
export const ROLE = 'arn:aws:iam::000000000000:role/auditor';
export const TOPIC = 'arn:aws:sns:eu-central-1:000000000000:told';
export const EXPIRING = 'DEVICE_CERTIFICATE_EXPIRING_CHECK';

/** AWS IoT with one role, and a topic that keeps what is published to it. */
export interface AuditCloud {
  readonly cloud: IotCloud;
  readonly iot: IoTClient;
  readonly clock: ManualClock;
  /** What was published, as JSON. */
  readonly published: { topicArn: string; message: Record<string, unknown> }[];
  /** Actions that the role may not do. */
  readonly denied: Set<string>;
  /** Errors that the next publications fail with. */
  readonly failures: Error[];
}

export async function auditCloud(
  options: IotCloudOptions = {},
  clock = new ManualClock(),
  start: typeof iotCloud = iotCloud,
): Promise<AuditCloud> {
  const published: AuditCloud['published'] = [];
  const denied = new Set<string>();
  const failures: Error[] = [];
  const cloud = await start({
    clock,
    ...options,
    defender: {
      roles: {
        byArn: (arn) =>
          arn.endsWith('role/auditor') || arn.endsWith('role/stranger') ? { roleName: 'auditor' } : undefined,
        trusts: (arn, service) => arn === ROLE && service === 'iot.amazonaws.com',
        decide: (_role, { action }) => (denied.has(action) ? 'implicitDeny' : 'allowed'),
      },
      topics: {
        async publish(topicArn, { message }) {
          const failure = failures.shift();
          if (failure) throw failure;
          published.push({ topicArn, message: JSON.parse(message) as Record<string, unknown> });
          return { messageId: 'id' };
        },
      },
    },
  });
  return { cloud, iot: iotClient(cloud), clock, published, denied, failures };
}

/** Configures audits of these checks, with notifications to {@link TOPIC}. */
export async function configure(iot: IoTClient, ...checks: string[]): Promise<void> {
  await iot.send(
    new UpdateAccountAuditConfigurationCommand({
      roleArn: ROLE,
      auditCheckConfigurations: Object.fromEntries(checks.map((name) => [name, { enabled: true }])),
      auditNotificationTargetConfigurations: { SNS: { targetArn: TOPIC, roleArn: ROLE, enabled: true } },
    }),
  );
}

export async function ended(iot: IoTClient, taskId: string): Promise<DescribeAuditTaskResponse> {
  for (;;) {
    const task = await iot.send(new DescribeAuditTaskCommand({ taskId }));
    if (task.taskStatus !== 'IN_PROGRESS') return task;
  }
}

/** Runs an audit to its end. */
export async function audit(
  iot: IoTClient,
  ...targetCheckNames: string[]
): Promise<DescribeAuditTaskResponse & { taskId: string }> {
  const { taskId = '' } = await iot.send(new StartOnDemandAuditTaskCommand({ targetCheckNames }));
  return { taskId, ...(await ended(iot, taskId)) };
}

let request: Promise<{ csr: string; key: string }> | undefined;

/** Makes active certificates, all for one key; returns their ids. */
export async function certificates(iot: IoTClient, count: number): Promise<string[]> {
  request ??= newRequest();
  const { csr } = await request;
  const ids: string[] = [];
  while (ids.length < count) {
    const some = Array.from({ length: Math.min(20, count - ids.length) }, () =>
      iot.send(new CreateCertificateFromCsrCommand({ certificateSigningRequest: csr, setAsActive: true })),
    );
    for (const { certificateId = '' } of await Promise.all(some)) ids.push(certificateId);
  }
  return ids;
}

/** Asks until the answer is what is waited for. */
export async function until<T>(ask: () => T | undefined | Promise<T | undefined>): Promise<T> {
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
}
