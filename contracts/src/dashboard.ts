import { z } from 'zod';
import { RotationState } from './rotation.js';

/**
 * What the dashboard and the functions behind it say to each other: JSON over Lambda function URLs, signed with the
 * visitor's temporary credentials. Times are milliseconds since 1970.
 *
 * | function | request | answer |
 * |---|---|---|
 * | session | `POST /session` {@link SessionRequest} | {@link SessionAnswer} |
 * | reader | `GET /fleet?next=` | {@link FleetPage} |
 * | reader | `GET /devices?thing=a&thing=b`, at most {@link DEVICES_AT_ONCE} | {@link DevicesAnswer} |
 * | reader | `GET /devices/{thing}/telemetry?from=&to=&points=` | {@link TelemetryAnswer} |
 * | reader | `GET /devices/{thing}/logs?component=&next=` | {@link LogPage} |
 * | reader | `GET /deployments?next=` | {@link DeploymentsPage} |
 * | reader | `GET /deployments/{deploymentId}` | {@link DeploymentDetails} |
 * | reader | `GET /events?thing=&next=` | {@link EventsPage} |
 * | reader | `GET /allowlist` | {@link AllowlistAnswer} |
 * | operator | `POST /devices/{thing}/rotation` | {@link RotationAnswer} |
 * | operator | `PUT /allowlist/{serial}` | {@link AllowlistChange} |
 * | operator | `DELETE /allowlist/{serial}`: off the list, and the device loses its access | {@link AllowlistChange} |
 *
 * Anything else than status 200 carries an {@link ApiProblem}.
 */
export const ApiProblem = z.object({
  /** Stable name of the problem, such as `NoSuchDevice`. */
  code: z.string(),
  /** What happened, on which thing, and what to do. */
  message: z.string(),
});
export type ApiProblem = z.infer<typeof ApiProblem>;

/** Devices that one request may ask the details of. */
export const DEVICES_AT_ONCE = 25;

/** Client ids of the dashboard's MQTT connections start with this. */
export const DASHBOARD_CLIENT_PREFIX = 'dashboard-';

/**
 * `config.json` beside the page: where its cloud is. Nothing in it is secret. The pipeline writes it when it publishes
 * the page.
 */
export const DashboardConfig = z.object({
  stack: z.string(),
  region: z.string(),
  /** Base URLs, without a slash at the end, of the APIs that the page calls. */
  cognitoUserPoolsUrl: z.string(),
  cognitoIdentityUrl: z.string(),
  /** `wss://…/mqtt` of AWS IoT Core, or `ws://` on this machine; unsigned. */
  mqttUrl: z.string(),
  sessionUrl: z.string(),
  readerUrl: z.string(),
  operatorUrl: z.string(),
  userPoolId: z.string(),
  userPoolClientId: z.string(),
  identityPoolId: z.string(),
  /** Whether visitors who did not sign in may look. */
  guests: z.boolean(),
});
export type DashboardConfig = z.infer<typeof DashboardConfig>;

/** After sign-in: the ID token whose identity shall be let into AWS IoT. */
export const SessionRequest = z.object({ idToken: z.string().min(1).max(16_384) });
export type SessionRequest = z.infer<typeof SessionRequest>;

export const SessionAnswer = z.object({ identityId: z.string() });
export type SessionAnswer = z.infer<typeof SessionAnswer>;

/** A device in the list: what the fleet index and Greengrass know without asking for each one. */
export const DeviceSummary = z.object({
  thing: z.string(),
  /** Undefined when the cloud keeps no connectivity of it. */
  connected: z.boolean().optional(),
  /** Since when it is connected, or not. */
  connectionAt: z.number().optional(),
  /** As the Greengrass core reported it: `HEALTHY` or `UNHEALTHY`; undefined before its first report. */
  health: z.string().optional(),
  /** Its last report. */
  healthAt: z.number().optional(),
  rotation: RotationState.optional(),
});
export type DeviceSummary = z.infer<typeof DeviceSummary>;

export const FleetPage = z.object({ devices: z.array(DeviceSummary), next: z.string().optional() });
export type FleetPage = z.infer<typeof FleetPage>;

export const DeviceComponent = z.object({
  name: z.string(),
  version: z.string(),
  /** Lifecycle state: `RUNNING`, `FINISHED`, `BROKEN` … */
  state: z.string(),
  since: z.number().optional(),
  /** What the device says about it, if anything. */
  reason: z.string().optional(),
});
export type DeviceComponent = z.infer<typeof DeviceComponent>;

export const DeviceCertificateSummary = z.object({
  certificateId: z.string(),
  status: z.string(),
  expires: z.number().optional(),
});
export type DeviceCertificateSummary = z.infer<typeof DeviceCertificateSummary>;

/** A deployment as one device sees it. */
export const DeviceDeployment = z.object({
  deploymentId: z.string(),
  name: z.string().optional(),
  /** `QUEUED`, `IN_PROGRESS`, `SUCCEEDED`, `FAILED` … (Greengrass v2 API, EffectiveDeployment). */
  status: z.string(),
  reason: z.string().optional(),
  at: z.number().optional(),
});
export type DeviceDeployment = z.infer<typeof DeviceDeployment>;

