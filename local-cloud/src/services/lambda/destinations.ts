import type { Base } from '../../plugin.js';
import type { RoleDirectory } from '../iam/directory.js';
import type { RoleAuthority } from '../iam/role-authority.js';
import type { TopicPublisher } from '../sns/publisher.js';
import type { QueueSender } from '../sqs/sender.js';
import { refuse } from './errors.js';
import type { LambdaFunction } from './functions.js';

/** What else became of an event: an attribute of the message that tells it. */
export interface RecordAttribute {
  readonly DataType: 'String' | 'Number';
  readonly StringValue: string;
}

/** Where records of asynchronous invocations and dead letters go, with the permissions of the function's role. */
export interface Destinations {
  /** Checks the target of a DeadLetterConfig. @throws InvalidParameterValueException */
  assertDeadLetterTarget(role: string, arn: string): void;
  /** Checks a destination of an event invoke configuration. @throws InvalidParameterValueException */
  assertDestination(role: string, arn: string): void;
  /** Checks that a role may receive the messages of a queue. @throws InvalidParameterValueException */
  assertMayReceive(role: string, queueArn: string): void;
  /** @throws what the other service refuses; InvalidParameterValueException when the role may not do this. */
  send(
    lambda: LambdaFunction,
    arn: string,
    body: string,
    attributes?: Readonly<Record<string, RecordAttribute>>,
  ): Promise<void>;
}

interface Target {
  readonly kind: 'sqs' | 'sns' | 'lambda';
  /** What the role has to be allowed. */
  readonly action: string;
}

const TARGETS: readonly [pattern: RegExp, target: Target][] = [
  [/^arn:[^:]+:sqs:[^:]+:\d{12}:[A-Za-z0-9_-]{1,80}$/, { kind: 'sqs', action: 'sqs:SendMessage' }],
  [/^arn:[^:]+:sns:[^:]+:\d{12}:[A-Za-z0-9_-]{1,256}$/, { kind: 'sns', action: 'sns:Publish' }],
  [
    /^arn:[^:]+:lambda:[^:]+:\d{12}:function:[A-Za-z0-9_-]{1,64}(:\$LATEST)?$/,
    { kind: 'lambda', action: 'lambda:InvokeFunction' },
  ],
];

/** @param invoke takes an event for a function of that ARN, whoever asks. */
export function destinations(
  { region, clock }: Base,
  {
    roles,
    queues,
    topics,
  }: { roles: RoleDirectory & RoleAuthority; queues: QueueSender; topics: TopicPublisher },
  invoke: (functionArn: string, event: string) => void,
): Destinations {
  function targetOf(arn: string): Target | undefined {
    return TARGETS.find(([pattern]) => pattern.test(arn))?.[1];
  }

  function mayCall(role: string, { action }: Pick<Target, 'action'>, arn: string): boolean {
    const roleName = roles.byArn(role)?.roleName;
    if (roleName === undefined) return false;
    const context = new Map([
      ['aws:requestedregion', region],
      ['aws:currenttime', new Date(clock.now()).toISOString()],
      ['aws:securetransport', 'true'],
    ]);
    return roles.decide(roleName, { action, resource: arn, context }) === 'allowed';
  }

  function assertMayCall(role: string, target: Target, arn: string): void {
    if (mayCall(role, target, arn)) return;
    throw refuse.invalidParameter(
      `The function's execution role does not have permissions to call ${target.action.split(':')[1]} on ${arn}`,
    );
  }

  return {
    assertDeadLetterTarget(role, arn) {
      const target = targetOf(arn);
      if (!target || target.kind === 'lambda') {
        throw refuse.invalidParameter(
          `The dead letter target ${arn} is not the ARN of a standard queue of SQS or a standard topic of SNS.`,
        );
      }
      if (mayCall(role, target, arn)) return;
      const [, operation] = target.action.split(':');
      throw refuse.invalidParameter(
        `The provided execution role does not have permissions to call ${operation} on ${target.kind.toUpperCase()}`,
      );
    },
    assertDestination(role, arn) {
      if (/^arn:[^:]+:(events|s3):/.test(arn)) {
        throw refuse.invalidParameter(
          `Not built in the local cloud: destinations of EventBridge and S3 (${arn})`,
        );
      }
      const target = targetOf(arn);
      if (!target) throw refuse.invalidParameter(`The destination ARN ${arn} is invalid.`);
      assertMayCall(role, target, arn);
    },
    assertMayReceive(role, arn) {
      for (const operation of ['ReceiveMessage', 'DeleteMessage', 'GetQueueAttributes']) {
        if (mayCall(role, { action: `sqs:${operation}` }, arn)) continue;
        throw refuse.invalidParameter(
          `The provided execution role does not have permissions to call ${operation} on SQS`,
        );
      }
    },
    async send({ role }, arn, body, attributes = {}) {
      const target = targetOf(arn);
      if (!target) throw refuse.invalidParameter(`The destination ARN ${arn} is invalid.`);
      assertMayCall(role, target, arn);
      if (target.kind === 'sqs') await queues.send(arn, body, attributes);
      else if (target.kind === 'sns') await topics.publish(arn, { message: body, attributes });
      else invoke(arn, body);
    },
  };
}
