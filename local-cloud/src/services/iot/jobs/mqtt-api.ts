import type { Clock } from '../../../clock.js';
import type { Broker } from '../../../mqtt/index.js';
import type { Peer } from '../devices/peer.js';
import type { ThingMessage, ThingTopics } from '../devices/thing-topics.js';
import { describedExecution, seconds, secondsLeft, stateOf, summaryOf } from './descriptions.js';
import { DeviceJobError, type DeviceJobs } from './device-jobs.js';
import {
  clientTokenOf,
  type JobRequestPayload,
  type JobTopic,
  parseJobTopic,
  parsePayload,
  parseRequest,
} from './mqtt-request.js';
import type { ExecutionRecord } from './records.js';

/** Answers the jobs API for devices over MQTT (developer guide, "Jobs device MQTT API operations"). */
export function serveJobs(
  thingTopics: ThingTopics,
  jobs: DeviceJobs,
  broker: Broker<Peer>,
  clock: Clock,
  failed: (error: unknown) => void,
): void {
  thingTopics.on(/^jobs\//, (message) => {
    // Answers and notifications, which clients may publish to as to any topic.
    if (/\/(?:accepted|rejected)$|^jobs\/notify/.test(message.suffix)) return;
    let token: string | undefined;
    let answer: { suffix: 'accepted' | 'rejected'; body: object };
    try {
      const topic = parseJobTopic(message.suffix.slice('jobs/'.length));
      if (!topic) {
        throw new DeviceJobError('InvalidTopic', 'The topic does not map to an operation of AWS IoT Jobs.');
      }
      const data = parsePayload(message.payload);
      token = clientTokenOf(data);
      answer = { suffix: 'accepted', body: execute(message, topic, parseRequest(data)) };
    } catch (error) {
      const isRejection = error instanceof DeviceJobError;
      if (!isRejection) failed(error);
      const rejection = isRejection ? error : new DeviceJobError('InternalError', 'The request failed.');
      const { code, message: text, execution } = rejection;
      answer = {
        suffix: 'rejected',
        body: { code, message: text, ...(execution && { executionState: stateOf(execution) }) },
      };
    }
    const timestamp = seconds(clock.now());
    const body = { ...(token !== undefined && { clientToken: token }), timestamp, ...answer.body };
    broker
      .publish({
        topic: `${message.topic}/${answer.suffix}`,
        payload: Buffer.from(JSON.stringify(body)),
        qos: message.qos,
      })
      .catch(failed);
  });

  function execute({ thingName }: ThingMessage, topic: JobTopic, request: JobRequestPayload): object {
    const scope = { thingName, namespaceId: topic.namespaceId };
    switch (topic.operation) {
      case 'pending': {
        const all = jobs.pending(scope);
        const of = (status: string) => all.filter((one) => one.status === status).map(summaryOf);
        return { inProgressJobs: of('IN_PROGRESS'), queuedJobs: of('QUEUED') };
      }
      case 'start-next':
        return described(jobs.startNext(scope, request), true);
      case 'describe':
        return described(
          jobs.describe(scope, topic.jobId, request.executionNumber),
          request.includeJobDocument ?? true,
        );
      case 'update': {
        const execution = jobs.update(scope, topic.jobId, { ...request, status: request.status });
        return {
          ...(request.includeJobExecutionState && { executionState: stateOf(execution) }),
          ...(request.includeJobDocument && { jobDocument: documentOf(execution) }),
        };
      }
    }
  }

  function described(execution: ExecutionRecord | undefined, withDocument: boolean): object {
    if (!execution) return {};
    const left = secondsLeft(execution, clock.now());
    return {
      execution: {
        ...describedExecution(execution, withDocument ? documentOf(execution) : undefined),
        ...(left !== undefined && { approximateSecondsBeforeTimedOut: left }),
      },
    };
  }

  const documentOf = ({ jobId }: ExecutionRecord): unknown => JSON.parse(jobs.document(jobId));
}
