import * as sdk from '@aws-sdk/client-iot-jobs-data-plane';
import type { Clock } from '../../clock.js';
import { AwsError } from '../../errors.js';
import { readModel } from '../../protocol/model.js';
import { restJson1 } from '../../protocol/protocols.js';
import { type Call, defineService, type Operations, type Service } from '../../service.js';
import type { DeviceAccess } from '../iot/authorization/device-access.js';
import { describedExecution, secondsLeft, stateOf, summaryOf } from '../iot/jobs/descriptions.js';
import { DeviceJobError, type DeviceJobs } from '../iot/jobs/device-jobs.js';
import type { ExecutionRecord } from '../iot/jobs/records.js';

export interface JobsDataCapabilities {
  readonly deviceJobs: DeviceJobs;
  readonly access: DeviceAccess;
}

/** Paths of the jobs data plane on the device HTTPS listener. */
export const IOT_JOBS_DATA_PATH = { prefix: '/things/', pattern: /^\/things\/[^/]+\/jobs(?:\/|$)/ };

/** The AWS IoT Jobs data plane over HTTP, for signed callers and for devices. */
export function iotJobsDataPlane(
  { clock }: { clock: Clock },
  { deviceJobs, access }: JobsDataCapabilities,
): Service {
  /** The thing that a call is about, when the caller may do this to it. */
  function scopeOf(call: Call, operation: string, thingName: string | undefined) {
    const peer = {
      principal: call.principal,
      sourceIp: call.request.sourceIp,
      domainName: call.request.headers.host,
    };
    if (!access.allows(peer, `iot:${operation}`, `thing/${thingName ?? ''}`)) {
      throw new AwsError('ForbiddenException', 'Forbidden', 403);
    }
    return { thingName: thingName ?? '', namespaceId: undefined };
  }

  function described(execution: ExecutionRecord, withDocument: boolean): sdk.JobExecution {
    const left = secondsLeft(execution, clock.now());
    const { statusDetails, jobDocument: _, ...rest } = describedExecution(execution, undefined);
    return {
      ...rest,
      ...(statusDetails && { statusDetails: { ...statusDetails } }),
      thingName: execution.thingName,
      ...(left !== undefined && { approximateSecondsBeforeTimedOut: left }),
      ...(withDocument && { jobDocument: deviceJobs.document(execution.jobId) }),
    };
  }

  const operations: Operations<typeof sdk> = {
    GetPendingJobExecutions({ thingName }, call) {
      const scope = scopeOf(call, 'GetPendingJobExecutions', thingName);
      return modelled(() => {
        const all = deviceJobs.pending(scope);
        const of = (status: string) => all.filter((one) => one.status === status).map(summaryOf);
        return { inProgressJobs: of('IN_PROGRESS'), queuedJobs: of('QUEUED') };
      });
    },

    StartNextPendingJobExecution({ thingName, ...request }, call) {
      const scope = scopeOf(call, 'StartNextPendingJobExecution', thingName);
      return modelled(() => {
        const execution = deviceJobs.startNext(scope, request);
        return execution ? { execution: described(execution, true) } : {};
      });
    },

    DescribeJobExecution({ thingName, jobId = '', executionNumber, includeJobDocument }, call) {
      const scope = scopeOf(call, 'DescribeJobExecution', thingName);
      return modelled(() => {
        const execution = deviceJobs.describe(scope, jobId, executionNumber);
        return execution ? { execution: described(execution, includeJobDocument ?? true) } : {};
      });
    },

    UpdateJobExecution({ thingName, jobId = '', ...request }, call) {
      const scope = scopeOf(call, 'UpdateJobExecution', thingName);
      return modelled(() => {
        const execution = deviceJobs.update(scope, jobId, request);
        return {
          ...(request.includeJobExecutionState && { executionState: executionState(execution) }),
          ...(request.includeJobDocument && { jobDocument: deviceJobs.document(jobId) }),
        };
      });
    },
  };

  const model = readModel(sdk);
  return defineService<typeof sdk>({
    name: 'iot-jobs-data-plane',
    scopes: ['iot-jobs-data'],
    model,
    protocol: restJson1(model),
    operations,
    validationError: { code: 'InvalidRequestException' },
  });
}

function executionState(execution: ExecutionRecord): sdk.JobExecutionState {
  const { statusDetails, ...state } = stateOf(execution);
  return { ...state, ...(statusDetails && { statusDetails: { ...statusDetails } }) };
}

/** Gives errors of the device API the names that they have over HTTP. */
function modelled<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof DeviceJobError)) throw error;
    const details = { message: error.message, $metadata: {} };
    switch (error.code) {
      case 'ResourceNotFound':
        throw new sdk.ResourceNotFoundException(details);
      case 'TerminalStateReached':
        throw new sdk.TerminalStateException(details);
      case 'InvalidStateTransition':
        throw new sdk.InvalidStateTransitionException(details);
      default:
        throw new sdk.InvalidRequestException(details);
    }
  }
}
