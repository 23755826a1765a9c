import { AwsError } from '../../../errors.js';
import type { JobEngine } from '../../iot/jobs/engine.js';
import type { Shadows } from '../../iot/shadows/shadows.js';
import { invalid } from '../errors.js';
import { deploymentDocument } from './deployment-document.js';
import type { DeploymentRecord, DeploymentStore, DeviceResult } from './deployment-store.js';

/** The topics of jobs that are deployments carry it. */
export const DEPLOYMENT_NAMESPACE = 'aws-gg-deployment';
/** The shadow that a deployment to a single thing is in. */
export const DEPLOYMENT_SHADOW = 'AWSManagedGreengrassV2Deployment';
/** Bytes of a document above which AWS sends it as a large configuration (Greengrass nucleus lite's specification). */
const LARGEST_JOB = 31 * 1024;
const LARGEST_SHADOW = 7 * 1024;

/** How deployments come to devices and what becomes of them there. */
export interface Delivery {
  /** Sends a deployment: a continuous job for the things of a group, the shadow of a thing. */
  send(record: DeploymentRecord): void;
  /** Takes a deployment back from devices that have not got it. */
  cancel(record: DeploymentRecord, reason: 'CANCELED' | 'REVISED'): void;
  /** Forgets the job of a deployment. */
  forget(record: DeploymentRecord): void;
  status(record: DeploymentRecord): 'ACTIVE' | 'COMPLETED' | 'CANCELED' | 'FAILED' | 'INACTIVE';
  /** Does what was begun when the local cloud was stopped: sends and cancels what was not yet. */
  resume(failed: (record: DeploymentRecord, error: unknown) => void): void;
  /** @throws AwsError when the deployment is larger than can be sent. */
  checkSize(record: DeploymentRecord): void;
}

export function delivery(deployments: DeploymentStore, jobs: JobEngine, shadows: Shadows): Delivery {
  function sendJob(record: DeploymentRecord, jobId: string): void {
    // Sent already before the local cloud was stopped.
    if (jobs.get(jobId)) return;
    const { jobExecutionsRolloutConfig: rollout, abortConfig, timeoutConfig } = record.jobConfiguration;
    jobs.create({
      jobId,
      targets: [record.targetArn],
      targetSelection: 'CONTINUOUS',
      document: JSON.stringify(deploymentDocument(record)),
      namespaceId: DEPLOYMENT_NAMESPACE,
      ...(rollout && { rollout }),
      ...(abortConfig && { abort: abortConfig }),
      ...(timeoutConfig && { timeout: timeoutConfig }),
    });
  }

  const self: Delivery = {
    send(record) {
      try {
        if (record.jobId === undefined) {
          shadows.update(record.target.name, DEPLOYMENT_SHADOW, {
            desired: { desiredStatus: 'SUCCEEDED', fleetConfig: JSON.stringify(deploymentDocument(record)) },
          });
        } else sendJob(record, record.jobId);
      } catch (error) {
        // What AWS IoT refuses is the caller's to put right.
        if (error instanceof Error && (error.name === 'ShadowError' || '$fault' in error)) {
          throw invalid(error.message);
        }
        throw error;
      }
      deployments.put({ ...record, sent: true });
    },

    cancel(record, reason) {
      if (record.jobId !== undefined) {
        const job = jobs.get(record.jobId);
        if (job && (job.status === 'IN_PROGRESS' || job.status === 'SCHEDULED')) {
          jobs.cancel(record.jobId, { force: false, reasonCode: `GREENGRASS_DEPLOYMENT_${reason}` });
        }
      } else if (reason === 'CANCELED' && deployments.isLatest(record)) {
        const shadow = shadows.get(record.target.name, DEPLOYMENT_SHADOW);
        if (shadow?.state.desired?.desiredStatus === 'CANCELED') return;
        shadows.update(record.target.name, DEPLOYMENT_SHADOW, { desired: { desiredStatus: 'CANCELED' } });
      }
    },

    forget({ jobId }) {
      if (jobId !== undefined && jobs.get(jobId)) jobs.delete(jobId, { force: true });
    },

    status(record) {
      if (record.canceled) return 'CANCELED';
      if (record.jobId !== undefined) {
        switch (jobs.get(record.jobId)?.status) {
          case 'CANCELED':
            return 'CANCELED';
          case 'COMPLETED':
            return 'COMPLETED';
          case 'IN_PROGRESS':
          case 'SCHEDULED':
            return 'ACTIVE';
          default:
            return record.sent ? 'INACTIVE' : 'ACTIVE';
        }
      }
      if (!deployments.isLatest(record)) return 'INACTIVE';
      return ofResult(deployments.result(record.target.name, record.deploymentId));
    },

    checkSize(record) {
      const text = JSON.stringify(deploymentDocument(record));
      // In a shadow it is text within JSON.
      const [carried, limit, what] =
        record.jobId === undefined
          ? [JSON.stringify(text), LARGEST_SHADOW, 'shadow']
          : [text, LARGEST_JOB, 'job'];
      const size = Buffer.byteLength(carried);
      if (size <= limit) return;
      throw new AwsError(
        'NotImplementedException',
        `The deployment's document has ${size} bytes; deployments larger than the ${limit} bytes that a ${what} can carry (LARGE_CONFIGURATION, GetDeploymentConfiguration) are not built in the local cloud`,
        501,
      );
    },

    resume(failed) {
      // The oldest first, so that a shadow ends with the newest.
      for (const record of deployments.list().reverse()) {
        try {
          if (record.canceled) self.cancel(record, 'CANCELED');
          else if (!deployments.isLatest(record)) self.cancel(record, 'REVISED');
          else if (!record.sent) self.send(record);
        } catch (error) {
          failed(record, error);
        }
      }
    },
  };
  return self;
}

function ofResult(result: DeviceResult | undefined): 'ACTIVE' | 'COMPLETED' | 'CANCELED' | 'FAILED' {
  switch (result?.status) {
    case 'SUCCEEDED':
      return 'COMPLETED';
    case 'FAILED':
    case 'REJECTED':
    case 'TIMED_OUT':
      return 'FAILED';
    case 'CANCELED':
      return 'CANCELED';
    default:
      return 'ACTIVE';
  }
}
