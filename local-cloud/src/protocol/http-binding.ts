import type { NormalizedSchema } from '@smithy/core/schema';
import { AwsError } from '../errors.js';
import type { HttpRequest } from '../http/messages.js';
import type { OperationModel, ServiceModel } from './model.js';
import { scalarFromText, scalarToText, TimestampFormat } from './scalars.js';

/** An operation that a request asks for, with the labels of its path still percent-encoded. */
export interface RouteMatch {
  readonly operation: OperationModel;
  readonly labels: Readonly<Record<string, string>>;
}

/** Finds the operation that a method, path and query ask for. */
export type Router = (request: HttpRequest) => RouteMatch | undefined;

interface Route {
  operation: OperationModel;
  method: string;
  segments: readonly Segment[];
  /** Query parameters that are part of the URI pattern; `undefined` value: any. */
  query: readonly [name: string, value: string | undefined][];
}

type Segment = { literal: string } | { label: string; greedy: boolean };

export interface RouterOptions {
  /** Labels that take the rest of the path although the model does not say so (`topic` of IoT data). */
  greedyLabels?: readonly string[];
  /** Only operations that it accepts are routed to. */
  filter?: (operation: OperationModel) => boolean;
}

/**
 * Makes a router for a model's operations (Smithy 2.0, `http` trait). Literal segments win over labels, and
 * patterns with more query parameters over those with fewer.
 */
export function router(model: ServiceModel, options: RouterOptions = {}): Router {
  const routes = [...model.operations.values()]
    .filter((operation) => operation.http && (options.filter?.(operation) ?? true))
    .map((operation) => compile(operation, options.greedyLabels ?? []))
    .sort((a, b) => specificity(b) - specificity(a));
  return (request) => {
    const segments = request.path.split('/').slice(1);
    for (const route of routes) {
      if (route.method !== request.method) continue;
      if (!route.query.every(([name, value]) => queryHas(request.query, name, value))) continue;
      const labels = matchSegments(route.segments, segments);
      if (labels) return { operation: route.operation, labels };
    }
    return undefined;
  };
}

function compile(operation: OperationModel, greedyLabels: readonly string[]): Route {
  const { method, uri } = operation.http ?? { method: '', uri: '' };
  const [path = '', query = ''] = uri.split('?');
  return {
    operation,
    method,
    segments: path
      .split('/')
      .slice(1)
      .map((segment) => {
        const label = /^\{([^+}]+)(\+?)\}$/.exec(segment);
        if (!label?.[1]) return { literal: segment };
        return { label: label[1], greedy: label[2] === '+' || greedyLabels.includes(label[1]) };
      }),
    // `x-id` only tells SDK requests apart in logs; callers such as curl do not send it.
    query: [...new URLSearchParams(query)]
      .filter(([name]) => name !== 'x-id')
      .map(([name, value]) => [name, value === '' ? undefined : value]),
  };
}

function specificity(route: Route): number {
  const literals = route.segments.filter((segment) => 'literal' in segment && segment.literal !== '').length;
  const greedy = route.segments.some((segment) => 'greedy' in segment && segment.greedy) ? 1 : 0;
  return literals * 100 + route.query.length * 10 - greedy;
}

function queryHas(query: URLSearchParams, name: string, value: string | undefined): boolean {
  return value === undefined ? query.has(name) : query.get(name) === value;
}

function matchSegments(
  pattern: readonly Segment[],
  segments: readonly string[],
): Record<string, string> | undefined {
  const labels: Record<string, string> = {};
  for (const [index, part] of pattern.entries()) {
    const segment = segments[index];
    if ('literal' in part) {
      if (segment !== part.literal) return undefined;
    } else if (part.greedy) {
      const rest = segments.slice(index).join('/');
      if (rest === '') return undefined;
      labels[part.label] = rest;
      return labels;
    } else {
      if (segment === undefined || segment === '') return undefined;
      labels[part.label] = segment;
    }
  }
  return segments.length === pattern.length ? labels : undefined;
}

/** Whether a member of an input or output travels in the body, not in the path, query or headers. */
export function inBody(member: NormalizedSchema): boolean {
  const traits = member.getMemberTraits();
  return !(
    traits.httpLabel ||
    traits.httpQuery ||
    traits.httpQueryParams ||
    traits.httpHeader ||
    traits.httpPrefixHeaders ||
    traits.httpPayload ||
    traits.httpResponseCode
  );
}

