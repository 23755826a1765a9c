import { DescribeJobExecutionCommand, type IoTClient } from '@aws-sdk/client-iot';
import type { CallOptions } from './call-options.js';

/** Why a device failed, in the device's own words. */
export async function failureReason(
  iot: IoTClient,
  jobId: string,
  thingName: string,
  options: CallOptions = {},
): Promise<string> {
  const { execution } = await iot.send(new DescribeJobExecutionCommand({ jobId, thingName }), options);
  const { status, statusDetails } = execution ?? {};
  const details = statusDetails?.detailsMap ?? {};
  // As the nucleus reports it: IotJobsHelper and DeploymentResult in its sources.
  const said = details['deployment-failure-cause'] ?? details['detailed-deployment-status'];
  if (said) return said;
  return status === 'TIMED_OUT' ? 'it did not finish in time' : 'it gave no reason';
}
