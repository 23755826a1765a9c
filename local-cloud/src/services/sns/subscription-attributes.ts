import { z } from 'zod';
import { refuse } from './errors.js';
import { FilterPolicyError, parseFilterPolicy, type Scope } from './filter-policy.js';

/** Attributes of a subscription that were set. */
export interface SubscriptionAttributes {
  /** JSON text. */
  readonly FilterPolicy?: string | undefined;
  readonly FilterPolicyScope?: Scope | undefined;
  readonly RawMessageDelivery?: 'true' | 'false' | undefined;
  /** JSON text. */
  readonly RedrivePolicy?: string | undefined;
}

const redrivePolicy = z.strictObject({ deadLetterTargetArn: z.string() });
const QUEUE_ARN = /^arn:[^:]+:sqs:[^:]+:\d{12}:[A-Za-z0-9_-]{1,80}$/;

/** The queue that undeliverable messages of a subscription go to. */
export function deadLetterArn({ RedrivePolicy: text }: SubscriptionAttributes): string | undefined {
  return text === undefined ? undefined : redrivePolicy.parse(JSON.parse(text)).deadLetterTargetArn;
}

/**
 * The attributes with changes; empty texts take away filter and redrive policies.
 *
 * @throws InvalidParameterException in the words of SNS, also for what is not built.
 */
export function changedAttributes(
  before: SubscriptionAttributes,
  changes: Readonly<Record<string, string>>,
): SubscriptionAttributes {
  let result: SubscriptionAttributes = before;
  for (const [name, value] of Object.entries(changes)) result = { ...result, ...changed(name, value) };
  checkFilter(result);
  const kept = Object.entries(result).filter(([, value]) => value !== undefined);
  return Object.fromEntries(kept);
}

function changed(name: string, value: string): SubscriptionAttributes {
  switch (name) {
    case 'FilterPolicy':
      return { FilterPolicy: value === '' || value === '{}' ? undefined : value };
    case 'FilterPolicyScope':
      if (value !== 'MessageAttributes' && value !== 'MessageBody') {
        throw refuse.parameter(
          `FilterPolicyScope: Invalid value [${value}]. Please use either MessageBody or MessageAttributes`,
        );
      }
      return { FilterPolicyScope: value };
    case 'RawMessageDelivery': {
      const flag = value.toLowerCase();
      if (flag !== 'true' && flag !== 'false') {
        throw refuse.parameter(`RawMessageDelivery: Invalid value [${value}]. Must be true or false.`);
      }
      return { RawMessageDelivery: flag };
    }
    case 'RedrivePolicy':
      return { RedrivePolicy: value === '' || value === '{}' ? undefined : checkedRedrivePolicy(value) };
    case 'DeliveryPolicy':
    case 'SubscriptionRoleArn':
    case 'ReplayPolicy':
      throw refuse.unbuilt(`the attribute ${name} of subscriptions`);
    default:
      throw refuse.parameter('AttributeName');
  }
}

function checkFilter({ FilterPolicy: text, FilterPolicyScope: scope }: SubscriptionAttributes): void {
  if (text === undefined) return;
  try {
    parseFilterPolicy(text, scope ?? 'MessageAttributes');
  } catch (error) {
    if (error instanceof FilterPolicyError) throw refuse.parameter(`FilterPolicy: ${error.message}`);
    throw error;
  }
}

function checkedRedrivePolicy(text: string): string {
  const problem =
    'RedrivePolicy: failed to parse JSON. deadLetterTargetArn must be the ARN of an Amazon SQS queue';
  try {
    if (QUEUE_ARN.test(redrivePolicy.parse(JSON.parse(text)).deadLetterTargetArn)) return text;
  } catch {
    // Said below.
  }
  throw refuse.parameter(problem);
}
