import { randomUUID } from 'node:crypto';
import type * as sdk from '@aws-sdk/client-lambda';
import { behind, page, readToken } from '../../paging.js';
import type { Base } from '../../plugin.js';
import type { Operations } from '../../service.js';
import type { QueueReader } from '../sqs/reader.js';
import { assertRange, invalidValue, refuse } from './errors.js';
import type { EventSourceMapping } from './event-source-mapping.js';
import type { Functions, LambdaFunction } from './functions.js';
import type { SourcePoller } from './source-poller.js';

type Input = sdk.CreateEventSourceMappingRequest | sdk.UpdateEventSourceMappingRequest;

/** Lambda API reference, CreateEventSourceMapping. */
const LARGEST_BATCH = 10_000;
const LARGEST_BATCH_AT_ONCE = 10;
const LONGEST_WINDOW = 300;
const BUILT = [
  'UUID',
  'FunctionName',
  'EventSourceArn',
  'Enabled',
  'BatchSize',
  'MaximumBatchingWindowInSeconds',
  'FunctionResponseTypes',
];
const QUEUE_ARN = /^arn:[^:]+:sqs:[^:]+:\d{12}:[A-Za-z0-9_-]{1,80}$/;

type OperationNames =
  | 'CreateEventSourceMapping'
  | 'GetEventSourceMapping'
  | 'ListEventSourceMappings'
  | 'UpdateEventSourceMapping'
  | 'DeleteEventSourceMapping';

export interface EventSourceMappings {
  readonly operations: Required<Pick<Operations<typeof sdk>, OperationNames>>;
  find(uuid: string): EventSourceMapping | undefined;
  all(): EventSourceMapping[];
  /** Starts to receive for the mappings that a process before this one kept. */
  resume(): void;
}

export interface EventSourceMappingsNeeds {
  readonly functions: Functions;
  readonly queues: QueueReader;
  readonly poller: SourcePoller;
  /** @throws InvalidParameterValueException unless the role may do this with a queue. */
  readonly assertMayReceive: (role: string, queueArn: string) => void;
}

