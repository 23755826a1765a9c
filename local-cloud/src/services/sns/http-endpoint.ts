import type { Clock } from '../../clock.js';
import { DeliveryFailure } from './delivery-failure.js';

interface Post {
  readonly type: 'Notification' | 'SubscriptionConfirmation';
  readonly messageId: string;
  readonly topicArn: string;
  readonly subscriptionArn?: string;
  readonly isRaw: boolean;
  readonly body: string;
}

/** Milliseconds that an endpoint has to answer (SNS developer guide, "Message delivery retries"). */
const ANSWER_LIMIT = 15_000;

/** Whether the address of an endpoint is on this machine: nothing is sent anywhere else. */
export function isLoopback(address: string): boolean {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  return url !== undefined && /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(url.hostname);
}

/**
 * Sends a message to an HTTP endpoint as SNS does.
 *
 * @throws DeliveryFailure when it does not answer with a status of success.
 */
export async function postToEndpoint(
  clock: Clock,
  signal: AbortSignal,
  endpoint: string,
  { type, messageId, topicArn, subscriptionArn, isRaw, body }: Post,
): Promise<void> {
  const late = new AbortController();
  const timer = clock.after(ANSWER_LIMIT, () => late.abort());
  let status: number;
  try {
    const answer = await fetch(endpoint, {
      method: 'POST',
      redirect: 'manual',
      headers: {
        'content-type': 'text/plain; charset=UTF-8',
        'user-agent': 'Amazon Simple Notification Service Agent',
        'x-amz-sns-message-type': type,
        'x-amz-sns-message-id': messageId,
        'x-amz-sns-topic-arn': topicArn,
        ...(subscriptionArn !== undefined && { 'x-amz-sns-subscription-arn': subscriptionArn }),
        ...(isRaw && { 'x-amz-sns-rawdelivery': 'true' }),
      },
      body,
      signal: AbortSignal.any([signal, late.signal]),
    });
    await answer.body?.cancel();
    status = answer.status;
  } catch (error) {
    const reason = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    throw new DeliveryFailure('ConnectionFailed', `${endpoint}: ${String(reason)}`, false);
  } finally {
    timer.cancel();
  }
  if (status >= 200 && status < 300) return;
  // The endpoint refuses it for good, unless it asks for patience.
  const isPermanent = status >= 300 && status < 500 && status !== 429;
  throw new DeliveryFailure(String(status), `${endpoint} answered with status ${status}`, isPermanent);
}
