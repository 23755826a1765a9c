import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { GreengrassV2Client } from '@aws-sdk/client-greengrassv2';
import { IoTClient } from '@aws-sdk/client-iot';
import { IoTDataPlaneClient } from '@aws-sdk/client-iot-data-plane';
import { allowlistStore } from '../allowlist/store.js';
import { PageQuery } from '../api/next-token.js';
import { route, urlHandler } from '../api/router.js';
import { required, requiredNumber } from '../environment.js';
import { jsonLog } from '../rotation/log.js';
import { s3Client } from '../s3-client.js';
import { allowlist, groupMembers } from './allowlist.js';
import { coreHealths } from './core-health.js';
import { deploymentDetails } from './deployment-details.js';
import { deployments } from './deployments.js';
import { deviceDetails } from './devices.js';
import { EventsQuery, events } from './events.js';
import { fleetPage } from './fleet.js';
import { kept } from './kept.js';
import { deviceLog, LogQuery } from './logs.js';
import { TelemetryQuery, telemetry } from './telemetry.js';
import { telemetryTable } from './telemetry-table.js';

/** AWS IoT answers ten calls a second of some kinds: clients slow down when it says that this is too much. */
const PATIENCE = { retryMode: 'adaptive', maxAttempts: 6 } as const;
const iot = new IoTClient(PATIENCE);
const data = new IoTDataPlaneClient(PATIENCE);
const greengrass = new GreengrassV2Client(PATIENCE);
const dynamo = new DynamoDBClient(PATIENCE);
const logs = new CloudWatchLogsClient(PATIENCE);
const s3 = s3Client();
const table = telemetryTable(dynamo);

/** Milliseconds for which lists of the whole fleet are kept, which take AWS some pages. */
const KEPT = 10_000;
const healths = kept((abortSignal: AbortSignal) => coreHealths(greengrass, { abortSignal }), KEPT, Date.now);
const members = kept((signal: AbortSignal) => groupMembers(iot, signal), KEPT, Date.now);

/** The ARN of the fleet's group: its partition, region and account are those of all that is read. */
const groupArn = () => required('THING_GROUP_ARN');

function componentArn(name: string, version: string): string {
  const [, partition, , region, account] = groupArn().split(':');
  return `arn:${partition}:greengrass:${region}:${account}:components:${name}:versions:${version}`;
}

/**
 * The Lambda handler behind the function's URL that tells about the fleet. `THING_GROUP_ARN` is the fleet's group,
 * `PROVISIONING_BUCKET` has the allowlist, `LOG_DAYS` and `EVENT_DAYS` are for how long logs and events are kept.
 */
export const handler = urlHandler(
  [
    route('GET', '/fleet', ({ query, signal }) =>
      fleetPage(query(PageQuery).next, { iot, coreHealths: healths }, signal),
    ),
    route('GET', '/devices', ({ repeated, signal }) =>
      deviceDetails(repeated('thing'), { iot, data, greengrass, telemetry: table }, signal),
    ),
    route('GET', '/devices/{thing}/telemetry', ({ parameters, query, signal }) =>
      telemetry(parameters.thing, query(TelemetryQuery), table, signal),
    ),
    route('GET', '/devices/{thing}/logs', ({ parameters, query, signal }) =>
      deviceLog(
        parameters.thing,
        query(LogQuery),
        { logs, region: required('AWS_REGION'), days: requiredNumber('LOG_DAYS'), now: Date.now },
        signal,
      ),
    ),
    route('GET', '/deployments', ({ query, signal }) =>
      deployments(query(PageQuery).next, greengrass, groupArn(), signal),
    ),
    route('GET', '/deployments/{deploymentId}', ({ parameters, signal }) =>
      deploymentDetails(parameters.deploymentId, { greengrass, iot, componentArn }, signal),
    ),
    route('GET', '/events', ({ query, signal }) =>
      events(query(EventsQuery), { dynamo, days: requiredNumber('EVENT_DAYS'), now: Date.now }, signal),
    ),
    route('GET', '/allowlist', ({ signal }) =>
      allowlist({ allowlist: allowlistStore(s3, required('PROVISIONING_BUCKET')), members }, signal),
    ),
  ],
  jsonLog((line) => console.info(line)),
  25_000,
);