/** Event source mappings: the messages of queues as events of functions; other sources are not built. */
export function eventSourceMappings(
  { store, clock, region, accountId }: Base,
  { functions, queues, poller, assertMayReceive }: EventSourceMappingsNeeds,
): EventSourceMappings {
  const table = store.table<EventSourceMapping>('lambda.eventSourceMappings');
  const all = () => [...table.entries()].map(([, mapping]) => mapping);

  function get(uuid: string | undefined): EventSourceMapping {
    const mapping = table.get(uuid ?? '');
    if (!mapping) throw refuse.notFound('The resource you requested does not exist.');
    return mapping;
  }

  function check(lambda: LambdaFunction, mapping: EventSourceMapping): void {
    assertRange('batchSize', mapping.batchSize, 1, LARGEST_BATCH);
    assertRange('maximumBatchingWindowInSeconds', mapping.window, 0, LONGEST_WINDOW);
    if (mapping.batchSize > LARGEST_BATCH_AT_ONCE && mapping.window === 0) {
      throw refuse.invalidParameter(
        'Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10',
      );
    }
    const visibility = queues.visibilityTimeout(mapping.sourceArn);
    if (visibility === undefined) {
      throw refuse.invalidParameter(
        'Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue. SQS Error Message: The specified queue does not exist.',
      );
    }
    if (visibility < lambda.timeout) {
      throw refuse.invalidParameter(
        `Queue visibility timeout: ${visibility} seconds is less than Function timeout: ${lambda.timeout} seconds`,
      );
    }
    assertMayReceive(lambda.role, mapping.sourceArn);
  }

  function described(mapping: EventSourceMapping, state?: string): sdk.EventSourceMappingConfiguration {
    return {
      UUID: mapping.uuid,
      EventSourceMappingArn: `arn:aws:lambda:${region}:${accountId}:event-source-mapping:${mapping.uuid}`,
      BatchSize: mapping.batchSize,
      MaximumBatchingWindowInSeconds: mapping.window,
      EventSourceArn: mapping.sourceArn,
      FunctionArn: functions.arnOf(mapping.functionName),
      LastModified: new Date(mapping.lastModified),
      State: state ?? (mapping.isEnabled ? 'Enabled' : 'Disabled'),
      StateTransitionReason: 'USER_INITIATED',
      FunctionResponseTypes: mapping.reportsFailures ? ['ReportBatchItemFailures'] : [],
    };
  }

  function save(mapping: EventSourceMapping): void {
    table.put(mapping.uuid, mapping);
    poller.stop(mapping.uuid);
    if (mapping.isEnabled) poller.start(mapping);
  }

  const operations: EventSourceMappings['operations'] = {
    CreateEventSourceMapping(input) {
      assertBuilt(input);
      const lambda = functions.get(input.FunctionName);
      const { EventSourceArn: sourceArn = '' } = input;
      if (!QUEUE_ARN.test(sourceArn)) {
        throw refuse.invalidParameter(
          `Not built in the local cloud: event sources other than SQS (${sourceArn})`,
        );
      }
      const twin = all().find((other) => other.sourceArn === sourceArn && other.functionName === lambda.name);
      if (twin) {
        throw refuse.exists(
          `An event source mapping with SQS arn (" ${sourceArn} ") and function (" ${lambda.name} ") already exists. Please update or delete the existing mapping with UUID ${twin.uuid}`,
        );
      }
      const mapping: EventSourceMapping = {
        uuid: randomUUID(),
        functionName: lambda.name,
        sourceArn,
        isEnabled: input.Enabled ?? true,
        batchSize: input.BatchSize ?? 10,
        window: input.MaximumBatchingWindowInSeconds ?? 0,
        reportsFailures: reportsFailures(input) ?? false,
        lastModified: clock.now(),
      };
      check(lambda, mapping);
      save(mapping);
      return described(mapping);
    },
    GetEventSourceMapping: ({ UUID }) => described(get(UUID)),
    ListEventSourceMappings({ EventSourceArn, FunctionName, Marker, MaxItems = 100 }) {
      const name = FunctionName === undefined ? undefined : functions.nameOf(FunctionName);
      const found = all().filter(
        ({ sourceArn, functionName }) =>
          (EventSourceArn === undefined || sourceArn === EventSourceArn) &&
          (name === undefined || functionName === name),
      );
      const { items, next } = page(
        behind(found, ({ uuid }) => uuid),
        ({ uuid }) => uuid,
        readToken(Marker, () => invalidValue('marker', Marker ?? '', 'Member must be a marker of a page')),
        Math.min(Math.max(MaxItems, 1), 100),
      );
      return { EventSourceMappings: items.map((one) => described(one)), NextMarker: next };
    },
    UpdateEventSourceMapping(input) {
      assertBuilt(input);
      const before = get(input.UUID);
      const lambda = functions.get(input.FunctionName ?? before.functionName);
      const mapping: EventSourceMapping = {
        ...before,
        functionName: lambda.name,
        isEnabled: input.Enabled ?? before.isEnabled,
        batchSize: input.BatchSize ?? before.batchSize,
        window: input.MaximumBatchingWindowInSeconds ?? before.window,
        reportsFailures: reportsFailures(input) ?? before.reportsFailures,
        lastModified: clock.now(),
      };
      check(lambda, mapping);
      save(mapping);
      return described(mapping);
    },
    DeleteEventSourceMapping({ UUID }) {
      const mapping = get(UUID);
      table.delete(mapping.uuid);
      poller.stop(mapping.uuid);
      return described(mapping, 'Deleting');
    },
  };

  return {
    operations,
    find: (uuid) => table.get(uuid),
    all,
    resume() {
      for (const mapping of all()) if (mapping.isEnabled) poller.start(mapping);
    },
  };
}

function reportsFailures({ FunctionResponseTypes: types }: Input): boolean | undefined {
  if (types === undefined) return undefined;
  const unknown = types.find((type) => type !== 'ReportBatchItemFailures');
  if (unknown === undefined) return types.length > 0;
  throw invalidValue(
    'functionResponseTypes',
    `[${types.join(', ')}]`,
    'Member must satisfy constraint: [Member must satisfy enum value set: [ReportBatchItemFailures]]',
  );
}

function assertBuilt(input: Input): void {
  const unbuilt = Object.entries(input)
    .filter(([name, value]) => value !== undefined && !BUILT.includes(name))
    .map(([name]) => name);
  if (unbuilt.length === 0) return;
  throw refuse.invalidParameter(
    `Not built in the local cloud: ${unbuilt.join(', ')} of an event source mapping`,
  );
}
