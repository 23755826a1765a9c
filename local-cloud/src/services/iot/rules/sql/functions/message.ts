import { randomUUID } from 'node:crypto';
import type { Evaluate, Scope } from '../scope.js';
import { toInt, type Value } from '../values.js';
import { type Call, type Functions, pure0, UNDEFINED } from './function.js';

/** The level of a topic by its number, which counts from 1. */
function topicLevel(topic: string, number: number): string | undefined {
  let start = 0;
  for (let level = 1; level < number; level += 1) {
    start = topic.indexOf('/', start) + 1;
    if (start === 0) return undefined;
  }
  const end = topic.indexOf('/', start);
  return number < 1 ? undefined : topic.slice(start, end < 0 ? undefined : end);
}

function compileTopic({ args: [number] }: Call): Evaluate {
  if (!number) return ({ message }) => message.ruleTopic;
  return (scope) => {
    const level = toInt(number(scope));
    return level === undefined ? undefined : topicLevel(scope.message.ruleTopic, level);
  };
}

function newUuid({ capabilities, replay }: Scope): Value {
  const make = () => capabilities.newUuid?.() ?? randomUUID();
  return replay ? replay.answer(make) : make();
}

function mqttProperty(name: Value, { message: { properties } }: Scope): Value {
  switch (name) {
    case 'content_type':
      return properties.contentType;
    case 'format_indicator':
      return properties.payloadFormatIndicator === 1 ? 'UTF8_DATA' : 'UNSPECIFIED_BYTES';
    case 'response_topic':
      return properties.responseTopic;
    case 'correlation_data':
      return properties.correlationData && Buffer.from(properties.correlationData).toString('base64');
    default:
      return undefined;
  }
}

function compileUserProperties({ args: [key] }: Call): Evaluate {
  return (scope) => {
    const all = scope.message.properties.userProperties ?? [];
    if (!key) return all.map(([name, value]) => Object.fromEntries([[name, value]]));
    const wanted = key(scope);
    const values = all.filter(([name]) => name === wanted).map(([, value]) => value);
    return values.length === 0 ? undefined : values;
  };
}

/** The message and where it came from: AWS IoT developer guide, "Functions". */
export const messageFunctions: Functions = {
  accountid: pure0(({ capabilities }) => capabilities.accountId),
  clientid: pure0(({ message }) => message.clientId ?? 'n/a'),
  get_mqtt_property: {
    arity: [1, 1],
    compile: ({ args: [name = UNDEFINED] }) => {
      return (scope) => mqttProperty(name(scope), scope);
    },
  },
  get_user_properties: { arity: [0, 1], compile: compileUserProperties },
  newuuid: pure0(newUuid),
  principal: pure0(({ message }) => message.principal),
  sourceip: pure0(({ message }) => message.sourceIp),
  sql_version: {
    arity: [0, 0],
    compile:
      ({ version }) =>
      () =>
        version,
  },
  timestamp: pure0(({ message }) => message.timestamp),
  topic: { arity: [0, 1], compile: compileTopic },
  traceid: pure0(({ message }) => message.traceId),
};
