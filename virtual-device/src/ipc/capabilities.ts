/**
 * What the IPC server needs of the core device it runs in, as small typed capabilities. The server
 * owns the socket, the protocol, authorization and local publish/subscribe; everything behind these
 * interfaces belongs to the device.
 *
 * A capability refuses a call by throwing (or rejecting with) {@link IpcError}; the client then sees
 * exactly that modelled error. Anything else thrown is logged and answered as `ServiceError`.
 */
import type { Clock } from '../clock.js';
/** A value as JSON can carry it; what component configuration is made of. */
export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue };

/** The modelled errors of `aws.greengrass#GreengrassCoreIPC` that this server can answer. */
export type IpcErrorCode =
  | 'ComponentNotFoundError'
  | 'ConflictError'
  | 'FailedUpdateConditionCheckError'
  | 'InvalidArgumentsError'
  | 'InvalidArtifactsDirectoryPathError'
  | 'InvalidRecipeDirectoryPathError'
  | 'InvalidTokenError'
  | 'ResourceNotFoundError'
  | 'ServiceError'
  | 'UnauthorizedError';

/** A refusal which the client is told, word for word. */
export class IpcError extends Error {
  override readonly name = 'IpcError';

  /**
   * @param code the modelled error's shape name
   * @param message one sentence for the component's author
   * @param resource only for `ResourceNotFoundError`: what was looked for
   */
  constructor(
    readonly code: IpcErrorCode,
    message: string,
    readonly resource?: { readonly type: string; readonly name: string },
  ) {
    super(message);
  }
}

/** Who speaks on a connection: a component, or the Greengrass CLI (local administration). */
export type IpcPrincipal = { readonly componentName: string } | { readonly cli: true };

/** MQTT's quality of service as AWS IoT Core has it. */
export type Qos = 0 | 1;

/** MQTT 5 properties of a message; an MQTT 3.1.1 connection leaves them out. */
interface MqttProperties {
  readonly userProperties?: readonly { readonly key: string; readonly value: string }[];
  /** Seconds. */
  readonly messageExpiryIntervalSeconds?: number;
  readonly correlationData?: Uint8Array;
  readonly responseTopic?: string;
  /** 0: bytes, 1: UTF-8 text. */
  readonly payloadFormat?: 0 | 1;
  readonly contentType?: string;
}

export interface IotCorePublishOptions extends MqttProperties {
  readonly qos: Qos;
  readonly retain?: boolean;
}

export interface IotCoreMessage extends MqttProperties {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly retain?: boolean;
}

/** The device's one MQTT connection to AWS IoT Core. */
export interface IotCoreCapability {
  /** Resolves once the message is sent or spooled for sending; rejects when it can be neither. */
  publish(topic: string, payload: Uint8Array, options: IotCorePublishOptions): Promise<void>;

  /**
   * Subscribes and survives reconnections. The server calls this once per distinct filter and QoS
   * raise, however many components ask for it, and shares what arrives.
   *
   * @returns ends the subscription
   */
  subscribe(
    filter: string,
    qos: Qos,
    onMessage: (message: IotCoreMessage) => void,
  ): Promise<() => Promise<void>>;
}

/** The `configuration` of each component: its recipe's defaults merged with what came after. */
export interface ConfigurationCapability {
  /**
   * @returns the value at the path, all of it when the path is empty: an empty object for a component that
   *   has no configuration; undefined when there is no such node or component
   */
  get(componentName: string, keyPath: readonly string[]): JsonValue | undefined;

  /**
   * Merges a value into the node at a path: objects key by key, anything else replaces. A missing node
   * is created. A leaf keeps its value when it was modified later than `timestamp`; the update is then
   * refused with `FailedUpdateConditionCheckError`.
   *
   * @param timestamp milliseconds since the epoch
   */
  update(
    componentName: string,
    keyPath: readonly string[],
    timestamp: number,
    value: JsonValue,
  ): void | Promise<void>;

  /**
   * Watches the node at a path and everything below it.
   *
   * @param onChange told the whole key path, from the configuration's root, of each changed node
   * @returns ends the watch
   */
  watch(
    componentName: string,
    keyPath: readonly string[],
    onChange: (changedKeyPath: readonly string[]) => void,
  ): () => void;
}

/** Greengrass lifecycle states. */
export type LifecycleState =
  | 'NEW'
  | 'INSTALLED'
  | 'STARTING'
  | 'RUNNING'
  | 'STOPPING'
  | 'FINISHED'
  | 'ERRORED'
  | 'BROKEN';

export interface ComponentDetails {
  readonly componentName: string;
  readonly version: string;
  readonly state: LifecycleState;
  readonly configuration?: JsonValue;
}

export interface ComponentsCapability {
  list(): readonly ComponentDetails[];
  /** @returns undefined when the device has no component of that name */
  details(componentName: string): ComponentDetails | undefined;
  /** A component's own report of its state. */
  updateState(componentName: string, state: 'RUNNING' | 'ERRORED'): void | Promise<void>;
  /** Resolves once the restart is under way. Only called for components that {@link details} knows. */
  restart(componentName: string): void | Promise<void>;
  /** Resolves once the stop is under way. Only called for components that {@link details} knows. */
  stop(componentName: string): void | Promise<void>;
}