/** What the LED told at `at`; of several in one stretch of time, the last. */
export const TelemetryPoint = z.object({
  at: z.number(),
  /** Hertz. */
  frequency: z.number(),
  blinking: z.boolean(),
  /** Lowest and highest frequency in the stretch that the point stands for. */
  lowest: z.number().optional(),
  highest: z.number().optional(),
});
export type TelemetryPoint = z.infer<typeof TelemetryPoint>;

export const DeviceDetails = DeviceSummary.extend({
  components: z.array(DeviceComponent),
  /** The one that lasts longest first. */
  certificates: z.array(DeviceCertificateSummary),
  deployments: z.array(DeviceDeployment),
  /** What its LED told last, if that is kept still. */
  led: TelemetryPoint.optional(),
});
export type DeviceDetails = z.infer<typeof DeviceDetails>;

/** Devices that do not exist are left out. */
export const DevicesAnswer = z.object({ devices: z.array(DeviceDetails) });
export type DevicesAnswer = z.infer<typeof DevicesAnswer>;

/** In order of time, at most as many as asked for. */
export const TelemetryAnswer = z.object({
  points: z.array(TelemetryPoint),
  /** Length of the stretch that a point stands for; 0 when each is one message. */
  resolution: z.number(),
});
export type TelemetryAnswer = z.infer<typeof TelemetryAnswer>;

/** Newest first; `next` leads to older ones. */
export const LogPage = z.object({
  events: z.array(z.object({ at: z.number(), message: z.string() })),
  next: z.string().optional(),
});
export type LogPage = z.infer<typeof LogPage>;

export const DeploymentSummary = z.object({
  deploymentId: z.string(),
  revision: z.string(),
  name: z.string().optional(),
  /** `ACTIVE`, `COMPLETED`, `CANCELED`, `INACTIVE`. */
  status: z.string(),
  created: z.number().optional(),
  latest: z.boolean(),
});
export type DeploymentSummary = z.infer<typeof DeploymentSummary>;

export const DeploymentsPage = z.object({
  deployments: z.array(DeploymentSummary),
  next: z.string().optional(),
});
export type DeploymentsPage = z.infer<typeof DeploymentsPage>;

export const DeploymentDetails = DeploymentSummary.extend({
  components: z.array(z.object({ name: z.string(), version: z.string(), heldBack: z.boolean().optional() })),
  /** How fast it goes out: devices a minute in the first wave, by how much each wave grows, when it stops. */
  rollout: z.object({
    perMinute: z.number().optional(),
    baseRatePerMinute: z.number().optional(),
    incrementFactor: z.number().optional(),
    maximumPerMinute: z.number().optional(),
    /** Percentage of failures at which it stops. */
    abortThreshold: z.number().optional(),
  }),
  /** Devices by the status of their job execution: `queued`, `inProgress`, `succeeded`, `failed` … */
  devices: z.record(z.string(), z.number()),
  /** In order of time: how many devices had started and ended by then. */
  waves: z.array(
    z.object({ at: z.number(), started: z.number(), succeeded: z.number(), failed: z.number() }),
  ),
  failures: z.array(
    z.object({
      thing: z.string(),
      status: z.string(),
      reason: z.string().optional(),
      at: z.number().optional(),
    }),
  ),
  /** Component versions that devices report as BROKEN, and why. */
  broken: z.array(
    z.object({
      name: z.string(),
      version: z.string(),
      things: z.array(z.string()),
      reason: z.string().optional(),
    }),
  ),
});
export type DeploymentDetails = z.infer<typeof DeploymentDetails>;

/** Something that happened to the fleet, as rules of AWS IoT wrote it down. */
export const FleetEvent = z.object({
  id: z.string(),
  at: z.number(),
  type: z.enum([
    'connected',
    'disconnected',
    'thing_created',
    'thing_deleted',
    'deployment_succeeded',
    'deployment_failed',
    'rotation_completed',
    'rotation_requested',
  ]),
  thing: z.string(),
  /** One sentence more, where there is one: why it disconnected, which deployment. */
  detail: z.string().optional(),
});
export type FleetEvent = z.infer<typeof FleetEvent>;

/** Newest first; `next` leads to older ones. */
export const EventsPage = z.object({ events: z.array(FleetEvent), next: z.string().optional() });
export type EventsPage = z.infer<typeof EventsPage>;

/** The serial numbers that may join, and whether each has. */
export const AllowlistAnswer = z.object({
  serials: z.array(z.object({ serial: z.string(), joined: z.boolean() })),
});
export type AllowlistAnswer = z.infer<typeof AllowlistAnswer>;

export const RotationAnswer = z.object({ thing: z.string(), requested: z.literal(true) });
export type RotationAnswer = z.infer<typeof RotationAnswer>;

export const AllowlistChange = z.object({
  serial: z.string(),
  /** Whether it is on the list now. */
  allowed: z.boolean(),
  /** False when the list was like that before. */
  changed: z.boolean(),
  /** Ids of certificates that were revoked and deleted. */
  certificates: z.array(z.string()).optional(),
});
export type AllowlistChange = z.infer<typeof AllowlistChange>;
