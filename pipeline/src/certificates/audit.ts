import { setTimeout as delay } from 'node:timers/promises';
import {
  DescribeAuditTaskCommand,
  InvalidRequestException,
  type IoTClient,
  LimitExceededException,
  paginateListAuditFindings,
  paginateListPrincipalThings,
  ResourceNotFoundException,
  StartOnDemandAuditTaskCommand,
} from '@aws-sdk/client-iot';
import { inParallel } from '@mooring/functions/in-parallel';
import { MooringError } from '../errors.js';
import { accountOf, type Target } from '../target.js';

/** The audit check that the rotation begins with (AWS IoT Device Defender developer guide, "Audit checks"). */
const CHECK = 'DEVICE_CERTIFICATE_EXPIRING_CHECK';

/** A certificate that an audit found to expire soon, or to have expired. */
export interface ExpiringCertificate {
  readonly certificateId: string;
  /** The device that has it; undefined when it is attached to none. */
  readonly thing: string | undefined;
  readonly severity: string;
  /** As Device Defender words it. */
  readonly reason: string;
  readonly code: string;
}

/** What an audit came to. */
export interface CertificateAudit {
  readonly taskId: string;
  /** When it began, by the cloud's clock, in milliseconds since 1970. */
  readonly started: number;
  /** Certificates that it looked at. */
  readonly checked: number;
  readonly expiring: readonly ExpiringCertificate[];
}

export interface AuditOptions {
  /** Seconds to wait for its end. */
  readonly timeout: number;
  readonly onProgress: (line: string) => void;
  /** Told after each certificate how many of how many were looked up. */
  readonly onLookUp?: (done: number, of: number) => void;
}

/** Certificates looked up at a time. */
const CONCURRENCY = 8;
/** Milliseconds between the first two looks at a running audit, and at most between two later ones. */
const LOOKS = { first: 200, slowest: 5000 };

/**
 * Has Device Defender audit the account's device certificates now, and waits for what it finds. Its findings set the
 * rotations off, as those of the daily audit do.
 *
 * @throws MooringError `AuditRefused` when the check is not enabled or another audit runs; `AuditFailed` when it
 * fails, is canceled, or does not end in time.
 */
export async function auditCertificates(
  target: Target,
  iot: IoTClient,
  options: AuditOptions,
): Promise<CertificateAudit> {
  const arnPrefix = `arn:aws:iot:${target.region}:${await accountOf(target)}:cert/`;
  const taskId = await start(iot);
  options.onProgress(`Audit ${taskId} looks at the certificates`);
  const { started, checked } = await untilOver(iot, taskId, options.timeout);
  const found = await findings(iot, taskId);
  let done = 0;
  const expiring = await inParallel(found, CONCURRENCY, async (finding) => {
    const thing = await thingOf(iot, arnPrefix + finding.certificateId);
    done += 1;
    options.onLookUp?.(done, found.length);
    return { ...finding, thing };
  });
  return { taskId, started, checked, expiring };
}

async function start(iot: IoTClient): Promise<string> {
  try {
    const { taskId } = await iot.send(new StartOnDemandAuditTaskCommand({ targetCheckNames: [CHECK] }));
    if (taskId) return taskId;
    throw new MooringError('AuditRefused', 'Device Defender answered without an audit task; try again');
  } catch (error) {
    if (error instanceof InvalidRequestException) {
      throw new MooringError(
        'AuditRefused',
        `Device Defender does not audit certificates in this account yet (${error.message}): run \`mooring deploy\` first`,
      );
    }
    if (error instanceof LimitExceededException) {
      throw new MooringError(
        'AuditRefused',
        `Device Defender takes no further audit now (${error.message}): wait until the one that runs has ended`,
      );
    }
    throw error;
  }
}

async function untilOver(
  iot: IoTClient,
  taskId: string,
  timeout: number,
): Promise<Pick<CertificateAudit, 'started' | 'checked'>> {
  const end = performance.now() + timeout * 1000;
  for (let pause = LOOKS.first; ; pause = Math.min(pause * 1.5, LOOKS.slowest)) {
    const task = await iot.send(new DescribeAuditTaskCommand({ taskId }));
    const details = task.auditDetails?.[CHECK];
    const failed = (why: string) => new MooringError('AuditFailed', `The audit ${taskId} ${why}`);
    if (task.taskStatus === 'COMPLETED' && details?.checkRunStatus !== 'FAILED') {
      return { started: task.taskStartTime?.getTime() ?? 0, checked: details?.totalResourcesCount ?? 0 };
    }
    if (task.taskStatus === 'CANCELED') throw failed('was canceled');
    if (task.taskStatus !== 'IN_PROGRESS') {
      throw failed(`failed: ${details?.message ?? details?.errorCode ?? 'no reason given'}`);
    }
    if (performance.now() > end)
      throw failed(`did not end within ${timeout} s; it goes on without this command`);
    await delay(pause);
  }
}

async function findings(iot: IoTClient, taskId: string): Promise<Omit<ExpiringCertificate, 'thing'>[]> {
  const found: Omit<ExpiringCertificate, 'thing'>[] = [];
  const pages = paginateListAuditFindings({ client: iot, pageSize: 250 }, { taskId, checkName: CHECK });
  for await (const page of pages) {
    for (const { nonCompliantResource, severity, ...finding } of page.findings ?? []) {
      const certificateId = nonCompliantResource?.resourceIdentifier?.deviceCertificateId;
      if (certificateId === undefined) continue;
      found.push({
        certificateId,
        severity: severity ?? 'UNKNOWN',
        reason: finding.reasonForNonCompliance ?? '',
        code: finding.reasonForNonComplianceCode ?? '',
      });
    }
  }
  return found;
}

async function thingOf(iot: IoTClient, principal: string): Promise<string | undefined> {
  try {
    const pages = paginateListPrincipalThings({ client: iot }, { principal });
    for await (const { things = [] } of pages) if (things[0] !== undefined) return things[0];
  } catch (error) {
    // It was deleted since it was found.
    if (!(error instanceof ResourceNotFoundException)) throw error;
  }
  return undefined;
}