/** `CreateLocalDeployment` as the client sent it, checked for types only. */
export interface LocalDeploymentRequest {
  readonly groupName?: string;
  /** Component name to version. */
  readonly rootComponentVersionsToAdd?: Readonly<Record<string, string>>;
  readonly rootComponentsToRemove?: readonly string[];
  /** Component name to `{ "MERGE": {...}, "RESET": ["/json/pointer"] }`. */
  readonly componentToConfiguration?: Readonly<Record<string, JsonValue>>;
  readonly componentToRunWithInfo?: Readonly<
    Record<
      string,
      {
        readonly posixUser?: string;
        readonly windowsUser?: string;
        readonly systemResourceLimits?: { readonly memory?: number; readonly cpus?: number };
      }
    >
  >;
  /** Absolute path of a folder of recipes. */
  readonly recipeDirectoryPath?: string;
  /** Absolute path of a folder of artifacts: `<component>/<version>/<file>`. */
  readonly artifactsDirectoryPath?: string;
  readonly failureHandlingPolicy?: 'ROLLBACK' | 'DO_NOTHING';
}

export interface LocalDeployment {
  readonly deploymentId: string;
  readonly status: 'QUEUED' | 'IN_PROGRESS' | 'SUCCEEDED' | 'FAILED' | 'CANCELED';
  /** ISO 8601. */
  readonly createdOn?: string;
  readonly deploymentStatusDetails?: {
    readonly detailedDeploymentStatus:
      | 'SUCCESSFUL'
      | 'FAILED_NO_STATE_CHANGE'
      | 'FAILED_ROLLBACK_NOT_REQUESTED'
      | 'FAILED_ROLLBACK_COMPLETE'
      | 'FAILED_UNABLE_TO_ROLLBACK'
      | 'REJECTED';
    readonly deploymentErrorStack?: readonly string[];
    readonly deploymentErrorTypes?: readonly string[];
    readonly deploymentFailureCause?: string;
  };
}

export interface LocalDeploymentsCapability {
  /** Queues a deployment. @returns its id */
  create(request: LocalDeploymentRequest): string | Promise<string>;
  /** @returns undefined when no deployment has that id */
  status(deploymentId: string): LocalDeployment | undefined;
  list(): readonly LocalDeployment[];
}

/** `ComponentUpdatePolicyEvents` of the service model, one member at a time. */
export type UpdateEvent =
  | { readonly preUpdateEvent: { readonly deploymentId: string; readonly isGgcRestarting: boolean } }
  | { readonly postUpdateEvent: { readonly deploymentId: string } };

/** `ValidateConfigurationUpdateEvents` of the service model. */
export type ValidationEvent = {
  readonly validateConfigurationUpdateEvent: {
    readonly configuration: { readonly [key: string]: JsonValue };
    readonly deploymentId: string;
  };
};

/** Components' part in deployments. */
export interface ComponentUpdatesCapability {
  /** @returns ends the subscription; a component without one is not waited for */
  subscribeToUpdates(component: string, listener: (event: UpdateEvent) => void): () => void;
  /**
   * A component's answer to an update that is ready; `InvalidArgumentsError` or `ServiceError` when nobody
   * asked, or the time to answer is over.
   */
  defer(
    component: string,
    answer: {
      readonly deploymentId: string | undefined;
      /** Milliseconds; 0: it need not wait. */
      readonly recheckAfterMs: number;
      readonly message: string | undefined;
    },
  ): void;
  /** @returns ends the subscription */
  subscribeToValidation(component: string, listener: (event: ValidationEvent) => void): () => void;
  /** A component's word about its new configuration; `InvalidArgumentsError` when it was not asked. */
  report(
    component: string,
    report: {
      readonly deploymentId: string;
      readonly accepted: boolean;
      readonly message: string | undefined;
    },
  ): void;
}

/** One line of the device's log; `fields` are for machines. */
export type IpcLog = (
  level: 'debug' | 'info' | 'warn' | 'error',
  message: string,
  fields?: Readonly<Record<string, string | number | boolean>>,
) => void;

/** Bounds that keep one component from hurting the others. */
export interface IpcLimits {
  /** Largest message accepted, headers and payload, in bytes. */
  readonly maxMessageBytes: number;
  /** Bytes waiting for a client that does not read, after which its connection is closed. */
  readonly maxOutgoingBytes: number;
  /** Open streams (subscriptions and requests under way) of one connection. */
  readonly maxStreams: number;
  /** Connections open at once. */
  readonly maxConnections: number;
}

export interface IpcServerOptions {
  /**
   * Where clients find the socket (`ipc.socket` in the device's root). Any length: when it is longer
   * than the system's limit for socket addresses, clients must use {@link IpcServer.socketPath}.
   */
  readonly socketPath: string;
  /** Resolves the `SVCUID` (or CLI) token of a connection; undefined refuses it. */
  readonly authenticate: (token: string) => IpcPrincipal | undefined;
  /** The component's `accessControl` configuration as it is now, recipe variables already replaced. */
  readonly accessControlOf: (componentName: string) => unknown;
  readonly iotCore: IotCoreCapability;
  readonly configuration: ConfigurationCapability;
  readonly components: ComponentsCapability;
  readonly localDeployments: LocalDeploymentsCapability;
  readonly updates: ComponentUpdatesCapability;
  readonly clock: Clock;
  readonly log: IpcLog;
  readonly limits?: Partial<IpcLimits>;
}

export interface IpcServer {
  /**
   * The path to give to components as `AWS_GG_NUCLEUS_DOMAIN_SOCKET_FILEPATH_FOR_COMPONENT`: short
   * enough for a socket address. Equal to the path asked for unless that one is too long.
   */
  readonly socketPath: string;
  /** Ends all connections and removes the socket. */
  close(): Promise<void>;
}
