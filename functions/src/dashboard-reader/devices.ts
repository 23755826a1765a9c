import type { GreengrassV2Client } from '@aws-sdk/client-greengrassv2';
import {
  type EffectiveDeployment,
  paginateListEffectiveDeployments,
  ResourceNotFoundException,
} from '@aws-sdk/client-greengrassv2';
import type { IoTClient } from '@aws-sdk/client-iot';
import type { IoTDataPlaneClient } from '@aws-sdk/client-iot-data-plane';
import {
  DEVICES_AT_ONCE,
  type DeviceDeployment,
  type DeviceDetails,
  type DevicesAnswer,
  THING_NAME,
} from '@mooring/contracts';
import { z } from 'zod';
import { checked } from '../api/request.js';
import { deviceCertificates, rotationState } from '../devices/certificates.js';
import { connectivity } from '../devices/connectivity.js';
import { coreDevice } from '../devices/core-device.js';
import { inParallel } from '../in-parallel.js';
import type { TelemetryTable } from './telemetry-table.js';

/** What the details of devices are read with. */
export interface DevicesPorts {
  readonly iot: IoTClient;
  readonly data: IoTDataPlaneClient;
  readonly greengrass: GreengrassV2Client;
  readonly telemetry: Pick<TelemetryTable, 'latest'>;
}

/** Devices that are asked about at a time. */
const CONCURRENCY = 8;
/** Deployments of a device that are told, the latest first. */
const DEPLOYMENTS = 20;

const Things = z
  .array(z.string().regex(THING_NAME, 'it is not the name of a thing'))
  .min(1, 'name at least one "thing"')
  .max(DEVICES_AT_ONCE, `name at most ${DEVICES_AT_ONCE} of "thing"`);

/** Details of devices by name; those that do not exist are left out. */
export async function deviceDetails(
  things: readonly string[],
  ports: DevicesPorts,
  signal: AbortSignal,
): Promise<DevicesAnswer> {
  const names = [...new Set(checked(Things, things, 'the query'))];
  const found = await inParallel(names, CONCURRENCY, (thing) => details(thing, ports, signal));
  return { devices: found.filter((device) => device !== undefined) };
}

/** @returns undefined when there is no such thing. */
async function details(
  thing: string,
  { iot, data, greengrass, telemetry }: DevicesPorts,
  abortSignal: AbortSignal,
): Promise<DeviceDetails | undefined> {
  const options = { abortSignal };
  const certificates = await deviceCertificates(iot, thing, options);
  if (certificates === undefined) return undefined;
  const [{ connected, at }, rotation, core, deployments, led] = await Promise.all([
    connectivity(iot, thing, options),
    rotationState(data, thing, options),
    coreDevice(greengrass, thing, options),
    effectiveDeployments(greengrass, thing, abortSignal),
    telemetry.latest(thing, abortSignal),
  ]);
  return {
    thing,
    connected,
    connectionAt: at,
    health: core.health,
    healthAt: core.healthAt,
    rotation,
    components: [...core.components],
    certificates,
    deployments,
    led,
  };
}

async function effectiveDeployments(
  greengrass: GreengrassV2Client,
  coreDeviceThingName: string,
  abortSignal: AbortSignal,
): Promise<DeviceDeployment[]> {
  const deployments: DeviceDeployment[] = [];
  const pages = paginateListEffectiveDeployments(
    { client: greengrass },
    { coreDeviceThingName },
    { abortSignal },
  );
  try {
    for await (const page of pages) deployments.push(...(page.effectiveDeployments ?? []).map(deploymentOf));
  } catch (error) {
    if (!(error instanceof ResourceNotFoundException)) throw error;
  }
  return deployments.sort((a, b) => (b.at ?? 0) - (a.at ?? 0)).slice(0, DEPLOYMENTS);
}

function deploymentOf(deployment: EffectiveDeployment): DeviceDeployment {
  return {
    deploymentId: deployment.deploymentId ?? '',
    name: deployment.deploymentName,
    status: deployment.coreDeviceExecutionStatus ?? 'UNKNOWN',
    reason: deployment.reason,
    at: deployment.modifiedTimestamp?.getTime(),
  };
}
