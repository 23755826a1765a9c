import { randomUUID } from 'node:crypto';
import type { PathHandler } from '../../http/front.js';
import type { HttpResponse } from '../../http/messages.js';
import { element, escapeXml } from '../../protocol/xml.js';
import { SNS_PATH } from './envelopes.js';
import type { Signatures } from './signatures.js';
import type { SubscriptionAdministration } from './subscription-operations.js';

export const NAMESPACE = 'http://sns.amazonaws.com/doc/2010-03-31/';

/**
 * What the links in messages of SNS lead to: the certificate of their signatures, the confirmation of a
 * subscription, and its end. Nobody signs these requests.
 */
export function links(
  signatures: Signatures,
  { confirm, unsubscribe }: Pick<SubscriptionAdministration, 'confirm' | 'unsubscribe'>,
): PathHandler {
  const answer = (action: string, result: string): HttpResponse => ({
    status: 200,
    headers: { 'content-type': 'text/xml' },
    body: element(
      `${action}Response`,
      result + element('ResponseMetadata', element('RequestId', randomUUID())),
      ` xmlns="${NAMESPACE}"`,
    ),
  });
  const refusal = (status: number, code: string, message: string): HttpResponse => {
    const error = element('Type', 'Sender') + element('Code', code) + element('Message', escapeXml(message));
    return {
      status,
      headers: { 'content-type': 'text/xml' },
      body: element('ErrorResponse', element('Error', error), ` xmlns="${NAMESPACE}"`),
    };
  };
  return {
    prefix: SNS_PATH,
    async handle({ path, query }) {
      const certificate = signatures.certificate(path.slice(SNS_PATH.length));
      if (certificate !== undefined) {
        return { status: 200, headers: { 'content-type': 'application/x-pem-file' }, body: certificate };
      }
      const action = query.get('Action');
      try {
        if (action === 'ConfirmSubscription') {
          const arn = confirm(query.get('TopicArn') ?? '', query.get('Token') ?? '', false);
          return answer(action, element(`${action}Result`, element('SubscriptionArn', arn)));
        }
        if (action === 'Unsubscribe') {
          unsubscribe(query.get('SubscriptionArn') ?? '', true);
          return answer(action, '');
        }
      } catch (error) {
        if (!(error instanceof Error && '$fault' in error)) throw error;
        return refusal(400, error.name.replace(/Exception$/, ''), error.message);
      }
      return refusal(404, 'NotFound', 'There is nothing here');
    },
  };
}
