import * as sdk from '@aws-sdk/client-iot-data-plane';
import { rangeViolation } from '../../constraints.js';
import { AwsError } from '../../errors.js';
import { type Broker, type Message, MqttError, ReasonCode } from '../../mqtt/index.js';
import { page, readToken } from '../../paging.js';
import type { Base } from '../../plugin.js';
import { readModel } from '../../protocol/model.js';
import { restJson1 } from '../../protocol/protocols.js';
import { type Call, defineService, type Operations, type Service } from '../../service.js';
import type { DeviceAccess } from '../iot/authorization/device-access.js';
import type { Peer } from '../iot/devices/peer.js';
import type { ThingTopics } from '../iot/devices/thing-topics.js';
import type { Iot, IotRegistry } from '../iot/iot.js';
import type { ShadowService } from '../iot/shadows/shadow-service.js';
import { shadowOperations } from './shadow-operations.js';
import { formatUserProperties, parseUserProperties } from './user-properties.js';

export interface IotDataCapabilities {
  readonly broker: Broker<Peer>;
  readonly access: DeviceAccess;
  readonly shadows: ShadowService;
  readonly registry: Pick<IotRegistry, 'thingExists'>;
  readonly thingTopics: Pick<ThingTopics, 'taker'>;
  readonly rules: Iot['rules'];
}

/** What is published here runs the topic rule that it names, and nobody else gets it. */
const BASIC_INGEST = '$aws/rules/';

/** Default and largest number of retained messages of a page (AWS IoT data plane API reference). */
const LARGEST_PAGE = 200;

/** Where the data plane is on the device HTTPS listener. */
export const IOT_DATA_PATHS = [
  '/topics/',
  '/retainedMessage',
  '/things/',
  '/api/things/shadow/',
  '/connections/',
] as const;

