import type { IotLog, LogSubject } from '../logging/iot-log.js';
import type { RuleMessage } from './sql/index.js';

/** What AWS IoT logs of rules: those that run for a message, and what went wrong with one. */
export class RuleLog {
  constructor(private readonly log: IotLog) {}

  matched(ruleName: string, message: RuleMessage): void {
    if (!this.log.wants('INFO')) return;
    this.log.write('INFO', { eventType: 'RuleMatch', ...about(ruleName, message) }, subjectOf(message));
  }

  /** A topic of Basic Ingest names a rule that is not there, or disabled. */
  notFound(ruleName: string, topicName: string, subject: LogSubject): void {
    this.log.write(
      'ERROR',
      {
        eventType: 'RuleNotFound',
        ...{ topicName, ruleName, reason: 'RuleNotFound' },
        details: `Rule ${ruleName} not found`,
      },
      subject,
    );
  }

  /** The SQL could not be evaluated: a function that asks another service failed, or an expression did. */
  sqlFailed(ruleName: string, message: RuleMessage, error: unknown): void {
    const details = error instanceof Error ? error.message : String(error);
    this.log.write(
      'ERROR',
      { eventType: 'FunctionExecution', ...about(ruleName, message), reason: 'FunctionFailure', details },
      subjectOf(message),
    );
  }

  actionFailed(
    ruleName: string,
    message: RuleMessage,
    {
      ruleAction,
      resources,
      details,
    }: { ruleAction: string; resources: Record<string, string>; details: string },
  ): void {
    this.log.write(
      'ERROR',
      {
        eventType: 'RuleExecution',
        ...about(ruleName, message),
        ...{ ruleAction, resources, reason: 'RuleExecutionFailure', details },
      },
      subjectOf(message),
    );
  }
}

const about = (ruleName: string, { topic }: RuleMessage) => ({ topicName: topic, ruleName });

function subjectOf({ clientId, principal, sourceIp }: RuleMessage): LogSubject {
  return { clientId: clientId ?? 'N/A', principalId: principal, ...(sourceIp !== undefined && { sourceIp }) };
}
