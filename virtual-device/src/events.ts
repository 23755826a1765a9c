import type { StageName } from './deployment/stages.js';
import type { LifecycleState, LocalDeployment } from './ipc/capabilities.js';

/** What happens on a device, for onlookers; the command prints these with `--json`. */
export type DeviceEvent =
  | { readonly event: 'provisioning'; readonly detail: string }
  | { readonly event: 'provisioned'; readonly thingName: string; readonly certificateId: string }
  | {
      readonly event: 'started';
      readonly thingName: string;
      readonly root: string;
      /** What runs containers; `process` says that images' commands run as plain processes. */
      readonly containers: 'docker' | 'podman' | 'process';
    }
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
      /** An IoT job for a thing group, the thing's own deployment shadow, or the device itself. */
      readonly source: 'IOT_JOBS' | 'SHADOW' | 'LOCAL';
      readonly status: LocalDeployment['status'];
      readonly reason?: string;
    }
  | {
      /** The device stops and is to be started again by whoever runs it: the whole device, or its agent alone. */
      readonly event: 'restarting';
      readonly thingName: string;
      readonly what: RestartKind;
      readonly reason: string;
    }
  | { readonly event: 'deployment-stage'; readonly deploymentId: string; readonly stage: StageName }
  | { readonly event: 'stopped'; readonly thingName: string };

/** What starts again: `device` as by a reboot, with a new boot id, or only the `agent`, as the nucleus does after bootstraps. */
export type RestartKind = 'agent' | 'device';
