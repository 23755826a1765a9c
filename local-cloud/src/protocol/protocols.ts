import { Readable } from 'node:stream';
import { AwsError } from '../errors.js';
import { type HttpRequest, type HttpResponse, readBody } from '../http/messages.js';
import {
  inBody,
  payloadMember,
  type RouteMatch,
  type RouterOptions,
  readBindings,
  router,
  writeBindings,
} from './http-binding.js';
import { fromJson, objectAt, structFromJson, structToJson, toJson } from './json.js';
import type { ErrorModel, OperationModel, ServiceModel } from './model.js';
import { structFromQuery } from './query-string.js';
import { element, escapeXml, memberToXml, structFromXml, structToXml } from './xml.js';

/**
 * Structured request bodies larger than this are refused; streamed ones (objects) have no bound here. It is
 * Lambda's limit, the largest: 50 MB of code in base64 and the rest of the request.
 */
const BODY_LIMIT = 70_167_211;

/** An error as it goes on the wire. */
export interface WireError {
  readonly code: string;
  readonly message: string;
  readonly status: number;
  readonly fault: 'client' | 'server';
  /** The model and the value of a modelled error, for its further members. */
  readonly model?: ErrorModel;
  readonly members: Record<string, unknown>;
}

/** One of the AWS protocols, from the server's side. */
export interface ServerProtocol {
  /** The operation that a request names, or undefined when the service has no such operation. */
  route(request: HttpRequest): RouteMatch | undefined;
  readInput(match: RouteMatch, request: HttpRequest): Promise<Record<string, unknown>>;
  writeOutput(operation: OperationModel, output: Record<string, unknown>, requestId: string): HttpResponse;
  writeError(error: WireError, requestId: string): HttpResponse;
  /** A refusal of the HTTP front, which has the codes of AWS query, under the code that this protocol has. */
  refusal?(error: AwsError): AwsError;
}

/** Refusals that the services of the JSON protocols have other codes for than those of AWS query. */
const JSON_REFUSALS = new Map([
  ['ExpiredToken', 'ExpiredTokenException'],
  ['IncompleteSignature', 'IncompleteSignatureException'],
  ['InvalidClientTokenId', 'UnrecognizedClientException'],
  ['RequestTimeTooSkewed', 'InvalidSignatureException'],
  ['SignatureDoesNotMatch', 'InvalidSignatureException'],
]);

function jsonRefusal(error: AwsError, status: number): AwsError {
  const code = JSON_REFUSALS.get(error.code);
  return code === undefined ? error : new AwsError(code, error.message, status, error.details);
}

/** AWS REST JSON 1 (Smithy 2.0, `aws.protocols#restJson1`). */
export function restJson1(model: ServiceModel, options: RouterOptions = {}): ServerProtocol {
  return {
    route: router(model, options),
    async readInput(match, request) {
      const input = readBindings(match, request);
      const { input: schema } = match.operation;
      const payload = payloadMember(schema);
      if (payload) {
        const [name, member] = payload;
        if (member.isStreaming()) input[name] = request.body;
        else {
          const bytes = await wholeBody(request);
          if (bytes.length > 0) input[name] = payloadFromBytes(member, bytes);
        }
      } else if (schema.isStructSchema()) {
        const bytes = await wholeBody(request);
        if (bytes.length > 0) Object.assign(input, structFromJson(schema, parseJson(bytes), inBody));
      }
      return input;
    },
    writeOutput(operation, output) {
      const { headers, status } = writeBindings(operation.output, output);
      const payload = payloadMember(operation.output);
      const answer = { status: status ?? operation.http?.status ?? 200, headers };
      if (!payload) {
        const body = operation.output.isStructSchema() ? structToJson(operation.output, output, inBody) : {};
        return {
          ...answer,
          headers: { 'content-type': 'application/json', ...headers },
          body: JSON.stringify(body),
        };
      }
      const [name, member] = payload;
      const value = output[name];
      if (value === undefined) return answer;
      if (value instanceof Readable || value instanceof Uint8Array) {
        return {
          ...answer,
          headers: { 'content-type': 'application/octet-stream', ...headers },
          body: value,
        };
      }
      const body = typeof value === 'string' ? value : JSON.stringify(toJson(member, value));
      return { ...answer, headers: { 'content-type': 'application/json', ...headers }, body };
    },
    writeError: (error) => ({
      status: error.status,
      headers: { 'content-type': 'application/json', 'x-amzn-errortype': error.code },
      body: JSON.stringify(errorMembers(error)),
    }),
    refusal: (error) => jsonRefusal(error, error.status),
  };
}

