import type { RotationState } from '@mooring/contracts';
import type { RequestPorts } from '../../src/request-rotation/request.js';
import type { KnownRotation } from '../../src/rotation/rotation-states.js';
import { type Published, someCertificateId } from '../rotation/fleet.js';

const NOTHING: KnownRotation = {
  state: undefined,
  unsent: false,
  signing: undefined,
  retiring: [],
  version: undefined,
};

export const MINUTE = 60_000;
export const TASK = '4e2bcd1ccbc2a5dd15292a82ab80c380';
const ARN = 'arn:aws:iot:eu-west-1:123456789012:cert/';

/**
 * A cloud of many devices in memory, `device-0` and so on, each with a certificate that an audit found. It counts
 * no calls: what matters is who is asked.
 */
export function playedFleet(size: number, { page = 250 } = {}) {
  const ids = Array.from({ length: size }, (_, index) => someCertificateId(`certificate ${index}`));
  const attachments = new Map(ids.map((id, index) => [`${ARN}${id}`, [`device-${index}`]]));
  const states = new Map<string, KnownRotation>();
  const published: Published[] = [];
  const lines: Record<string, unknown>[] = [];
  const broken = new Set<string>();
  const continued: unknown[] = [];
  const fleet = {
    ids,
    attachments,
    states,
    published,
    lines,
    broken,
    continued,
    findings: [...ids],
    time: 0,
    moments: Number.POSITIVE_INFINITY,
  };

  const ports: RequestPorts = {
    certificates: {
      thingsOf: async (arn: string) => attachments.get(arn),
      ofThing: async (thing: string) =>
        [...attachments].filter(([, things]) => things.includes(thing)).map(([arn]) => arn.slice(ARN.length)),
    } as RequestPorts['certificates'],
    states: {
      read: async (thing) => states.get(thing) ?? NOTHING,
      async write(thing, { state, unsent }) {
        if (broken.has(thing)) throw new Error('the shadow cannot be written');
        const before = states.get(thing) ?? NOTHING;
        states.set(thing, {
          ...before,
          ...(state && { state: state satisfies RotationState }),
          ...(unsent !== undefined && { unsent: unsent === true }),
        });
        return undefined;
      },
    },
    async publish(topic, message) {
      published.push({ topic, message: { ...message } });
    },
    log: (event, fields) => lines.push({ event, ...fields }),
    now: () => fleet.time,
    async readFindings(_taskId, token) {
      const from = Number(token ?? 0);
      const next = from + page < fleet.findings.length ? String(from + page) : undefined;
      return { certificates: fleet.findings.slice(from, from + page), next };
    },
    certificateArn: (id) => `${ARN}${id}`,
    perSecond: 3,
    patience: 60 * MINUTE,
    hasTime() {
      fleet.moments -= 1;
      return fleet.moments > 0;
    },
    async continueWith(event) {
      continued.push(JSON.parse(JSON.stringify(event)));
    },
  };
  return { ...fleet, fleet, ports };
}

/** What SNS invokes the function with when an audit is over. */
export const notificationOf = (count: number, details: object = {}) => ({
  Records: [
    {
      EventSource: 'aws:sns',
      EventVersion: '1.0',
      EventSubscriptionArn: 'arn:aws:sns:eu-west-1:123456789012:device_certificate_expiring:1',
      Sns: {
        Type: 'Notification',
        MessageId: '1',
        TopicArn: 'arn:aws:sns:eu-west-1:123456789012:device_certificate_expiring',
        Message: JSON.stringify({
          accountId: '123456789012',
          taskId: TASK,
          taskStatus: 'COMPLETED',
          taskType: 'SCHEDULED_AUDIT_TASK',
          scheduledAuditName: 'DeviceCertificateExpiring',
          failedChecksCount: 0,
          canceledChecksCount: 0,
          nonCompliantChecksCount: count > 0 ? 1 : 0,
          compliantChecksCount: count > 0 ? 0 : 1,
          totalChecksCount: 1,
          taskStartTime: 1_524_740_766_191,
          auditDetails: [
            {
              checkName: 'DEVICE_CERTIFICATE_EXPIRING_CHECK',
              checkRunStatus: count > 0 ? 'COMPLETED_NON_COMPLIANT' : 'COMPLETED_COMPLIANT',
              nonCompliantResourcesCount: count,
              totalResourcesCount: 1000,
              ...details,
            },
          ],
        }),
      },
    },
  ],
});