/** The AWS IoT data plane: publish, retained messages and shadows over HTTP, for signed callers and for devices. */
export function iotDataPlane(
  { clock }: Pick<Base, 'clock'>,
  { broker, access, shadows, registry, thingTopics, rules }: IotDataCapabilities,
): Service {
  function authorize(call: Call, action: string, resource: string): void {
    if (access.allows(peerOf(call), action, resource)) return;
    throw new sdk.ForbiddenException({ message: 'Forbidden', $metadata: {} });
  }

  const operations: Operations<typeof sdk> = {
    ...shadowOperations({ shadows, registry, authorize, now: () => clock.now() }),

    async Publish(input, call) {
      const topic = input.topic ?? '';
      const peer = peerOf(call);
      authorize(call, 'iot:Publish', `topic/${topic}`);
      if (input.retain) authorize(call, 'iot:RetainPublish', `topic/${topic}`);
      const take = thingTopics.taker(topic);
      const ingested = topic.startsWith(BASIC_INGEST);
      if (topic.startsWith('$') && !take && !ingested) {
        throw new AwsError(
          'NotImplementedException',
          `Publishing to the reserved topic ${topic} over HTTP is not built in the local cloud`,
          501,
        );
      }
      if (topic.startsWith('$') && input.retain)
        throw invalid(`Messages to the reserved topic ${topic} cannot be retained`);
      try {
        const message = messageOf(topic, input);
        const { payload, qos = 0, properties = {} } = message;
        const publish = { topic, payload, qos, properties, retain: false, client: undefined, peer };
        if (ingested) {
          broker.check(message);
          rules.ingest(publish);
          return {};
        }
        await broker.publish(message, { by: peer });
        await take?.(publish);
      } catch (error) {
        if (!(error instanceof MqttError)) throw error;
        if (error.reasonCode === ReasonCode.PacketTooLarge) {
          throw new sdk.RequestEntityTooLargeException({ message: error.message, $metadata: {} });
        }
        throw invalid(error.message);
      }
      return {};
    },

    GetRetainedMessage({ topic = '' }, call) {
      authorize(call, 'iot:GetRetainedMessage', `topic/${topic}`);
      const message = broker.retained.get(topic);
      if (!message) {
        throw new sdk.ResourceNotFoundException({
          message: `There is no retained message for topic ${topic}`,
          $metadata: {},
        });
      }
      const { userProperties } = message.properties;
      return {
        topic: message.topic,
        payload: message.payload,
        qos: message.qos,
        lastModifiedTime: message.lastModified,
        ...(userProperties && { userProperties: Buffer.from(formatUserProperties(userProperties)) }),
      };
    },

    ListRetainedMessages({ nextToken, maxResults = LARGEST_PAGE }, call) {
      authorize(call, 'iot:ListRetainedMessages', '*');
      const problem = rangeViolation(maxResults, 'maxResults', 1, LARGEST_PAGE);
      if (problem !== undefined) throw invalid(problem);
      const { items, next } = page(
        (after) => broker.retained.list(after === undefined ? {} : { after }),
        ({ topic }) => topic,
        readToken(nextToken, () => invalid('Invalid pagination token')),
        maxResults,
      );
      return {
        retainedTopics: items.map(({ topic, payload, qos, lastModified }) => ({
          topic,
          payloadSize: payload.length,
          qos,
          lastModifiedTime: lastModified,
        })),
        ...(next !== undefined && { nextToken: next }),
      };
    },

    DeleteConnection({ clientId = '', cleanSession, preventWillMessage }, call) {
      authorize(call, 'iot:DeleteConnection', `client/${clientId}`);
      const count = broker.disconnect((client) => client.clientId === clientId, 'API_INITIATED_DISCONNECT', {
        cleanSession: cleanSession ?? false,
        preventWill: preventWillMessage ?? false,
      });
      if (count > 0) return {};
      throw new sdk.ResourceNotFoundException({
        message: `There is no connection with the client id ${clientId}`,
        $metadata: {},
      });
    },
  };

  const model = readModel(sdk);
  return defineService<typeof sdk>({
    name: 'iot-data-plane',
    scopes: ['iotdata', 'iotdevicegateway', 'data.iot'],
    model,
    protocol: restJson1(model, { greedyLabels: ['topic'] }),
    operations,
    validationError: { code: 'InvalidRequestException' },
  });
}

function peerOf({ principal, request }: Call): Peer {
  return { principal, sourceIp: '', sourcePort: 0, domainName: request.headers.host };
}

function messageOf(topic: string, input: sdk.PublishCommandInput): Message {
  const { qos = 0, retain, payload, userProperties, correlationData } = input;
  if (qos !== 0 && qos !== 1) throw invalid(`QoS must be 0 or 1, not ${qos}`);
  const properties = userProperties === undefined ? undefined : parseUserProperties(String(userProperties));
  if (userProperties !== undefined && !properties) {
    throw invalid('User properties must be a JSON list of objects with text members');
  }
  return {
    topic,
    qos,
    retain: retain ?? false,
    payload: bytesOf(payload),
    properties: {
      ...(properties && { userProperties: properties }),
      ...(input.payloadFormatIndicator === 'UTF8_DATA' && { payloadFormatIndicator: 1 as const }),
      ...(input.contentType !== undefined && { contentType: input.contentType }),
      ...(input.responseTopic !== undefined && { responseTopic: input.responseTopic }),
      ...(correlationData !== undefined && { correlationData: Buffer.from(correlationData, 'base64') }),
      ...(input.messageExpiry !== undefined && { messageExpiryInterval: Number(input.messageExpiry) }),
    },
  };
}

/** The client takes text as well, but what arrives is always bytes. */
function bytesOf(payload: sdk.PublishCommandInput['payload']): Uint8Array {
  if (typeof payload === 'string') return Buffer.from(payload);
  return payload instanceof Uint8Array ? payload : new Uint8Array();
}

function invalid(message: string): sdk.InvalidRequestException {
  return new sdk.InvalidRequestException({ message, $metadata: {} });
}
