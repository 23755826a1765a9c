import { RotateThingsEvent } from '@mooring/contracts';
import { z } from 'zod';

/** The check of Device Defender that finds certificates which expire within 30 days, or have expired. */
export const EXPIRING_CHECK = 'DEVICE_CERTIFICATE_EXPIRING_CHECK';

/** How far the findings of an audit were gone through; what one invocation hands over to the next. */
export const AuditProgress = z.object({
  taskId: z.string().regex(/^[a-zA-Z0-9-]{1,40}$/),
  /** How many certificates the audit found. */
  of: z.number().int().min(1),
  /** Page of findings to go on with; absent for the first. */
  token: z.string().optional(),
  /** Findings of that page that were handled already. */
  skip: z.number().int().min(0).default(0),
  /** Devices asked so far. */
  requested: z.number().int().min(0).default(0),
  /** Ids of certificates whose devices could not be asked. */
  failed: z.array(z.string()).default([]),
});
export type AuditProgress = z.infer<typeof AuditProgress>;

/** What this function sends to itself when its time is over. */
const Continuation = z.object({ audits: z.array(AuditProgress).min(1) });

/** What SNS invokes a function with (Amazon SNS developer guide, "Fanout to Lambda functions"). */
const SnsEvent = z.object({ Records: z.array(z.object({ Sns: z.object({ Message: z.string() }) })).min(1) });

/**
 * What Device Defender publishes when an audit is over, as far as it is read here (AWS IoT Device Defender developer
 * guide, "Audit notifications").
 */
const AuditNotification = z.object({
  taskId: AuditProgress.shape.taskId,
  auditDetails: z.array(
    z.object({
      checkName: z.string(),
      checkRunStatus: z.string(),
      nonCompliantResourcesCount: z.number().int(),
    }),
  ),
});

/** What the function is asked to do. */
export type RotationRequest =
  | { readonly kind: 'things'; readonly things: readonly string[] }
  | {
      readonly kind: 'audits';
      readonly audits: readonly AuditProgress[];
      readonly ignored: readonly string[];
    };

/** The function was sent something that it does not know. */
export class UnknownEventError extends Error {
  override readonly name = 'UnknownEventError';
}

/**
 * Reads an event: things by name, the notification of an audit through SNS, or this function's own continuation.
 * Notifications that ask for nothing are named in `ignored`.
 *
 * @throws UnknownEventError for anything else.
 */
export function readEvent(event: unknown): RotationRequest {
  const things = RotateThingsEvent.safeParse(event);
  if (things.success) return { kind: 'things', things: [...new Set(things.data.things)] };
  const continuation = Continuation.safeParse(event);
  if (continuation.success) return { kind: 'audits', audits: continuation.data.audits, ignored: [] };
  const sns = SnsEvent.safeParse(event);
  if (!sns.success) {
    throw new UnknownEventError(
      'the event is neither a notification of SNS nor {"things": ["…"]} with 1 to 1000 names',
    );
  }
  const audits: AuditProgress[] = [];
  const ignored: string[] = [];
  for (const { Sns } of sns.data.Records) {
    const audit = auditOf(Sns.Message);
    if (typeof audit === 'string') ignored.push(audit);
    else audits.push(audit);
  }
  return { kind: 'audits', audits, ignored };
}

/** An audit that found expiring certificates, or why a message is none. */
function auditOf(message: string): AuditProgress | string {
  let json: unknown;
  try {
    json = JSON.parse(message);
  } catch {
    return 'the message is not JSON';
  }
  const notification = AuditNotification.safeParse(json);
  if (!notification.success) return 'the message is not that of an audit';
  const { taskId, auditDetails } = notification.data;
  const check = auditDetails.find(({ checkName }) => checkName === EXPIRING_CHECK);
  if (check === undefined) return `the audit ${taskId} did not look for expiring certificates`;
  if (check.checkRunStatus !== 'COMPLETED_NON_COMPLIANT' || check.nonCompliantResourcesCount < 1) {
    return `the audit ${taskId} found no expiring certificates: ${check.checkRunStatus}`;
  }
  return AuditProgress.parse({ taskId, of: check.nonCompliantResourcesCount });
}
