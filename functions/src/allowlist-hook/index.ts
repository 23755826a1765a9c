import { required } from '../environment.js';
import { s3Client } from '../s3-client.js';
import { decide, type HookResponse } from './hook.js';
import { readText } from './s3-text.js';

/** AWS IoT gives a hook 5 seconds: two attempts of 2 seconds leave time to say no. */
const s3 = s3Client({
  maxAttempts: 2,
  requestHandler: { connectionTimeout: 1000, requestTimeout: 2000, throwOnRequestTimeout: true },
});

/**
 * The pre-provisioning hook's Lambda handler. `ALLOWLIST_BUCKET` and `ALLOWLIST_KEY` name the object with one
 * serial number a line; it is read anew for each device.
 */
export function handler(event: unknown): Promise<HookResponse> {
  return decide(event, {
    readAllowlist: () => readText(s3, required('ALLOWLIST_BUCKET'), required('ALLOWLIST_KEY')),
    log: (line) => console.info(line),
  });
}
