/** Metrics of components: the IPC service `aws.greengrass.ipc.componentmetric`. */
import { z } from 'zod';
import type { AccessControl } from '../access-control.js';
import { IpcError, type IpcLog } from '../capabilities.js';
import { defineOperation, type Operation, principalName } from '../operation.js';

const SERVICE = 'aws.greengrass.ipc.componentmetric';
const MAX_NAME_BYTES = 32;

/** Units of the model, as the nucleus compares them: letters and digits only, in any case. */
const UNITS = new Set(['bytes', 'bytespersecond', 'count', 'countpersecond', 'megabytes', 'seconds']);

const invalid = 'Invalid argument found in PutComponentMetricRequest';
const metric = z.object({
  name: z
    .string(invalid)
    .min(1, invalid)
    .refine((name) => Buffer.byteLength(name) <= MAX_NAME_BYTES, invalid),
  unit: z
    .string(invalid)
    .refine(
      (unit) => UNITS.has(unit.replace(/[^A-Za-z0-9]/g, '').toLowerCase()),
      'Invalid telemetry unit: No matching TelemetryUnit type found',
    ),
  value: z.number(invalid).nonnegative(invalid),
});

/**
 * As on the nucleus, only AWS's own components (`aws.…`) may put metrics. They are written to the device's
 * log: this device sends no telemetry.
 */
export function componentMetricOperations(accessControl: AccessControl, log: IpcLog): readonly Operation[] {
  return [
    defineOperation({
      name: 'PutComponentMetric',
      request: z.object({
        metrics: z
          .array(metric, 'Null or Empty list of metrics found in PutComponentMetricRequest')
          .min(1, 'Null or Empty list of metrics found in PutComponentMetricRequest'),
      }),
      handle({ metrics }, { principal, operation }) {
        const component = principalName(principal);
        accessControl.authorize(principal, SERVICE, operation, '*');
        if (!component.startsWith('aws.')) {
          throw new IpcError(
            'UnauthorizedError',
            `Principal ${component} is not authorized to perform ${SERVICE}:${operation}`,
          );
        }
        for (const { name, unit, value } of metrics) {
          log('info', `${component} put the metric ${name}`, { component, name, unit, value });
        }
        return {};
      },
    }),
  ];
}