/**
 * AWS JSON 1.0 and 1.1 (Smithy 2.0, `aws.protocols#awsJson1_0`, `#awsJson1_1`). A service that spoke AWS query before
 * tells the codes that its errors had there in a header of their own (`aws.protocols#awsQueryCompatible`).
 */
export function awsJson(
  model: ServiceModel,
  version: '1.0' | '1.1',
  { isQueryCompatible = false } = {},
): ServerProtocol {
  const contentType = `application/x-amz-json-${version}`;
  return {
    route(request) {
      const target = request.headers['x-amz-target']?.split('.')[1] ?? '';
      const operation = model.operations.get(target);
      return operation && { operation, labels: {} };
    },
    async readInput(match, request) {
      const { input: schema } = match.operation;
      const bytes = await wholeBody(request);
      if (bytes.length === 0 || !schema.isStructSchema()) return {};
      return structFromJson(schema, parseJson(bytes), () => true);
    },
    writeOutput: (operation, output) => ({
      status: 200,
      headers: { 'content-type': contentType },
      body: operation.output.isStructSchema()
        ? JSON.stringify(structToJson(operation.output, output, () => true))
        : '{}',
    }),
    writeError(error) {
      const name = isQueryCompatible ? shapeNameOf(error) : error.code;
      const fault = error.fault === 'client' ? 'Sender' : 'Receiver';
      return {
        status: isQueryCompatible && error.fault === 'client' ? 400 : error.status,
        headers: {
          'content-type': contentType,
          'x-amzn-errortype': name,
          ...(isQueryCompatible && { 'x-amzn-query-error': `${error.code};${fault}` }),
        },
        body: JSON.stringify({ __type: `${model.namespace}#${name}`, ...errorMembers(error) }),
      };
    },
    refusal: (error) => jsonRefusal(error, 400),
  };
}

/** The name of an error's shape where its code is that of AWS query; errors without a shape are exceptions too. */
function shapeNameOf({ model, code }: WireError): string {
  return model?.schema.getName() ?? (code.endsWith('Exception') ? code : `${code}Exception`);
}

/** AWS query (Smithy 2.0, `aws.protocols#awsQuery`); `namespace` is the XML namespace of its answers. */
export function awsQuery(model: ServiceModel, namespace: string): ServerProtocol {
  const parametersOf = new WeakMap<RouteMatch, URLSearchParams>();
  const xmlns = ` xmlns="${namespace}"`;
  const metadata = (requestId: string) => element('RequestId', requestId);
  return {
    route(request) {
      // The action is in the body; it was put into the query by the front, which had to read it anyway.
      const operation = model.operations.get(request.query.get('Action') ?? '');
      if (!operation) return undefined;
      const match = { operation, labels: {} };
      parametersOf.set(match, request.query);
      return match;
    },
    readInput: async (match) =>
      structFromQuery(match.operation.input, parametersOf.get(match) ?? new URLSearchParams()),
    writeOutput(operation, output, requestId) {
      const { name } = operation;
      const result = operation.output.isStructSchema()
        ? element(`${name}Result`, structToXml(operation.output, output))
        : '';
      const body = element(
        `${name}Response`,
        result + element('ResponseMetadata', metadata(requestId)),
        xmlns,
      );
      return { status: 200, headers: { 'content-type': 'text/xml' }, body };
    },
    writeError: (error, requestId) => wrappedError(error, requestId, namespace),
  };
}

/** An error as AWS query has it, and REST XML. */
function wrappedError(error: WireError, requestId: string, namespace: string): HttpResponse {
  const content =
    element('Type', error.fault === 'client' ? 'Sender' : 'Receiver') +
    element('Code', escapeXml(error.code)) +
    element('Message', escapeXml(error.message));
  return {
    status: error.status,
    headers: { 'content-type': 'text/xml' },
    body: element(
      'ErrorResponse',
      element('Error', content) + element('RequestId', requestId),
      ` xmlns="${namespace}"`,
    ),
  };
}