/** The member that is the whole body, when there is one (Smithy 2.0, `httpPayload` trait). */
export function payloadMember(schema: NormalizedSchema): [string, NormalizedSchema] | undefined {
  if (!schema.isStructSchema()) return undefined;
  for (const [name, member] of schema.structIterator()) {
    if (member.getMemberTraits().httpPayload) return [name, member];
  }
  return undefined;
}

/** Reads the members of an input that travel in the path, query and headers. */
export function readBindings(match: RouteMatch, request: HttpRequest): Record<string, unknown> {
  const input: Record<string, unknown> = {};
  const { input: schema, http } = match.operation;
  if (!schema.isStructSchema()) return input;
  const named = new Set<string>();
  for (const [, member] of schema.structIterator()) {
    const { httpQuery } = member.getMemberTraits();
    if (httpQuery) named.add(httpQuery);
  }
  for (const [name] of new URLSearchParams(http?.uri.split('?')[1] ?? '')) named.add(name);
  for (const [name, member] of schema.structIterator()) {
    const traits = member.getMemberTraits();
    const label = match.labels[name];
    if (traits.httpLabel && label !== undefined) {
      input[name] = scalarFromText(member, decodeLabel(label, name), TimestampFormat.dateTime, name);
    } else if (traits.httpQuery) {
      const values = request.query.getAll(traits.httpQuery);
      if (values.length > 0) input[name] = fromTexts(member, values, TimestampFormat.dateTime, name);
    } else if (traits.httpQueryParams) {
      input[name] = Object.fromEntries([...request.query].filter(([parameter]) => !named.has(parameter)));
    } else if (traits.httpHeader) {
      const value = request.headers[traits.httpHeader.toLowerCase()];
      if (value !== undefined) {
        const values = member.isListSchema() ? value.split(',').map((item) => item.trim()) : [value];
        input[name] = fromTexts(member, values, TimestampFormat.httpDate, name);
      }
    } else if (traits.httpPrefixHeaders !== undefined) {
      const prefix = traits.httpPrefixHeaders.toLowerCase();
      const found = Object.entries(request.headers).filter(([header]) => header.startsWith(prefix));
      if (found.length > 0) {
        input[name] = Object.fromEntries(
          found.map(([header, value]) => [header.slice(prefix.length), value]),
        );
      }
    }
  }
  return input;
}

/** The headers and, where an output sets it, the status of an answer. */
export function writeBindings(
  schema: NormalizedSchema,
  output: Record<string, unknown>,
): { headers: Record<string, string>; status: number | undefined } {
  const headers: Record<string, string> = {};
  let status: number | undefined;
  if (!schema.isStructSchema()) return { headers, status };
  for (const [name, member] of schema.structIterator()) {
    const traits = member.getMemberTraits();
    const value = output[name];
    if (value === undefined || value === null) continue;
    if (traits.httpHeader) {
      headers[traits.httpHeader.toLowerCase()] = Array.isArray(value)
        ? value.map((item) => scalarToText(member.getValueSchema(), item, TimestampFormat.httpDate)).join(',')
        : scalarToText(member, value, TimestampFormat.httpDate);
    } else if (traits.httpPrefixHeaders !== undefined) {
      for (const [suffix, item] of Object.entries(value)) {
        headers[traits.httpPrefixHeaders.toLowerCase() + suffix] = String(item);
      }
    } else if (traits.httpResponseCode) {
      status = Number(value);
    }
  }
  return { headers, status };
}

function fromTexts(
  schema: NormalizedSchema,
  values: readonly string[],
  format: TimestampFormat,
  where: string,
): unknown {
  if (schema.isListSchema()) {
    return values.map((value) => scalarFromText(schema.getValueSchema(), value, format, where));
  }
  return scalarFromText(schema, values[0] ?? '', format, where);
}

function decodeLabel(label: string, where: string): string {
  try {
    return decodeURIComponent(label);
  } catch {
    throw new AwsError('SerializationException', `Value at '${where}' is not percent-encoded UTF-8`);
  }
}
