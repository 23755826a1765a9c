/** Components' configuration: reading, merging, watching. */
import { z } from 'zod';
import {
  type ConfigurationCapability,
  IpcError,
  type IpcPrincipal,
  type JsonValue,
} from '../capabilities.js';
import { defineOperation, type Operation, principalName } from '../operation.js';
import { jsonValue } from '../shapes.js';

const ACCESS_CONTROL_KEY = 'accessControl';

const keyPath = z
  .array(z.string())
  .nullish()
  .transform((path) => path ?? []);

const readRequest = z.object({ componentName: z.string().nullish(), keyPath });

const updateRequest = z.object({
  keyPath,
  /** Seconds since the epoch, with fractions. */
  timestamp: z.number('Timestamp is required'),
  valueToMerge: jsonValue,
});

export function configurationOperations(configuration: ConfigurationCapability): readonly Operation[] {
  return [
    defineOperation({
      name: 'GetConfiguration',
      request: readRequest,
      handle(request, { principal }) {
        const componentName = request.componentName ?? principalName(principal);
        const value = existing(configuration, componentName, request.keyPath);
        // A leaf comes as the one member of an object, under its own key.
        const leafKey = request.keyPath.at(-1);
        return {
          componentName,
          value: isObject(value) || leafKey === undefined ? value : { [leafKey]: value },
        };
      },
    }),
    defineOperation({
      name: 'UpdateConfiguration',
      request: updateRequest,
      async handle({ keyPath, timestamp, valueToMerge }, { principal }) {
        refuseAccessControl(keyPath, valueToMerge);
        const componentName = ownComponent(configuration, principal);
        const current = configuration.get(componentName, keyPath);
        if ((current === undefined || isObject(current)) && !isObject(valueToMerge)) {
          throw new IpcError(
            'InvalidArgumentsError',
            `valueToMerge must be a map, because the key path [${keyPath.join(', ')}] names no single value.`,
          );
        }
        await configuration.update(componentName, keyPath, Math.round(timestamp * 1000), valueToMerge);
        return {};
      },
    }),
    defineOperation({
      name: 'SubscribeToConfigurationUpdate',
      request: readRequest,
      eventShape: 'ConfigurationUpdateEvents',
      handle(request, call) {
        const componentName = request.componentName ?? principalName(call.principal);
        existing(configuration, componentName, request.keyPath);
        call.onClosed(
          configuration.watch(componentName, request.keyPath, (changed) =>
            call.emit({ configurationUpdateEvent: { componentName, keyPath: [...changed] } }),
          ),
        );
        return {};
      },
    }),
  ];
}

function existing(
  configuration: ConfigurationCapability,
  componentName: string,
  keyPath: readonly string[],
): JsonValue {
  const value = configuration.get(componentName, keyPath);
  if (value === undefined) throw new IpcError('ResourceNotFoundError', 'Key not found');
  return value;
}

function ownComponent(configuration: ConfigurationCapability, principal: IpcPrincipal): string {
  const name = principalName(principal);
  if (!('componentName' in principal) || configuration.get(name, []) === undefined) {
    throw new IpcError('InvalidArgumentsError', `Component config not found for component ${name}`);
  }
  return name;
}

/** A component must not widen its own permissions. */
function refuseAccessControl(keyPath: readonly string[], value: JsonValue): void {
  const touches =
    keyPath.length === 0
      ? isObject(value) && Object.hasOwn(value, ACCESS_CONTROL_KEY)
      : keyPath[0] === ACCESS_CONTROL_KEY;
  if (touches) {
    throw new IpcError(
      'InvalidArgumentsError',
      `Config update is not allowed for following fields [${ACCESS_CONTROL_KEY}]`,
    );
  }
}

function isObject(value: JsonValue): value is { readonly [key: string]: JsonValue } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