const XML_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n';

/** Whether errors have an element around them, as all services of REST XML have it but S3. */
export interface RestXmlOptions extends RouterOptions {
  readonly wrapsErrors?: boolean;
}

/** AWS REST XML (Smithy 2.0, `aws.protocols#restXml`); as S3 speaks it, `noErrorWrapping`, unless told otherwise. */
export function restXml(
  model: ServiceModel,
  namespace: string,
  options: RestXmlOptions = {},
): ServerProtocol {
  return {
    route: router(model, options),
    async readInput(match, request) {
      const input = readBindings(match, request);
      const payload = payloadMember(match.operation.input);
      if (!payload) return input;
      const [name, member] = payload;
      if (member.isStreaming()) {
        input[name] = request.body;
        return input;
      }
      const bytes = await wholeBody(request);
      if (bytes.length === 0) return input;
      const text = Buffer.from(bytes).toString('utf8');
      input[name] = member.isStructSchema() ? structFromXml(member, text) : text;
      return input;
    },
    writeOutput(operation, output) {
      const { output: schema } = operation;
      const { headers, status } = writeBindings(schema, output);
      const answer = { status: status ?? operation.http?.status ?? 200, headers };
      if (!schema.isStructSchema()) return answer;
      const payload = payloadMember(schema);
      if (payload) {
        const [name, member] = payload;
        const value = output[name];
        if (value === undefined) return answer;
        if (!member.isStructSchema()) return { ...answer, body: value as Readable | Uint8Array | string };
        const tag = member.getMergedTraits().xmlName ?? member.getName() ?? name;
        return xmlAnswer(
          answer,
          memberToXml(member, value, tag).replace(/^<[^\s>/]+/, `$& xmlns="${namespace}"`),
        );
      }
      if (![...schema.structIterator()].some(([, member]) => inBody(member))) return answer;
      const tag = schema.getMergedTraits().xmlName ?? schema.getName() ?? operation.name;
      return xmlAnswer(answer, element(tag, structToXml(schema, output, inBody), ` xmlns="${namespace}"`));
    },
    writeError(error, requestId) {
      if (options.wrapsErrors) return wrappedError(error, requestId, namespace);
      const details = Object.entries(error.members)
        .filter(([name, value]) => name !== 'message' && typeof value === 'string')
        .map(([name, value]) => element(name, escapeXml(String(value))));
      const content =
        element('Code', escapeXml(error.code)) +
        element('Message', escapeXml(error.message)) +
        details.join('') +
        element('RequestId', requestId);
      return {
        status: error.status,
        headers: { 'content-type': 'application/xml' },
        body: XML_DECLARATION + element('Error', content),
      };
    },
  };
}

function xmlAnswer(answer: HttpResponse, xml: string): HttpResponse {
  return {
    ...answer,
    headers: { 'content-type': 'application/xml', ...answer.headers },
    body: XML_DECLARATION + xml,
  };
}

function wholeBody(request: HttpRequest): Promise<Uint8Array> {
  return readBody(
    request,
    BODY_LIMIT,
    (limit) =>
      new AwsError('RequestEntityTooLargeException', `Request must be smaller than ${limit} bytes`, 413),
  );
}

function parseJson(bytes: Uint8Array): Record<string, unknown> {
  let data: unknown;
  try {
    data = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw new AwsError('SerializationException', 'The request body is not JSON');
  }
  return objectAt(data, 'body');
}

function payloadFromBytes(member: RouteMatch['operation']['input'], bytes: Uint8Array): unknown {
  if (member.isBlobSchema()) return bytes;
  if (member.isStringSchema()) return Buffer.from(bytes).toString('utf8');
  return fromJson(member, parseJson(bytes), member.getMemberName());
}

/** The members of an error's JSON body; a modelled error keeps its own members' spelling (`Message`). */
function errorMembers(error: WireError): Record<string, unknown> {
  const modelled = error.model ? structToJson(error.model.schema, error.members, inBody) : error.members;
  const spelled = Object.keys(modelled).some((name) => name.toLowerCase() === 'message');
  return spelled ? modelled : { message: error.message, ...modelled };
}
