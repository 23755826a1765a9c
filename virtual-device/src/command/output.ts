import { DeviceError, messageOf } from '../errors.js';
import type { DeviceEvent } from '../events.js';

/** One event as a short line for people. */
export function describeEvent(event: DeviceEvent): string {
  switch (event.event) {
    case 'provisioning':
      return event.detail;
    case 'provisioned':
      return `provisioned as ${event.thingName}, certificate ${event.certificateId}`;
    case 'started':
      return `${event.thingName} started in ${event.root}; containers run ${event.containers === 'process' ? 'as processes' : `with ${event.containers}`}`;
    case 'connected':
      return `connected to ${event.endpoint}`;
    case 'disconnected':
      return `disconnected: ${event.reason}`;
    case 'component':
      return `${event.component} ${event.version} ${event.state}${event.reason ? `: ${event.reason}` : ''}`;
    case 'deployment':
      return `deployment ${event.deploymentId} ${event.status}${event.reason ? `: ${event.reason}` : ''}`;
    case 'deployment-stage':
      return `deployment ${event.deploymentId}: ${event.stage}`;
    case 'restarting':
      return `the ${event.what} restarts: ${event.reason}`;
    case 'stopped':
      return `${event.thingName} stopped`;
  }
}

export function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

export function printJson(value: unknown): void {
  print(JSON.stringify(value));
}

/**
 * A failure: one sentence on standard error, and with `json` one object on standard output as well, whose
 * event is `refused` when AWS IoT refuses the device.
 */
export function printError(error: unknown, json: boolean): void {
  const message = messageOf(error);
  const code = error instanceof DeviceError ? error.code : 'INTERNAL';
  const isRefusal = code === 'PROVISIONING_REFUSED' || code === 'CLAIM_REFUSED';
  if (json) printJson({ event: isRefusal ? 'refused' : 'error', code, message });
  process.stderr.write(`${message}\n`);
}
