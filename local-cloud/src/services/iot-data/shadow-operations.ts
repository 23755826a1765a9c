import * as sdk from '@aws-sdk/client-iot-data-plane';
import { rangeViolation } from '../../constraints.js';
import { AwsError } from '../../errors.js';
import { page, readToken } from '../../paging.js';
import type { Call, Operations } from '../../service.js';
import type { IotRegistry } from '../iot/iot.js';
import { ShadowError } from '../iot/shadows/errors.js';
import { readUpdate } from '../iot/shadows/request.js';
import type { ShadowService } from '../iot/shadows/shadow-service.js';

/** Default and largest number of names of a page (AWS IoT data plane API reference, ListNamedShadowsForThing). */
const PAGE_SIZE = 25;
const LARGEST_PAGE = 100;

export interface ShadowCapabilities {
  readonly shadows: ShadowService;
  readonly registry: Pick<IotRegistry, 'thingExists'>;
  /** Throws unless the caller may do this; `resource` is what stands behind the account in its ARN. */
  readonly authorize: (call: Call, action: string, resource: string) => void;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

type Shadow = 'GetThingShadow' | 'UpdateThingShadow' | 'DeleteThingShadow' | 'ListNamedShadowsForThing';

/** The HTTP API of shadows (AWS IoT developer guide, "Device Shadow REST API"). */
export function shadowOperations({
  shadows,
  registry,
  authorize,
  now,
}: ShadowCapabilities): Pick<Operations<typeof sdk>, Shadow> {
  /** Does something with the shadow that the input names, when the caller may. */
  function onShadow(
    action: string,
    { thingName = '', shadowName }: { thingName?: string | undefined; shadowName?: string | undefined },
    call: Call,
    work: (id: { thingName: string; shadowName: string | undefined }) => object,
  ): { payload: Uint8Array } {
    authorize(call, `iot:${action}`, `thing/${thingName}${shadowName === undefined ? '' : `/${shadowName}`}`);
    try {
      return { payload: Buffer.from(JSON.stringify(work({ thingName, shadowName }))) };
    } catch (error) {
      throw error instanceof ShadowError ? modelled(error) : error;
    }
  }

  return {
    GetThingShadow: (input, call) => onShadow('GetThingShadow', input, call, (id) => shadows.read(id)),

    UpdateThingShadow: (input, call) =>
      onShadow('UpdateThingShadow', input, call, (id) =>
        shadows.change(id, readUpdate(bytesOf(input.payload))),
      ),

    DeleteThingShadow: (input, call) =>
      onShadow('DeleteThingShadow', input, call, (id) => shadows.remove(id)),

    ListNamedShadowsForThing({ thingName = '', nextToken, pageSize = PAGE_SIZE }, call) {
      authorize(call, 'iot:ListNamedShadowsForThing', `thing/${thingName}`);
      const problem = rangeViolation(pageSize, 'pageSize', 1, LARGEST_PAGE);
      if (problem !== undefined) throw invalid(problem);
      const after = readToken(nextToken, () => invalid('Invalid pagination token'));
      const { items, next } = page(
        (behind) => shadows.names(thingName, behind),
        (name) => name,
        after,
        pageSize,
      );
      if (items.length === 0 && after === undefined && !registry.thingExists(thingName)) {
        throw new sdk.ResourceNotFoundException({ message: 'Thing not found', $metadata: {} });
      }
      return {
        results: items,
        timestamp: Math.floor(now() / 1000),
        ...(next !== undefined && { nextToken: next }),
      };
    },
  };
}

/** The exception of the API reference for what the Device Shadow service refuses. */
function modelled({ code, message }: ShadowError): Error {
  const options = { message, $metadata: {} };
  switch (code) {
    case 400:
      return invalid(message);
    case 403:
      return new sdk.ForbiddenException(options);
    case 404:
      return new sdk.ResourceNotFoundException(options);
    case 409:
      return new sdk.ConflictException(options);
    case 413:
      return new sdk.RequestEntityTooLargeException(options);
    case 415:
      return new sdk.UnsupportedDocumentEncodingException(options);
    case 500:
      return new AwsError('InternalFailureException', message, 500);
  }
}

function invalid(message: string): sdk.InvalidRequestException {
  return new sdk.InvalidRequestException({ message, $metadata: {} });
}

/** The client takes text and buffers as well, but what arrives is always bytes. */
function bytesOf(payload: sdk.UpdateThingShadowCommandInput['payload']): Uint8Array {
  if (typeof payload === 'string') return Buffer.from(payload);
  return payload instanceof Uint8Array ? payload : new Uint8Array();
}
