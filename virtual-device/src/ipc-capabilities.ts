import type { IClientPublishOptions, IPublishPacket } from 'mqtt';
import type { Supervisor } from './component/supervisor.js';
import type { ComponentConfigurations } from './config/component-configuration.js';
import { DeviceError } from './errors.js';
import {
  type ComponentDetails,
  type ComponentsCapability,
  type IotCoreCapability,
  type IotCoreMessage,
  type IotCorePublishOptions,
  IpcError,
} from './ipc/capabilities.js';
import type { DeviceConnection } from './mqtt/connection.js';

/** What components can do with the device's connection to AWS IoT Core. */
export function iotCoreCapability(connection: DeviceConnection): IotCoreCapability {
  return {
    publish: (topic, payload, options) => refusals(connection.publish(topic, payload, toMqtt(options))),
    subscribe: (filter, qos, onMessage) =>
      refusals(connection.subscribe(filter, qos, (packet) => onMessage(fromMqtt(packet)))),
  };
}

/** The device's own errors are meant for the component's author, too. */
async function refusals<Result>(work: Promise<Result>): Promise<Result> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof DeviceError)) throw error;
    throw new IpcError(
      error.code === 'PAYLOAD_TOO_LARGE' ? 'InvalidArgumentsError' : 'ServiceError',
      error.message,
    );
  }
}

function toMqtt(options: IotCorePublishOptions): IClientPublishOptions {
  const userProperties: Record<string, string[]> = {};
  for (const { key, value } of options.userProperties ?? []) {
    if (!Object.hasOwn(userProperties, key)) userProperties[key] = [];
    userProperties[key]?.push(value);
  }
  return {
    qos: options.qos,
    ...(options.retain !== undefined && { retain: options.retain }),
    properties: {
      ...(options.userProperties && { userProperties }),
      ...(options.messageExpiryIntervalSeconds !== undefined && {
        messageExpiryInterval: options.messageExpiryIntervalSeconds,
      }),
      ...(options.correlationData && { correlationData: Buffer.from(options.correlationData) }),
      ...(options.responseTopic !== undefined && { responseTopic: options.responseTopic }),
      ...(options.payloadFormat !== undefined && { payloadFormatIndicator: options.payloadFormat === 1 }),
      ...(options.contentType !== undefined && { contentType: options.contentType }),
    },
  };
}

function fromMqtt(packet: IPublishPacket): IotCoreMessage {
  const { properties } = packet;
  return {
    topic: packet.topic,
    payload: typeof packet.payload === 'string' ? Buffer.from(packet.payload) : packet.payload,
    retain: packet.retain,
    ...(properties?.userProperties && {
      userProperties: Object.entries(properties.userProperties).flatMap(([key, values]) =>
        [values].flat().map((value) => ({ key, value })),
      ),
    }),
    ...(properties?.messageExpiryInterval !== undefined && {
      messageExpiryIntervalSeconds: properties.messageExpiryInterval,
    }),
    ...(properties?.correlationData && { correlationData: properties.correlationData }),
    ...(properties?.responseTopic !== undefined && { responseTopic: properties.responseTopic }),
    ...(properties?.payloadFormatIndicator !== undefined && {
      payloadFormat: properties.payloadFormatIndicator ? 1 : 0,
    }),
    ...(properties?.contentType !== undefined && { contentType: properties.contentType }),
  };
}

/** What components and the CLI can see and do of the device's components. */
export function componentsCapability(
  supervisor: Supervisor,
  configurations: ComponentConfigurations,
): ComponentsCapability {
  const details = (name: string): ComponentDetails | undefined => {
    const component = supervisor.component(name);
    if (!component) return undefined;
    const { version, state } = component;
    return { componentName: name, version, state, configuration: configurations.of(name) ?? {} };
  };
  return {
    list: () => supervisor.list().flatMap(({ name }) => details(name) ?? []),
    details,
    updateState(name, state) {
      const component = supervisor.component(name);
      if (!component) {
        throw new IpcError('ResourceNotFoundError', `${name} is not on this device`, {
          type: 'component',
          name,
        });
      }
      component.report(state);
    },
    restart(name) {
      const component = supervisor.component(name);
      if (component?.state === 'BROKEN') {
        throw new IpcError(
          'ServiceError',
          `${name} is BROKEN: only a deployment that changes it starts it again`,
        );
      }
      component?.restart();
    },
    stop(name) {
      void supervisor.component(name)?.stop();
    },
  };
}
