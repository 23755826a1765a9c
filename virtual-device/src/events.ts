import type { LifecycleState, LocalDeployment } from './ipc/capabilities.js';

/** What happens on a device, for onlookers; the command prints these with `--json`. */
export type DeviceEvent =
  | { readonly event: 'provisioning'; readonly detail: string }
  | { readonly event: 'provisioned'; readonly thingName: string; readonly certificateId: string }
  | { readonly event: 'started'; readonly thingName: string; readonly root: string }
  | { readonly event: 'connected'; readonly thingName: string; readonly endpoint: string }
  | { readonly event: 'disconnected'; readonly thingName: string; readonly reason: string }
  | {
      readonly event: 'component';
      readonly component: string;
      readonly version: string;
      readonly state: LifecycleState;
      readonly reason?: string;
    }
  | {
      readonly event: 'deployment';
      readonly deploymentId: string;
      readonly status: LocalDeployment['status'];
      readonly reason?: string;
    }
  | { readonly event: 'stopped'; readonly thingName: string };
