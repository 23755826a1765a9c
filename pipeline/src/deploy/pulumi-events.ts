import type { EngineEvent, OpType, StepEventMetadata } from '@pulumi/pulumi/automation/index.js';
import type { DeployCounts } from './engine.js';
import type { Plan } from './engine-ports.js';
import { JsonObject } from './json.js';
import type { Step } from './plan.js';
import { cloudFormationType } from './type-name.js';

/**
 * The plan that the events of a `pulumi preview` tell, in the same words as that of the local target. The stack
 * itself and providers are left out.
 */
export function planOfEvents(events: readonly EngineEvent[]): Plan {
  const steps = events.flatMap(({ resourcePreEvent }): Step[] => {
    const step = resourcePreEvent && stepOf(resourcePreEvent.metadata);
    return step === undefined ? [] : [step];
  });
  return { steps, changes: steps.some(({ kind }) => kind !== 'same') };
}

/** The step that an event announces; undefined for a part of one, and for what is not a resource of the cloud. */
export function stepOf(metadata: StepEventMetadata): Step | undefined {
  if (!metadata.type.startsWith('aws-native:')) return undefined;
  const identifier = metadata.old?.id || metadata.new?.id;
  const resource = {
    key: metadata.urn,
    name: metadata.urn.split('::').at(-1) ?? metadata.urn,
    type: cloudFormationType(metadata.type),
    ...(identifier && { identifier }),
  };
  const changes = (metadata.diffs ?? []).map((property) => ({
    path: [property],
    ...inputOf('before', metadata.old?.inputs, property),
    ...inputOf('after', metadata.new?.inputs, property),
  }));
  switch (metadata.op) {
    case 'create':
    case 'import':
      return { kind: 'create', resource };
    case 'same':
    case 'read':
    case 'refresh':
      return { kind: 'same', resource };
    case 'update':
      return { kind: 'update', resource, changes };
    case 'replace':
      return { kind: 'replace', resource, changes, because: metadata.keys ?? [], order: 'create-first' };
    case 'delete':
      return { kind: 'delete', resource, retained: metadata.old?.retainOnDelete === true };
    default:
      // Creation and deletion within a replacement, and the tidying up of states.
      return undefined;
  }
}

/** The counts of an update's summary. */
export function countsOf(changes: { readonly [op in OpType]?: number } | undefined): DeployCounts {
  return {
    created: changes?.create ?? 0,
    updated: changes?.update ?? 0,
    replaced: changes?.replace ?? 0,
    deleted: changes?.delete ?? 0,
    same: changes?.same ?? 0,
  };
}

function inputOf<Name extends string>(
  name: Name,
  inputs: unknown,
  property: string,
): { [key in Name]?: JsonObject[string] } {
  const parsed = JsonObject.safeParse(inputs);
  const value = parsed.success && Object.hasOwn(parsed.data, property) ? parsed.data[property] : undefined;
  return value === undefined ? {} : ({ [name]: value } as { [key in Name]?: JsonObject[string] });
}
