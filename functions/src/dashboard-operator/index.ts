import { GreengrassV2Client } from '@aws-sdk/client-greengrassv2';
import { IoTClient } from '@aws-sdk/client-iot';
import { IoTDataPlaneClient } from '@aws-sdk/client-iot-data-plane';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { allowlistStore } from '../allowlist/store.js';
import type { Caller } from '../api/request.js';
import { route, urlHandler } from '../api/router.js';
import { removeDevice } from '../devices/remove-device.js';
import { invokeRotationRequest } from '../devices/rotation-request.js';
import { required } from '../environment.js';
import { jsonLog } from '../rotation/log.js';
import { s3Client } from '../s3-client.js';
import { type Author, allow, type MembershipPorts, remove } from './membership.js';
import { rotate } from './rotation.js';

/** AWS IoT lets a few registry calls a second through: clients slow down when they are throttled. */
const PATIENCE = { retryMode: 'adaptive', maxAttempts: 8 } as const;
const iot = new IoTClient(PATIENCE);
const data = new IoTDataPlaneClient(PATIENCE);
const greengrass = new GreengrassV2Client(PATIENCE);
const lambda = new LambdaClient({});
const s3 = s3Client();
const log = jsonLog((line) => console.info(line));

function membership(): MembershipPorts {
  return {
    allowlist: allowlistStore(s3, required('PROVISIONING_BUCKET')),
    removeDevice: (thing) => removeDevice({ iot, data, greengrass }, thing, log),
    log,
    now: Date.now,
  };
}

function authorOf({ caller, requestId }: { caller: Caller | undefined; requestId: string }): Author {
  return { by: caller?.arn ?? 'unknown', accessKey: caller?.accessKey, requestId };
}

/**
 * The Lambda handler behind the function's URL that does what operators ask for, and logs who did. `PROVISIONING_BUCKET`
 * has the allowlist.
 */
export const handler = urlHandler(
  [
    route('POST', '/devices/{thing}/rotation', (call) =>
      rotate(
        call.parameters.thing,
        authorOf(call),
        {
          request: (things, abortSignal) => invokeRotationRequest(lambda, things, { abortSignal }),
          log,
        },
        call.signal,
      ),
    ),
    route('PUT', '/allowlist/{serial}', (call) =>
      allow(call.parameters.serial, authorOf(call), membership()),
    ),
    route('DELETE', '/allowlist/{serial}', (call) =>
      remove(call.parameters.serial, authorOf(call), membership()),
    ),
  ],
  log,
  50_000,
);
