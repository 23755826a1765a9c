import {
  type CloudControlClient,
  CloudControlServiceException,
  CreateResourceCommand,
  DeleteResourceCommand,
  GetResourceCommand,
  GetResourceRequestStatusCommand,
  type ProgressEvent,
  paginateListResources,
  UpdateResourceCommand,
} from '@aws-sdk/client-cloudcontrol';
import { MooringError } from '../errors.js';
import { type Cloud, CloudRefusal, isNotFound } from './cloud.js';
import { JsonObject } from './json.js';

/** First and longest pause between two questions about a request, and how long one is asked about, in ms. */
const POLL = { first: 20, longest: 2000, total: 15 * 60_000 } as const;

/** {@link Cloud} on the AWS Cloud Control API. */
export class CloudControl implements Cloud {
  readonly #client: CloudControlClient;
  readonly #pause: (milliseconds: number) => Promise<void>;

  /** @param pause resolves after that many milliseconds. */
  constructor(client: CloudControlClient, pause: (milliseconds: number) => Promise<void>) {
    this.#client = client;
    this.#pause = pause;
  }

  async create(type: string, properties: JsonObject, token: string): Promise<string> {
    const done = await this.#carryOut(() =>
      this.#client.send(
        new CreateResourceCommand({
          TypeName: type,
          DesiredState: JSON.stringify(properties),
          ClientToken: token,
        }),
      ),
    );
    if (done.Identifier === undefined) {
      throw new MooringError('CloudControlAnswer', `Cloud Control created a ${type} and told no identifier`);
    }
    return done.Identifier;
  }

  async update(type: string, identifier: string, patch: string, token: string): Promise<void> {
    await this.#carryOut(() =>
      this.#client.send(
        new UpdateResourceCommand({
          TypeName: type,
          Identifier: identifier,
          PatchDocument: patch,
          ClientToken: token,
        }),
      ),
    );
  }

  async delete(type: string, identifier: string, token: string): Promise<void> {
    await this.#carryOut(() =>
      this.#client.send(
        new DeleteResourceCommand({ TypeName: type, Identifier: identifier, ClientToken: token }),
      ),
    );
  }

  async read(type: string, identifier: string): Promise<JsonObject | undefined> {
    try {
      const { ResourceDescription } = await refusals(() =>
        this.#client.send(new GetResourceCommand({ TypeName: type, Identifier: identifier })),
      );
      return JsonObject.parse(JSON.parse(ResourceDescription?.Properties ?? '{}'));
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  async list(type: string): Promise<string[]> {
    return refusals(async () => {
      const identifiers: string[] = [];
      for await (const page of paginateListResources({ client: this.#client }, { TypeName: type })) {
        for (const { Identifier } of page.ResourceDescriptions ?? []) {
          if (Identifier !== undefined) identifiers.push(Identifier);
        }
      }
      return identifiers;
    });
  }

  /** Sends a request and follows it to its end. */
  async #carryOut(send: () => Promise<{ ProgressEvent?: ProgressEvent }>): Promise<ProgressEvent> {
    let event = (await refusals(send)).ProgressEvent;
    let waited = 0;
    for (let pause: number = POLL.first; ; pause = Math.min(pause * 2, POLL.longest)) {
      switch (event?.OperationStatus) {
        case 'SUCCESS':
          return event;
        case 'FAILED':
        case 'CANCEL_COMPLETE':
          throw new CloudRefusal(
            event.ErrorCode ?? event.OperationStatus,
            event.StatusMessage ?? 'no reason was given',
          );
        case undefined:
          throw new MooringError(
            'CloudControlAnswer',
            'Cloud Control answered without the status of the request',
          );
        default:
          if (waited >= POLL.total) {
            throw new MooringError(
              'CloudControlTimeout',
              `The request is still ${event?.OperationStatus} after ${POLL.total / 60_000} minutes: deploy again later, it will be taken up`,
            );
          }
      }
      await this.#pause(pause);
      waited += pause;
      const RequestToken: string | undefined = event?.RequestToken;
      event = (await refusals(() => this.#client.send(new GetResourceRequestStatusCommand({ RequestToken }))))
        .ProgressEvent;
    }
  }
}

/** Turns the service's own refusals into {@link CloudRefusal}; failures of its side or of the way stay what they are. */
async function refusals<T>(send: () => Promise<T>): Promise<T> {
  try {
    return await send();
  } catch (error) {
    if (
      error instanceof CloudControlServiceException &&
      (error.$metadata.httpStatusCode ?? 500) < 500 &&
      error.name !== 'ThrottlingException'
    ) {
      throw new CloudRefusal(error.name, error.message);
    }
    throw error;
  }
}
