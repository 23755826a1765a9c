import {
  CloudControlClient,
  CreateResourceCommand,
  DeleteResourceCommand,
  GetResourceCommand,
  GetResourceRequestStatusCommand,
  type ProgressEvent,
  UpdateResourceCommand,
} from '@aws-sdk/client-cloudcontrol';
import type { LocalCloud } from '../../src/local-cloud.js';
import { clientConfig } from './cloud.js';

/** Resources through the Cloud Control API; operations wait for their end and fail as the resource's handler did. */
export function resources(cloud: LocalCloud) {
  const client = new CloudControlClient({ ...clientConfig(cloud), maxAttempts: 1 });

  async function ended(started: ProgressEvent | undefined): Promise<ProgressEvent> {
    let event = started ?? {};
    while (event.OperationStatus === 'PENDING' || event.OperationStatus === 'IN_PROGRESS') {
      const { ProgressEvent: next = {} } = await client.send(
        new GetResourceRequestStatusCommand({ RequestToken: event.RequestToken }),
      );
      event = next;
    }
    if (event.OperationStatus === 'SUCCESS') return event;
    throw Object.assign(new Error(event.StatusMessage), { name: event.ErrorCode });
  }

  return {
    /** Returns the identifier. */
    async create(TypeName: string, desired: object): Promise<string> {
      const { ProgressEvent } = await client.send(
        new CreateResourceCommand({ TypeName, DesiredState: JSON.stringify(desired) }),
      );
      return (await ended(ProgressEvent)).Identifier ?? '';
    },
    async read(TypeName: string, Identifier: string): Promise<Record<string, unknown>> {
      const { ResourceDescription } = await client.send(new GetResourceCommand({ TypeName, Identifier }));
      return JSON.parse(ResourceDescription?.Properties ?? '{}');
    },
    async update(TypeName: string, Identifier: string, patch: readonly object[]): Promise<void> {
      const { ProgressEvent } = await client.send(
        new UpdateResourceCommand({ TypeName, Identifier, PatchDocument: JSON.stringify(patch) }),
      );
      await ended(ProgressEvent);
    },
    async delete(TypeName: string, Identifier: string): Promise<void> {
      const { ProgressEvent } = await client.send(new DeleteResourceCommand({ TypeName, Identifier }));
      await ended(ProgressEvent);
    },
  };
}
