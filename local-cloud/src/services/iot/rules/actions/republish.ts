import { z } from 'zod';
import { AwsError } from '../../../../errors.js';
import type { MessageProperties } from '../../../../mqtt/index.js';
import type { RuleMessage } from '../sql/index.js';
import { type ActionContext, type PreparedAction, parameters, type Template, template } from './action.js';

const text = z.string().max(1024);
const schema = z.strictObject({
  roleArn: z.string(),
  topic: z.string().min(1),
  qos: z.union([z.literal(0), z.literal(1)]).optional(),
  headers: z
    .strictObject({
      payloadFormatIndicator: text.optional(),
      contentType: text.optional(),
      responseTopic: text.optional(),
      correlationData: text.optional(),
      messageExpiry: text.optional(),
      userProperties: z
        .array(z.strictObject({ key: text, value: text }))
        .min(1)
        .max(100)
        .optional(),
    })
    .optional(),
});

type Headers = NonNullable<z.infer<typeof schema>['headers']>;

/**
 * Publishes to another topic (AWS IoT developer guide, "Republish"). A reserved topic is written `$$aws/…`; those of
 * jobs take nothing from rules.
 */
export function republishAction(given: unknown, context: ActionContext): PreparedAction {
  const { roleArn, topic, qos = 0, headers } = parameters('republish', schema, given);
  const fillTopic = template(topic, context);
  const fillHeaders = headerTemplates(headers ?? {}, context);
  return {
    name: 'RepublishAction',
    member: 'republish',
    failure: 'Failed to republish to topic',
    service: 'AWSIot',
    target: topic,
    async plan({ message, output, chain }) {
      const filled = await fillTopic(message);
      const resource = filled.startsWith('$$') ? filled.slice(1) : filled;
      const values = await fillHeaders(message);
      return {
        resource,
        details: `Topic: ${resource}`,
        async perform() {
          if (filled.startsWith('$') && !filled.startsWith('$$')) {
            throw new AwsError(
              'InvalidRequestException',
              `The reserved topic has to begin with $$: ${filled}`,
            );
          }
          context.roles.require(
            roleArn,
            'iot:Publish',
            `arn:aws:iot:${context.region}:${context.accountId}:topic/${resource}`,
          );
          const properties = propertiesOf(values);
          await context.republish(
            { topic: resource, payload: output.payload, qos, properties },
            { ...chain, hops: chain.hops + 1 },
          );
        },
      };
    },
  };
}

interface HeaderValues {
  readonly payloadFormatIndicator?: string | undefined;
  readonly contentType?: string | undefined;
  readonly responseTopic?: string | undefined;
  readonly correlationData?: string | undefined;
  readonly messageExpiry?: string | undefined;
  readonly userProperties: readonly (readonly [name: string, value: string])[];
}

function headerTemplates(
  headers: Headers,
  context: ActionContext,
): (message: RuleMessage) => Promise<HeaderValues> {
  const optional = (value: string | undefined): Template | undefined =>
    value === undefined ? undefined : template(value, context);
  const indicator = optional(headers.payloadFormatIndicator);
  const contentType = optional(headers.contentType);
  const responseTopic = optional(headers.responseTopic);
  const correlationData = optional(headers.correlationData);
  const expiry = optional(headers.messageExpiry);
  const userProperties = (headers.userProperties ?? []).map(
    ({ key, value }) => [template(key, context), template(value, context)] as const,
  );
  return async (message) => {
    const properties: [string, string][] = [];
    for (const [key, value] of userProperties) properties.push([await key(message), await value(message)]);
    return {
      payloadFormatIndicator: await indicator?.(message),
      contentType: await contentType?.(message),
      responseTopic: await responseTopic?.(message),
      correlationData: await correlationData?.(message),
      messageExpiry: await expiry?.(message),
      userProperties: properties,
    };
  };
}

/** @throws AwsError `InvalidRequestException` naming the header. */
function propertiesOf(values: HeaderValues): MessageProperties {
  const { payloadFormatIndicator, contentType, responseTopic, correlationData, messageExpiry } = values;
  const refuse = (header: string, value: string) =>
    new AwsError('InvalidRequestException', `The header ${header} is invalid: ${value}`);
  if (
    payloadFormatIndicator !== undefined &&
    !/^(UNSPECIFIED_BYTES|UTF8_DATA)$/.test(payloadFormatIndicator)
  ) {
    throw refuse('payloadFormatIndicator', payloadFormatIndicator);
  }
  if (correlationData !== undefined && !/^[A-Za-z0-9+/]*={0,2}$/.test(correlationData)) {
    throw refuse('correlationData', correlationData);
  }
  const seconds = messageExpiry === undefined ? undefined : Number(messageExpiry);
  if (messageExpiry !== undefined && !(/^\d+$/.test(messageExpiry) && Number(seconds) <= 0xffffffff)) {
    throw refuse('messageExpiry', messageExpiry);
  }
  return {
    ...(payloadFormatIndicator === 'UTF8_DATA' && { payloadFormatIndicator: 1 as const }),
    ...(contentType !== undefined && { contentType }),
    ...(responseTopic !== undefined && { responseTopic }),
    ...(correlationData !== undefined && { correlationData: Buffer.from(correlationData, 'base64') }),
    ...(seconds !== undefined && { messageExpiryInterval: seconds }),
    ...(values.userProperties.length > 0 && { userProperties: values.userProperties }),
  };
}
