import type { LifecycleState } from '../ipc/capabilities.js';

export type Trigger =
  | 'NUCLEUS_LAUNCH'
  | 'CADENCE'
  | 'NETWORK_RECONFIGURE'
  | 'LOCAL_DEPLOYMENT'
  | 'THING_DEPLOYMENT'
  | 'THING_GROUP_DEPLOYMENT'
  | 'COMPONENT_STATUS_CHANGE'
  | 'RECONNECT';

export interface ComponentHealth {
  readonly componentName: string;
  readonly version: string;
  readonly fleetConfigArns: readonly string[];
  readonly componentStatusDetails: { readonly statusCodes: readonly string[]; readonly statusReason: string };
  readonly isRoot: boolean;
  readonly status: LifecycleState | 'UNINSTALLED';
}

export interface DeploymentInformation {
  readonly status: string;
  readonly statusDetails: {
    readonly detailedStatus: string;
    readonly failureCause?: string;
    readonly errorStack?: readonly string[];
    readonly errorTypes?: readonly string[];
  };
  readonly fleetConfigurationArnForStatus: string;
  readonly deploymentId: string;
  readonly unchangedRootComponents: readonly string[];
}

/** A fleet status message, as `$aws/things/<thing>/greengrassv2/health/json` carries it. */
export interface HealthMessage {
  readonly ggcVersion: string;
  readonly platform: string;
  readonly architecture: string;
  readonly thing: string;
  readonly overallDeviceStatus: 'HEALTHY' | 'UNHEALTHY';
  readonly sequenceNumber: number;
  /** Milliseconds since 1970. */
  readonly timestamp: number;
  readonly messageType: 'COMPLETE' | 'PARTIAL';
  readonly trigger: Trigger;
  readonly components: readonly ComponentHealth[];
  readonly deploymentInformation?: DeploymentInformation;
}

/** The nucleus splits messages so that each stays below AWS IoT Core's 128 KiB. */
export const MAX_HEALTH_BYTES = 128_000;

/**
 * Cuts a message into payloads of at most `maxBytes`, each with some of the components; with more than one
 * each says which it is (`chunkInfo`). A component too large alone goes alone, its reason shortened.
 */
export function chunkHealthMessage(message: HealthMessage, maxBytes = MAX_HEALTH_BYTES): string[] {
  const { components, ...rest } = message;
  const whole = JSON.stringify(message);
  if (bytes(whole) <= maxBytes) return [whole];
  const frame = bytes(
    JSON.stringify({ ...rest, components: [], chunkInfo: { chunkId: 9999, totalChunks: 9999 } }),
  );
  const room = maxBytes - frame;
  const chunks: ComponentHealth[][] = [];
  let size = Number.POSITIVE_INFINITY;
  for (const component of components) {
    const fitting = shortened(component, room);
    const length = bytes(JSON.stringify(fitting)) + 1;
    if (size + length > room) {
      chunks.push([]);
      size = 0;
    }
    chunks.at(-1)?.push(fitting);
    size += length;
  }
  return chunks.map((chunk, index) =>
    JSON.stringify({
      ...rest,
      components: chunk,
      chunkInfo: { chunkId: index + 1, totalChunks: chunks.length },
    }),
  );
}

function shortened(component: ComponentHealth, room: number): ComponentHealth {
  if (bytes(JSON.stringify(component)) + 1 <= room) return component;
  const { componentStatusDetails } = component;
  return { ...component, componentStatusDetails: { ...componentStatusDetails, statusReason: '' } };
}

function bytes(text: string): number {
  return Buffer.byteLength(text, 'utf8');
}
