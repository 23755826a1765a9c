import { setTimeout as pause } from 'node:timers/promises';
import { IoTClient } from '@aws-sdk/client-iot';
import { IoTDataPlaneClient } from '@aws-sdk/client-iot-data-plane';
import { type Certificates, iotCertificates } from './certificates.js';
import { jsonLog, type Log } from './log.js';
import { dataPlanePublish, type Publish } from './outbox.js';
import { type RotationStates, shadowStates } from './rotation-states.js';

/** What the functions of the rotation need of their surroundings. */
export interface RotationPorts {
  readonly certificates: Certificates;
  readonly states: RotationStates;
  readonly publish: Publish;
  readonly log: Log;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/**
 * AWS answers ten DescribeCertificate, UpdateCertificate, ListThingPrincipals and ListPrincipalThings a second
 * (AWS IoT Core quotas): clients slow down when it says that this is too much.
 */
const PATIENCE = { retryMode: 'adaptive', maxAttempts: 10 } as const;

/** The function's own clients, of its environment's region and credentials, and its log. */
export function awsPorts(): RotationPorts & { readonly iot: IoTClient } {
  const iot = new IoTClient(PATIENCE);
  const data = new IoTDataPlaneClient(PATIENCE);
  return {
    iot,
    certificates: iotCertificates(iot, pause),
    states: shadowStates(data),
    publish: dataPlanePublish(data),
    log: jsonLog((line) => console.info(line)),
    now: Date.now,
  };
}
