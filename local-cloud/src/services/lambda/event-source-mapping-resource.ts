import { z } from 'zod';
import { parseProperties } from '../../resource-properties.js';
import { loadResourceSchema } from '../../resource-schema.js';
import type { ResourceType } from '../../resource-type.js';
import type { Call } from '../../service.js';
import type { EventSourceMappings } from './event-source-mappings.js';

const TYPE_NAME = 'AWS::Lambda::EventSourceMapping';
const schema = z.strictObject({
  FunctionName: z.string(),
  EventSourceArn: z.string().optional(),
  Enabled: z.boolean().optional(),
  BatchSize: z.number().optional(),
  MaximumBatchingWindowInSeconds: z.number().optional(),
  FunctionResponseTypes: z.array(z.literal('ReportBatchItemFailures')).optional(),
  Id: z.string().optional(),
  EventSourceMappingArn: z.string().optional(),
});

/** `AWS::Lambda::EventSourceMapping`: the messages of a queue as events of a function. */
export function eventSourceMappingType({ operations, find, all }: EventSourceMappings): ResourceType {
  const call = {} as Call;
  return {
    typeName: TYPE_NAME,
    schema: loadResourceSchema(TYPE_NAME),
    async create(desired) {
      const { Id: _, EventSourceMappingArn: __, ...wanted } = parseProperties(TYPE_NAME, schema, desired);
      const { UUID = '' } = await operations.CreateEventSourceMapping(wanted, call);
      return UUID;
    },
    async read(id) {
      const mapping = find(id);
      if (!mapping) return undefined;
      const { EventSourceMappingArn } = await operations.GetEventSourceMapping({ UUID: id }, call);
      return {
        Id: id,
        EventSourceMappingArn,
        EventSourceArn: mapping.sourceArn,
        FunctionName: mapping.functionName,
        Enabled: mapping.isEnabled,
        BatchSize: mapping.batchSize,
        MaximumBatchingWindowInSeconds: mapping.window,
        ...(mapping.reportsFailures && { FunctionResponseTypes: ['ReportBatchItemFailures'] }),
      };
    },
    async update(id, desired) {
      const {
        Id: _,
        EventSourceMappingArn: __,
        EventSourceArn: ___,
        ...wanted
      } = parseProperties(TYPE_NAME, schema, desired);
      // What a desired state leaves out goes back to its default.
      const defaults = { Enabled: true, BatchSize: 10, MaximumBatchingWindowInSeconds: 0 };
      const given = { ...defaults, FunctionResponseTypes: [], ...wanted };
      await operations.UpdateEventSourceMapping({ UUID: id, ...given }, call);
    },
    async delete(id) {
      await operations.DeleteEventSourceMapping({ UUID: id }, call);
    },
    list: () => all().map(({ uuid }) => uuid),
  };
}
